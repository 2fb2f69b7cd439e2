// Cosines and sines of rotary position embedding, scaled as transformers' modeling_rope_utils.py does.
//
// Dynamic and longrope frequencies depend on how long a sequence is. As with transformers at a batch of one,
// that is the length of the token's own sequence at the time it is computed: keys in a cache keep the turn
// they were written with, so whoever decodes beyond a longrope's original context computes the sequence again
// at that point.
#pragma once

#include "core/engine/checkpoint/hyperparameters.h"
#include "core/engine/model/packed_batch.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <mutex>

namespace azimuth {

struct RopeTable {
    at::Tensor cosine, sine; // F32 [rows, half], rounded to `type`; undefined where nothing rotates
    std::int64_t half = 0;
    at::ScalarType type = at::kFloat; // of the rotation's arithmetic
};

struct RopeRows {
    std::shared_ptr<const RopeTable> table;
    at::Tensor row; // I64 [tokens]: the table's row that each token of a batch turns by
};

// Frequencies F32 [width / 2] on the CPU of sequences of this length.
at::Tensor ropeFrequencies(const RopeParameters& parameters, std::int64_t length);

// Tables grow by doubling, so that a short run does not pay for a context of 128k tokens. Thread-safe.
class RotaryEmbedding {
public:
    RotaryEmbedding(RopeParameters parameters, std::int64_t contextLength, at::ScalarType type,
                    at::Device device);

    RopeRows rowsOf(const PackedBatch& batch) const;

private:
    std::shared_ptr<const RopeTable> tableOf(const at::Tensor& angles) const;
    std::shared_ptr<const RopeTable> grown(std::int64_t positions) const;
    RopeRows dynamicRows(const PackedBatch& batch) const;

    RopeParameters m_parameters;
    std::int64_t m_contextLength;
    at::ScalarType m_type;
    at::Device m_device;
    mutable std::mutex m_mutex;
    mutable std::int64_t m_positions = 0;
    mutable std::shared_ptr<const RopeTable>
        m_table; // longrope: the rows of long sequences follow the short ones
};

} // namespace azimuth
