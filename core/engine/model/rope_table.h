// Cosines and sines of rotary position embedding: F32 [positions, rotary width / 2], rounded to the compute
// precision as transformers does. Computed once for the whole context; thread-safe afterwards.
#pragma once

#include "core/engine/model/architecture_spec.h"

#include <ATen/core/Tensor.h>

namespace azimuth {

struct RopeTable {
    at::Tensor cosine, sine; // undefined where nothing rotates
    std::int64_t half = 0;

    RopeTable() = default;
    RopeTable(const RopeParameters& spec, std::int64_t positions, at::ScalarType compute, at::Device device);
};

} // namespace azimuth
