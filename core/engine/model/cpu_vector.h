// Sixteen floats at a time with the compiler's vector extension; used by cpu_kernels_body.h only, compiled
// for one instruction set.
#pragma once

#include <cstdint>

#define AZIMUTH_INLINE static inline __attribute__((always_inline))

namespace azimuth::cpu::AZIMUTH_LEVEL {

constexpr std::int64_t lanes = 16;

using Floats = float __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Integers = std::int32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));

AZIMUTH_INLINE float widen(std::uint16_t value) {
    const std::uint32_t bits = std::uint32_t{value} << 16;
    float result;
    __builtin_memcpy(&result, &bits, 4);
    return result;
}
AZIMUTH_INLINE float widen(float value) { return value; }

AZIMUTH_INLINE std::uint16_t narrow(float value) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

AZIMUTH_INLINE Floats asFloats(Words bits) {
    Floats result;
    __builtin_memcpy(&result, &bits, sizeof result);
    return result;
}

AZIMUTH_INLINE Floats splat(float v) { return Floats{v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v}; }

AZIMUTH_INLINE Floats load(const float* from) {
    Floats result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
}
AZIMUTH_INLINE Floats load(const std::uint16_t* from) {
    Halves halves;
    __builtin_memcpy(&halves, from, sizeof halves);
    const Words words = __builtin_convertvector(halves, Words) << 16;
    Floats result;
    __builtin_memcpy(&result, &words, sizeof result);
    return result;
}

AZIMUTH_INLINE Words narrowBits(Floats value) { // the rounded value in the upper half of each word
    Words bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    const Words rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    const Integers isNan = (bits & 0x7fffffffu) > 0x7f800000u;
    Words mask;
    __builtin_memcpy(&mask, &isNan, sizeof mask);
    return (rounded & ~mask) | ((bits | 0x400000u) & mask);
}
AZIMUTH_INLINE void store(float* to, Floats value) { __builtin_memcpy(to, &value, sizeof value); }
AZIMUTH_INLINE void store(std::uint16_t* to, Floats value) {
    const Halves halves = __builtin_convertvector(narrowBits(value) >> 16, Halves);
    __builtin_memcpy(to, &halves, sizeof halves);
}

// The value as the element type would hold it.
AZIMUTH_INLINE Floats roundTo(const float*, Floats value) { return value; }
AZIMUTH_INLINE Floats roundTo(const std::uint16_t*, Floats value) {
    const Words words = narrowBits(value) & 0xffff0000u;
    Floats result;
    __builtin_memcpy(&result, &words, sizeof result);
    return result;
}
AZIMUTH_INLINE float roundTo(const float*, float value) { return value; }
AZIMUTH_INLINE float roundTo(const std::uint16_t*, float value) { return widen(narrow(value)); }
AZIMUTH_INLINE void store(float* to, float value) { *to = value; }
AZIMUTH_INLINE void store(std::uint16_t* to, float value) { *to = narrow(value); }

AZIMUTH_INLINE float sum(Floats value) {
    float part[lanes];
    __builtin_memcpy(part, &value, sizeof part);
    for (int width = 8; width > 0; width /= 2)
        for (int lane = 0; lane < width; ++lane)
            part[lane] += part[lane + width];
    return part[0];
}

AZIMUTH_INLINE Floats select(Integers mask, Floats yes, Floats no) { return mask ? yes : no; }

// exp(x) for x <= 88.7 within 2 units in the last place; 0 below -87.3 (Cody and Waite reduction, Taylor to
// degree 7).
AZIMUTH_INLINE Floats exponential(Floats x) {
    const Floats clamped =
        select(x < splat(-87.3f), splat(-87.3f), select(x > splat(88.7f), splat(88.7f), x));
    const Floats scaled = clamped * 1.44269504f;
    const Floats magic =
        splat(12582912.0f); // 1.5 * 2^23: adding and taking it away rounds to the nearest integer
    const Floats whole = (scaled + magic) - magic;
    Floats r = clamped - whole * 0.693359375f;
    r = r - whole * -2.12194440e-4f;
    Floats p = splat(1.98412698e-4f);
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    Integers exponent = (__builtin_convertvector(whole, Integers) + 127) << 23;
    // 2^128 does not fit: halve the exponent there and double the result.
    const Integers large = whole > splat(127.0f);
    exponent = exponent - ((large & 1) << 23);
    Floats power;
    __builtin_memcpy(&power, &exponent, sizeof power);
    const Floats result = p * power;
    const Floats doubled = select(large, result * 2.0f, result);
    return select(x < splat(-87.3f), Floats{}, select(x == x, doubled, x));
}

} // namespace azimuth::cpu::AZIMUTH_LEVEL
