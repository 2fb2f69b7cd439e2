// 16-bit floats as bits. Widening is exact; NaN keeps its payload. bfloat16 rounds to nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>

namespace azimuth {

// IEEE 754 binary16 to binary32. Branch-free on the exponent so that loops over it vectorise: the half's exponent is
// rebased by a multiplication that is exact, subnormals included.
inline float halfToFloat(std::uint16_t half) {
    const std::uint32_t sign = (static_cast<std::uint32_t>(half) & 0x8000u) << 16;
    const std::uint32_t magnitude = (static_cast<std::uint32_t>(half) & 0x7fffu) << 13;
    const float scaled = std::bit_cast<float>(magnitude) * std::bit_cast<float>(0x77800000u); // 2^112
    const std::uint32_t infinite = magnitude >= 0x0f800000u ? 0x7f800000u : 0u;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | infinite | sign);
}

inline float bfloatToFloat(std::uint16_t bfloat) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat) << 16);
}

inline std::uint16_t floatToBfloat(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

} // namespace azimuth
