// Prompts into the key-value cache. Rows that share a prompt share its work up to the first k at which their
// arm edits a prompt token; there they part.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/engine/steer/steering.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace azimuth {

struct PrefillRow {
    std::span<const std::int32_t> ids;
    std::int64_t row = 0;  // of the Steering
    std::int64_t slot = 0; // of the cache
    // Of ids that go on with generated tokens; 0: all are the prompt's. Such a row shares no work.
    std::int64_t promptLength = 0;
};

// Logits of each row's last token, F32 [rows, vocabulary], in order. tokenBudget bounds the tokens of
// one packed pass (a longer prompt is a pass of its own); it cuts by order, so equal input gives equal bits.
// poll is called before every block and may throw.
at::Tensor prefill(const Decoder& decoder, KeyValueCache& cache, const Steering& steering,
                   const std::vector<PrefillRow>& rows, std::int64_t tokenBudget,
                   const std::function<void()>& poll = {});

} // namespace azimuth
