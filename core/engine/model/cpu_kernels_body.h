// The kernels of cpu_kernels.h for one instruction set: included by cpu_kernels_<level>.cpp, which is
// compiled for it and names its namespace AZIMUTH_LEVEL. Nothing here is an inline function of the standard
// library: the linker would keep one copy, perhaps one with instructions that the machine lacks.
#pragma once

#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/cpu_vector.h"

namespace azimuth::cpu::AZIMUTH_LEVEL {

#include "core/engine/model/cpu_kernel_functions.inc"

#ifdef __AVX512F__
constexpr int rowsOfBlock = 12; // 24 sums and 4 vectors of weights fit 32 registers
#elif defined(__AVX2__)
constexpr int rowsOfBlock = 6; // 12 sums of 16 registers
#else
constexpr int rowsOfBlock = 4;
#endif
static_assert(rowsOfBlock <= lanes); // a transposition packs them
constexpr std::int64_t tileOutputs =
    2 * lanes;                           // outputs, or rows of attention, that a block computes at a time
constexpr std::int64_t chunkDepth = 256; // even
constexpr std::int64_t ahead = 12 * panelOutputs; // what a product asks the memory for beforehand
#ifdef __AVX512BF16__
constexpr bool pairedRows = true;
#else
constexpr bool pairedRows = false;
#endif

namespace {

template <class A, class B> AZIMUTH_INLINE float dot(const A* a, const B* b, std::int64_t width) {
    Floats first{}, second{};
    std::int64_t i = 0;
    for (; i + 2 * lanes <= width; i += 2 * lanes) {
        first += load(a + i) * load(b + i);
        second += load(a + i + lanes) * load(b + i + lanes);
    }
    for (; i + lanes <= width; i += lanes)
        first += load(a + i) * load(b + i);
    float rest = 0;
    for (; i < width; ++i)
        rest += widen(a[i]) * widen(b[i]);
    return sum(first + second) + rest;
}

template <class T> AZIMUTH_INLINE float inverseRootMeanSquare(const T* x, std::int64_t width, float epsilon) {
    return 1.0f / __builtin_sqrtf(dot(x, x, width) / static_cast<float>(width) + epsilon);
}

// x * factor * weight before the last rounding to the type of `type`.
template <class T>
AZIMUTH_INLINE Floats normalised(const T* type, Floats x, Floats weight, float factor, bool castThenScale) {
    const Floats value = x * factor;
    return (castThenScale ? roundTo(type, value) : value) * weight;
}

template <class T>
AZIMUTH_INLINE void rmsNormRows(T* out, const T* x, const float* weight, const NormArguments& a,
                                std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t at = row / a.outer * a.outerStride + row % a.outer * a.width;
        const T* from = x + at;
        T* to = out + at;
        const float factor = inverseRootMeanSquare(from, a.width, a.epsilon);
        std::int64_t i = 0;
        for (; i + lanes <= a.width; i += lanes)
            store(to + i, normalised(x, load(from + i), load(weight + i), factor, a.castThenScale));
        if (i < a.width) {
            T rest[lanes];
            store(rest, normalised(x, loadSome(from + i, a.width - i), loadSome(weight + i, a.width - i),
                                   factor, a.castThenScale));
            __builtin_memcpy(to + i, rest, static_cast<std::size_t>(a.width - i) * sizeof(T));
        }
    }
}

template <class T>
AZIMUTH_INLINE void rotateTokens(T* x, std::int64_t stride, std::int64_t heads, std::int64_t headWidth,
                                 std::int64_t half, const std::int64_t* positions, const float* cosine,
                                 const float* sine, std::int64_t first, std::int64_t last) {
    for (std::int64_t token = first; token < last; ++token) {
        const float* c = cosine + positions[token] * half;
        const float* s = sine + positions[token] * half;
        for (std::int64_t head = 0; head < heads; ++head) {
            T* low = x + token * stride + head * headWidth;
            T* high = low + half;
            std::int64_t i = 0;
            for (; i + lanes <= half; i += lanes) {
                const Floats a = load(low + i), b = load(high + i), cos = load(c + i), sin = load(s + i);
                store(low + i, roundTo(x, a * cos) - roundTo(x, b * sin));
                store(high + i, roundTo(x, b * cos) + roundTo(x, a * sin));
            }
            for (; i < half; ++i) {
                const float a = widen(low[i]), b = widen(high[i]);
                store(low + i, roundTo(x, a * c[i]) - roundTo(x, b * s[i]));
                store(high + i, roundTo(x, b * c[i]) + roundTo(x, a * s[i]));
            }
        }
    }
}

template <class T>
AZIMUTH_INLINE void steerRow(T* h, const float* direction, std::int64_t width, float alpha, float beta) {
    const float amount = beta == 0 ? alpha : alpha + beta * dot(h, direction, width);
    std::int64_t i = 0;
    for (; i + lanes <= width; i += lanes)
        store(h + i, load(h + i) + amount * load(direction + i));
    for (; i < width; ++i)
        store(h + i, widen(h[i]) + amount * direction[i]);
}

AZIMUTH_INLINE Floats silu(Floats x) { return x / (1.0f + exponential(-x)); }
// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
AZIMUTH_INLINE Floats geluTanh(Floats x) {
    const Floats u = 0.7978845608f * (x + 0.044715f * x * x * x);
    return x / (1.0f + exponential(-2.0f * u));
}
AZIMUTH_INLINE Floats geluErf(Floats x) { return 0.5f * x * (1.0f + errorFunction(x * 0.7071067812f)); }
template <class T> AZIMUTH_INLINE Floats geluTanhInSteps(Floats x, const T* type) {
    const auto round = [type](Floats value) { return roundTo(type, value); };
    const Floats inner = round(x + round(0.044715f * round(x * x * x)));
    return round(0.5f * x) * round(1.0f + round(hyperbolicTangent(round(0.7978845608f * inner))));
}

// Before rounding to the element type.
template <class T> AZIMUTH_INLINE Floats activated(Floats x, Activation activation, const T* type) {
    switch (activation) {
    case Activation::Silu:
        return silu(x);
    case Activation::GeluTanh:
        return geluTanh(x);
    case Activation::GeluErf:
        return geluErf(x);
    case Activation::GeluTanhInSteps:
        break;
    }
    return geluTanhInSteps(x, type);
}

// out[i] = f(x[i]) before rounding; an element's bits do not depend on its place.
template <class T, class Function>
AZIMUTH_INLINE void eachElement(T* out, const T* x, std::int64_t first, std::int64_t last,
                                const Function& f) {
    std::int64_t i = first;
    for (; i + lanes <= last; i += lanes)
        store(out + i, f(load(x + i)));
    for (; i < last; ++i)
        store(out + i, f(splat(widen(x[i])))[0]);
}

template <class T>
AZIMUTH_INLINE void activateElements(T* out, const T* x, Activation activation, std::int64_t first,
                                     std::int64_t last) {
    switch (activation) { // a loop for each: the choice lies outside it
    case Activation::Silu:
        return eachElement(out, x, first, last, [](Floats v) { return silu(v); });
    case Activation::GeluTanh:
        return eachElement(out, x, first, last, [](Floats v) { return geluTanh(v); });
    case Activation::GeluErf:
        return eachElement(out, x, first, last, [](Floats v) { return geluErf(v); });
    case Activation::GeluTanhInSteps:
        break;
    }
    eachElement(out, x, first, last, [x](Floats v) { return geluTanhInSteps(v, x); });
}

// The first index of the largest; NaN counts as smallest; -1 if there is none above -infinity.
AZIMUTH_INLINE std::int64_t indexOfLargest(const float* x, std::int64_t count) {
    Floats most = splat(-__builtin_inff());
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Floats value = load(x + i);
        most = select(value > most, value, most);
    }
    float best = -__builtin_inff();
    for (int lane = 0; lane < lanes; ++lane)
        best = most[lane] > best ? most[lane] : best;
    for (; i < count; ++i)
        best = x[i] > best ? x[i] : best;
    if (best == -__builtin_inff())
        return -1;
    for (i = 0; x[i] != best; ++i)
        ;
    return i;
}

// Rounded where ATen's operations round.
template <class T>
AZIMUTH_INLINE void capElements(T* out, const T* x, float cap, std::int64_t first, std::int64_t last) {
    eachElement(out, x, first, last,
                [x, cap](Floats v) { return roundTo(x, hyperbolicTangent(roundTo(x, v / cap))) * cap; });
}

} // namespace
} // namespace azimuth::cpu::AZIMUTH_LEVEL

#include "core/engine/model/cpu_product_body.h"
// uses products
#include "core/engine/model/cpu_attention_body.h"

namespace azimuth::cpu::AZIMUTH_LEVEL {

void rmsNorm(float* out, const float* x, const float* weight, const NormArguments& arguments,
             std::int64_t first, std::int64_t last) {
    rmsNormRows(out, x, weight, arguments, first, last);
}
void rmsNorm(Bfloat16* out, const Bfloat16* x, const float* weight, const NormArguments& arguments,
             std::int64_t first, std::int64_t last) {
    rmsNormRows(out, x, weight, arguments, first, last);
}

void rotate(float* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth, std::int64_t half,
            const std::int64_t* positions, const float* cosine, const float* sine, std::int64_t first,
            std::int64_t last) {
    rotateTokens(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last);
}
void rotate(Bfloat16* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth,
            std::int64_t half, const std::int64_t* positions, const float* cosine, const float* sine,
            std::int64_t first, std::int64_t last) {
    rotateTokens(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last);
}

void attend(float* out, const float* query, const AttentionSequence<float>* sequences,
            const AttentionItem* items, const AttentionArguments& arguments, float* scratch,
            std::int64_t first, std::int64_t last) {
    attendItems(out, query, sequences, items, arguments, scratch, first, last);
}
void attend(Bfloat16* out, const Bfloat16* query, const AttentionSequence<Bfloat16>* sequences,
            const AttentionItem* items, const AttentionArguments& arguments, float* scratch,
            std::int64_t first, std::int64_t last) {
    attendItems(out, query, sequences, items, arguments, scratch, first, last);
}

void steer(float* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}
void steer(Bfloat16* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}

std::int64_t blockRows() { return rowsOfBlock; }
std::int64_t gateGroup() { return lanes; }

void packRows(float* to, const float* x, const RowArguments& arguments, std::int64_t firstBlock,
              std::int64_t lastBlock) {
    packRowBlocks(to, x, arguments, firstBlock, lastBlock);
}
void packRows(float* to, const Bfloat16* x, const RowArguments& arguments, std::int64_t firstBlock,
              std::int64_t lastBlock) {
    packRowBlocks(to, x, arguments, firstBlock, lastBlock);
}

void multiply(float* out, const float* packedRows, const float* weight, const ProductArguments& arguments,
              std::int64_t firstPanel, std::int64_t lastPanel) {
    multiplyPanels(out, packedRows, weight, arguments, firstPanel, lastPanel);
}
void multiply(Bfloat16* out, const float* packedRows, const Bfloat16* weight,
              const ProductArguments& arguments, std::int64_t firstPanel, std::int64_t lastPanel) {
    multiplyPanels(out, packedRows, weight, arguments, firstPanel, lastPanel);
}

void packPanels(float* weight, std::int64_t depth, float* scratch, std::int64_t firstPanel,
                std::int64_t lastPanel) {
    packPanelRange(weight, depth, scratch, firstPanel, lastPanel);
}
void packPanels(Bfloat16* weight, std::int64_t depth, Bfloat16* scratch, std::int64_t firstPanel,
                std::int64_t lastPanel) {
    packPanelRange(weight, depth, scratch, firstPanel, lastPanel);
}

void unpackRow(float* to, const float* weight, std::int64_t output, std::int64_t depth) {
    unpackOne(to, weight, output, depth);
}
void unpackRow(Bfloat16* to, const Bfloat16* weight, std::int64_t output, std::int64_t depth) {
    unpackOne(to, weight, output, depth);
}

void activate(float* out, const float* x, Activation activation, std::int64_t first, std::int64_t last) {
    activateElements(out, x, activation, first, last);
}
void activate(Bfloat16* out, const Bfloat16* x, Activation activation, std::int64_t first,
              std::int64_t last) {
    activateElements(out, x, activation, first, last);
}

void softCap(float* out, const float* x, float cap, std::int64_t first, std::int64_t last) {
    capElements(out, x, cap, first, last);
}
void softCap(Bfloat16* out, const Bfloat16* x, float cap, std::int64_t first, std::int64_t last) {
    capElements(out, x, cap, first, last);
}

std::int64_t largest(const float* x, std::int64_t count) { return indexOfLargest(x, count); }

} // namespace azimuth::cpu::AZIMUTH_LEVEL
