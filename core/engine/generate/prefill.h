// Prompts into the key-value cache. Rows that share a prompt share its work up to the first k at which their
// arm edits a prompt token; there they part.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/engine/steer/steering.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace azimuth {

struct PrefillRow {
    std::span<const std::int32_t> ids;
    std::int64_t row = 0;  // of the Steering
    std::int64_t slot = 0; // of the cache
};

// Logits of each row's last prompt token, F32 [rows, vocabulary], in order. tokenBudget bounds the tokens of
// one packed pass (a longer prompt is a pass of its own); it cuts by order, so equal input gives equal bits.
at::Tensor prefill(const Decoder& decoder, KeyValueCache& cache, const Steering& steering,
                   const std::vector<PrefillRow>& rows, std::int64_t tokenBudget);

} // namespace azimuth
