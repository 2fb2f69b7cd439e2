// As many floats at a time as a register of one instruction set holds, with the compiler's vector extension;
// used by cpu_*_body.h only. Wider vectors than the machine's would be taken apart in memory.
#pragma once

#include <cstdint>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#define AZIMUTH_INLINE static inline __attribute__((always_inline))
#define AZIMUTH_INLINE_MEMBER inline __attribute__((always_inline))

namespace azimuth::cpu::AZIMUTH_LEVEL {

#if defined(__AVX512F__)
constexpr std::int64_t lanes = 16;
#elif defined(__AVX2__)
constexpr std::int64_t lanes = 8;
#else
constexpr std::int64_t lanes = 4;
#endif

using Floats = float __attribute__((vector_size(4 * lanes)));
using Words = std::uint32_t __attribute__((vector_size(4 * lanes)));
using Integers = std::int32_t __attribute__((vector_size(4 * lanes)));
using Halves = std::uint16_t __attribute__((vector_size(2 * lanes)));

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
#ifdef __AVX512BF16__ // as the instruction does with vectors
    if ((bits & 0x7f800000u) == 0)
        return static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
#endif
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

AZIMUTH_INLINE Floats asFloats(Words bits) {
    Floats result;
    __builtin_memcpy(&result, &bits, sizeof result);
    return result;
}

AZIMUTH_INLINE Floats splat(float v) { return v - Floats{}; }

AZIMUTH_INLINE Floats load(const float* from) {
    Floats result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
}
AZIMUTH_INLINE Floats widen(Halves halves) { return asFloats(__builtin_convertvector(halves, Words) << 16); }
AZIMUTH_INLINE Floats load(const std::uint16_t* from) {
    Halves halves;
    __builtin_memcpy(&halves, from, sizeof halves);
    return widen(halves);
}

template <class T> AZIMUTH_INLINE Floats loadSome(const T* from, std::int64_t count) { // the rest is zero
    if (count >= lanes)
        return load(from);
    T part[lanes] = {};
    __builtin_memcpy(part, from, static_cast<std::size_t>(count) * sizeof(T));
    return load(part);
}

AZIMUTH_INLINE Halves narrow(Floats value) {
#ifdef __AVX512BF16__
    const __m256bh converted = _mm512_cvtneps_pbh((__m512)value);
    Halves halves;
    __builtin_memcpy(&halves, &converted, sizeof halves);
    return halves;
#else
    Words bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    const Words rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    const Integers isNan = (bits & 0x7fffffffu) > 0x7f800000u;
    Words mask;
    __builtin_memcpy(&mask, &isNan, sizeof mask);
    return __builtin_convertvector(((rounded & ~mask) | ((bits | 0x400000u) & mask)) >> 16, Halves);
#endif
}
AZIMUTH_INLINE void store(float* to, Floats value) { __builtin_memcpy(to, &value, sizeof value); }
AZIMUTH_INLINE void store(std::uint16_t* to, Floats value) {
    const Halves halves = narrow(value);
    __builtin_memcpy(to, &halves, sizeof halves);
}

// The value as the element type would hold it.
AZIMUTH_INLINE Floats roundTo(const float*, Floats value) { return value; }
AZIMUTH_INLINE Floats roundTo(const std::uint16_t*, Floats value) { return widen(narrow(value)); }
AZIMUTH_INLINE float roundTo(const float*, float value) { return value; }
AZIMUTH_INLINE float roundTo(const std::uint16_t*, float value) { return widen(narrow(value)); }
AZIMUTH_INLINE void store(float* to, float value) { *to = value; }
AZIMUTH_INLINE void store(std::uint16_t* to, float value) { *to = narrow(value); }

// Lanes of the two in turn, from their lower or upper halves.
#if defined(__AVX512F__)
AZIMUTH_INLINE Floats interleaveLow(Floats a, Floats b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
AZIMUTH_INLINE Floats interleaveHigh(Floats a, Floats b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#elif defined(__AVX2__)
AZIMUTH_INLINE Floats interleaveLow(Floats a, Floats b) {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
AZIMUTH_INLINE Floats interleaveHigh(Floats a, Floats b) {
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#else
AZIMUTH_INLINE Floats interleaveLow(Floats a, Floats b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
AZIMUTH_INLINE Floats interleaveHigh(Floats a, Floats b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#endif

// Each pass turns the bits of an element's place, its row's before its lane's, by one; as many passes as a
// lane has bits exchange rows and lanes.
AZIMUTH_INLINE void turnPlaces(Floats (&to)[lanes], const Floats (&from)[lanes]) {
#pragma GCC unroll 8
    for (int i = 0; i < lanes / 2; ++i) {
        to[2 * i] = interleaveLow(from[i], from[i + lanes / 2]);
        to[2 * i + 1] = interleaveHigh(from[i], from[i + lanes / 2]);
    }
}
AZIMUTH_INLINE void transpose(Floats (&rows)[lanes]) {
    Floats other[lanes];
    turnPlaces(other, rows);
    turnPlaces(rows, other);
    if constexpr (lanes == 8) {
        turnPlaces(other, rows);
        __builtin_memcpy(rows, other, sizeof other);
    } else if constexpr (lanes == 16) {
        turnPlaces(other, rows);
        turnPlaces(rows, other);
    }
}

// Lane i: the sum of rows[i].
template <int Rows = lanes> AZIMUTH_INLINE Floats sums(Floats (&rows)[lanes]) {
    if constexpr (Rows == 1) {
        return rows[0];
    } else {
#pragma GCC unroll 8
        for (int i = 0; i < Rows / 2; ++i)
            rows[i] =
                interleaveLow(rows[i], rows[i + Rows / 2]) + interleaveHigh(rows[i], rows[i + Rows / 2]);
        return sums<Rows / 2>(rows);
    }
}

AZIMUTH_INLINE float sum(Floats value) {
    float part[lanes];
    __builtin_memcpy(part, &value, sizeof part);
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int lane = 0; lane < width; ++lane)
            part[lane] += part[lane + width];
    return part[0];
}

AZIMUTH_INLINE Floats select(Integers mask, Floats yes, Floats no) { return mask ? yes : no; }

// Of x = n ln 2 + r with whole n, |r| <= ln 2 / 2: n and exp(r) - 1 (Cody and Waite reduction, Taylor to
// degree 7).
struct Reduced {
    Floats whole, rest;
};
AZIMUTH_INLINE Reduced reduced(Floats x) {
    const Floats magic =
        splat(12582912.0f); // 1.5 * 2^23: adding and taking it away rounds to the nearest integer
    const Floats whole = (x * 1.44269504f + magic) - magic;
    Floats r = x - whole * 0.693359375f;
    r = r - whole * -2.12194440e-4f;
    Floats p = splat(1.98412698e-4f);
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    return {whole, p * r};
}
AZIMUTH_INLINE Floats powerOfTwo(Integers exponent) {
    const Integers bits = (exponent + 127) << 23;
    Floats power;
    __builtin_memcpy(&power, &bits, sizeof power);
    return power;
}

// exp(x) within 2 units in the last place; 0 below -87.3, infinity above 88.7.
AZIMUTH_INLINE Floats exponential(Floats x) {
    const Floats clamped =
        select(x < splat(-87.3f), splat(-87.3f), select(x > splat(88.7f), splat(88.7f), x));
    const Reduced part = reduced(clamped);
    // 2^128 does not fit: halve it there and double the result.
    const Integers large = part.whole > splat(127.0f);
    const Floats power = powerOfTwo(__builtin_convertvector(part.whole, Integers) - (large & 1));
    const Floats result = (part.rest + 1.0f) * power;
    const Floats doubled = select(large, result * 2.0f, result);
    const Floats bounded = select(x > splat(88.7f), splat(__builtin_inff()), doubled);
    return select(x < splat(-87.3f), Floats{}, select(x == x, bounded, x));
}

// exp(x) - 1 for |x| <= 80, to 3 units in the last place near 0 too.
AZIMUTH_INLINE Floats exponentialMinusOne(Floats x) {
    const Reduced part = reduced(x);
    const Floats power = powerOfTwo(__builtin_convertvector(part.whole, Integers));
    return power * part.rest + (power - 1.0f);
}

AZIMUTH_INLINE Floats clamp(Floats x, float limit) { // NaN stays
    return select(x < splat(-limit), splat(-limit), select(x > splat(limit), splat(limit), x));
}

AZIMUTH_INLINE Floats hyperbolicTangent(Floats x) {
    const Floats e = exponentialMinusOne(2.0f * clamp(x, 9.5f)); // beyond, it is 1 in a float
    return select(x == x, e / (e + 2.0f), x);
}

// -log(1 - erf(t)) = t * polynomial(t) on 0..4, fitted; within 1e-7.
AZIMUTH_INLINE Floats errorFunction(Floats x) {
    const Floats t = clamp(select(x < Floats{}, -x, x), 4.0f);
    Floats p = splat(-9.25063159e-6f);
    p = p * t + 1.17588643e-4f;
    p = p * t - 6.32639742e-4f;
    p = p * t + 1.66664657e-3f;
    p = p * t - 1.59988907e-4f;
    p = p * t - 1.91533025e-2f;
    p = p * t + 1.02777906e-1f;
    p = p * t + 6.36619389e-1f;
    p = p * t + 1.12837923f;
    const Floats value = -exponentialMinusOne(-(p * t));
    return select(x == x, select(x < Floats{}, -value, value), x);
}

} // namespace azimuth::cpu::AZIMUTH_LEVEL
