// The decoder's tensors, fused for fewer and larger products: queries, keys and values in one matrix, gate and up in one.
#pragma once

#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/model/architecture_spec.h"
#include "core/engine/model/operations.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace azimuth {

struct BlockWeights {
    operations::Norm attentionNorm, attentionPostNorm, mlpNorm, mlpPostNorm, queryNorm, keyNorm;
    at::Tensor queryKeyValue, queryKeyValueBias; // [query + 2 key-value width, d]: queries, keys, values
    at::Tensor attentionOut, attentionOutBias;
    at::Tensor mlpIn, mlpInBias; // [2 feed-forward, d]: gate, up; or [feed-forward, d] where there is no gate
    at::Tensor mlpOut, mlpOutBias;

    at::Tensor query(const ArchitectureSpec& spec) const;
    at::Tensor keyValue(const ArchitectureSpec& spec) const;
    at::Tensor queryBias(const ArchitectureSpec& spec) const;
    at::Tensor keyValueBias(const ArchitectureSpec& spec) const;
};

struct DecoderWeights {
    at::Tensor embedding; // [vocabulary, d]
    at::Tensor head; // [vocabulary, d]; the embedding where tied
    operations::Norm finalNorm;
    std::vector<BlockWeights> blocks;
};

// Error model.weights: a tensor is missing, has another shape (both are named), or is one too many.
DecoderWeights fuseWeights(const ArchitectureSpec& spec, Weights weights, at::ScalarType compute, at::Device device);

} // namespace azimuth
