// Maps over a DirectionBank. Pure.
#pragma once

#include "core/base/array.h"
#include "core/study/direction.h"

#include <cstdint>
#include <vector>

namespace azimuth {

struct LayerMap {
    std::vector<std::int32_t> positions; // rows, as in the bank
    std::int64_t ks = 0;                 // columns: k = 0..L
    ArrayD value; // [position][k]: raw norm / median norm of R[k]; NaN where a norm is missing
};
LayerMap layerMap(const DirectionBank& bank);

// Cosines between the directions of one position, [k][k]; NaN where a direction has norm 0. Error
// direction.position, direction.unread.
ArrayD kCosine(const DirectionBank& bank, std::int32_t position);

} // namespace azimuth
