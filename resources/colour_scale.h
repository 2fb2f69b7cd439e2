// From a value to a colour: one rule for heat maps, colour bars, legends and exported figures.
//   A scale divides [low, high] into as many equal steps as the map has entries; low falls into the
//   first, high into the last; what lies outside takes the nearest end; NaN is the caller's matter.
// No Qt; values are free of allocation and may be used from any thread.
#pragma once

#include "resources/colour_maps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace azimuth {

struct ColourRange {
    double low = 0;
    double high = 1;
    friend bool operator==(const ColourRange&, const ColourRange&) = default;
};

struct ColourScale {
    const ColourMap* map = &viridisMap;
    ColourRange range;

    friend bool operator==(const ColourScale&, const ColourScale&) = default;

    // 0..255. The value is not NaN. A range of no width puts everything into the middle.
    int index(double value) const {
        const double width = range.high - range.low;
        if (!(width > 0)) {
            return 128;
        }
        const double at = (value - range.low) / width * 256.0;
        return at <= 0 ? 0 : at >= 255 ? 255 : static_cast<int>(at);
    }

    Rgb colour(double value) const { return map->table[static_cast<std::size_t>(index(value))]; }
};

// How a range is chosen from the values; each ignores what is not finite.
enum class RangeRule {
    minimumMaximum,
    percentiles, // 2 % to 98 %
    symmetric,   // -m to m, m = the largest absolute value
};

// The range of these values by that rule: finite, low < high. Without one finite value it is 0 to 1; where
// all values are equal it is widened by 0.5 on each side (symmetric: -0.5 to 0.5 if they are 0).
inline ColourRange chooseRange(std::span<const float> values, RangeRule rule) {
    std::vector<float> finite;
    finite.reserve(values.size());
    std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
                 [](float value) { return std::isfinite(value); });
    if (finite.empty()) {
        return {0, 1};
    }
    if (rule == RangeRule::percentiles) {
        const auto at = [&finite](double fraction) {
            const auto position =
                finite.begin() +
                static_cast<std::ptrdiff_t>(std::lround(fraction * static_cast<double>(finite.size() - 1)));
            std::nth_element(finite.begin(), position, finite.end());
            return static_cast<double>(*position);
        };
        const ColourRange range{at(0.02), at(0.98)};
        if (range.low < range.high) {
            return range;
        }
    }
    const auto [least, most] = std::minmax_element(finite.begin(), finite.end());
    if (rule == RangeRule::symmetric) {
        const double limit =
            std::max(std::abs(static_cast<double>(*least)), std::abs(static_cast<double>(*most)));
        return limit > 0 ? ColourRange{-limit, limit} : ColourRange{-0.5, 0.5};
    }
    if (*least == *most) {
        return {static_cast<double>(*least) - 0.5, static_cast<double>(*most) + 0.5};
    }
    return {static_cast<double>(*least), static_cast<double>(*most)};
}

} // namespace azimuth
