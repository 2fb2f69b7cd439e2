// 16-bit floats as bits. Widening is exact; NaN keeps its payload. bfloat16 rounds to nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>

namespace azimuth {

// IEEE 754 binary16 to binary32. Selects instead of branches so that loops over it vectorise; a subnormal
// half is made by an exact subtraction of normal floats, because processors are slow on subnormal operands.
[[gnu::always_inline]] inline float halfToFloat(std::uint16_t half) {
    const std::uint32_t magnitude = (static_cast<std::uint32_t>(half) & 0x7fffu) << 13;
    constexpr std::uint32_t rebase = std::uint32_t{127 - 15} << 23, smallestNormal = std::uint32_t{113} << 23;
    const std::uint32_t normal = magnitude + rebase + (magnitude >= 0x0f800000u ? rebase : 0u);
    const float subnormal =
        std::bit_cast<float>(magnitude + smallestNormal) - std::bit_cast<float>(smallestNormal);
    const std::uint32_t bits = magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(subnormal) : normal;
    return std::bit_cast<float>(bits | (static_cast<std::uint32_t>(half) & 0x8000u) << 16);
}

[[gnu::always_inline]] inline float bfloatToFloat(std::uint16_t bfloat) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat) << 16);
}

[[gnu::always_inline]] inline std::uint16_t floatToBfloat(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

} // namespace azimuth
