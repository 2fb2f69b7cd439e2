// The decoder's tensors, fused for fewer and larger products: queries, keys and values in one matrix, gate
// and up in one.
#pragma once

#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/model/architecture_spec.h"
#include "core/engine/model/linear_weight.h"
#include "core/engine/model/operations.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace azimuth {

struct BlockWeights {
    operations::Norm attentionNorm, attentionPostNorm, mlpNorm, mlpPostNorm, queryNorm, keyNorm;
    LinearWeight queryKeyValue; // [query + 2 key-value width, d]: queries, keys, values
    LinearWeight attentionOut;
    LinearWeight mlpIn; // [2 feed-forward, d]: gate, up; or [feed-forward, d] where there is no gate
    LinearWeight mlpOut;
};

struct DecoderWeights {
    at::Tensor positions;   // [learned positions, d]; undefined where there are none
    LinearWeight embedding; // [vocabulary, d]; the head too where tied
    LinearWeight head;      // [vocabulary, d]; undefined where tied
    operations::Norm finalNorm;
    std::vector<BlockWeights> blocks;

    bool packed() const; // every matrix
};

// Error model.weights: a tensor is missing, has another shape (both are named), or is one too many.
DecoderWeights fuseWeights(const ArchitectureSpec& spec, Weights weights, at::ScalarType compute,
                           at::Device device, bool pack);

} // namespace azimuth
