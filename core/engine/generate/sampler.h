// The next token of each row from its logits.
//
// Greedy: the largest logit, the first index on ties. Sampling: temperature, then top-k (ties with the k-th
// stay), then top-p (a token stays while the probability of those before it, in falling order, is below p),
// then one draw. The draw is a pure function of (seed, row key, step): batch composition and the order of
// rows do not change it. Thread-safe; rows in parallel. Error generate.nonfinite if a row's logits hold no
// finite maximum.
#pragma once

#include "core/study/completion.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace azimuth {

struct SampleRow {
    std::uint64_t key = 0; // names the row's noise
    std::int64_t step = 0; // of the row: 0 is its first new token
};

// logits: F32 [rows, vocabulary], any device. Result: one id per row.
std::vector<std::int32_t> sampleTokens(const at::Tensor& logits, std::span<const SampleRow> rows,
                                       const Decoding& decoding);
// Uniform in [0, 1) with 53 bits.
double uniformOf(std::uint64_t seed, const SampleRow& row);

} // namespace azimuth
