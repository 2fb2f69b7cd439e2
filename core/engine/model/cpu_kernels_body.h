// The kernels of cpu_kernels.h for one instruction set: included by cpu_kernels_<level>.cpp, which is
// compiled for it and names its namespace AZIMUTH_LEVEL. Nothing here is an inline function of the standard
// library: the linker would keep one copy, perhaps one with instructions that the machine lacks.
#pragma once

#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/cpu_vector.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace azimuth::cpu::AZIMUTH_LEVEL {

#include "core/engine/model/cpu_kernel_functions.inc"

#ifdef __AVX512F__
constexpr int rowsOfBlock = 12; // 24 sums and 4 vectors of weights fit 32 registers
#elif defined(__AVX2__)
constexpr int rowsOfBlock = 3;
#else
constexpr int rowsOfBlock = 2;
#endif
constexpr std::int64_t chunkDepth = 256;          // even
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

template <class T>
AZIMUTH_INLINE void rmsNormRows(T* out, const T* x, const float* weight, const NormArguments& a,
                                std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t at = row / a.outer * a.outerStride + row % a.outer * a.width;
        const T* from = x + at;
        T* to = out + at;
        const float mean = dot(from, from, a.width) / static_cast<float>(a.width);
        const float factor = 1.0f / __builtin_sqrtf(mean + a.epsilon);
        std::int64_t i = 0;
        for (; i + lanes <= a.width; i += lanes) {
            Floats value = load(from + i) * factor;
            if (a.castThenScale)
                value = roundTo(x, value);
            store(to + i, value * load(weight + i));
        }
        for (; i < a.width; ++i) {
            float value = widen(from[i]) * factor;
            if (a.castThenScale)
                value = roundTo(x, value);
            store(to + i, value * weight[i]);
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

// In place: scores -> exp(scores - maximum); returns the sum.
AZIMUTH_INLINE float softmaxWeights(float* scores, std::int64_t count) {
    float maximum = -__builtin_inff();
    for (std::int64_t i = 0; i < count; ++i)
        maximum = scores[i] > maximum ? scores[i] : maximum;
    Floats total{};
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Floats value = exponential(load(scores + i) - maximum);
        store(scores + i, value);
        total += value;
    }
    if (i < count) {
        Floats rest = splat(-__builtin_inff());
        __builtin_memcpy(&rest, scores + i, static_cast<std::size_t>(count - i) * sizeof(float));
        rest = exponential(rest - maximum);
        __builtin_memcpy(scores + i, &rest, static_cast<std::size_t>(count - i) * sizeof(float));
        total += rest;
    }
    return sum(total);
}

template <class T>
AZIMUTH_INLINE void weightedSum(T* out, const float* weights, float total, const T* values,
                                std::int64_t stride, std::int64_t count, std::int64_t width) {
    const float factor = 1.0f / total;
    std::int64_t i = 0;
    for (; i + 2 * lanes <= width; i += 2 * lanes) {
        Floats first{}, second{};
        for (std::int64_t t = 0; t < count; ++t) {
            first += weights[t] * load(values + t * stride + i);
            second += weights[t] * load(values + t * stride + i + lanes);
        }
        store(out + i, first * factor);
        store(out + i + lanes, second * factor);
    }
    for (; i < width; ++i) {
        float value = 0;
        for (std::int64_t t = 0; t < count; ++t)
            value += weights[t] * widen(values[t * stride + i]);
        store(out + i, value * factor);
    }
}

template <class T>
AZIMUTH_INLINE void decodeItems(T* out, const T* query, const T* keys, const T* values,
                                const DecodeArguments& a, float* scores, std::int64_t first,
                                std::int64_t last) {
    const std::int64_t group = a.heads / a.keyValueHeads;
    const std::int64_t stride = a.keyValueHeads * a.headWidth;
    for (std::int64_t item = first; item < last; ++item) {
        const std::int64_t row = item / a.keyValueHeads, head = item % a.keyValueHeads;
        const std::int64_t length = a.length[row];
        const std::int64_t from = a.window > 0 && length > a.window ? length - a.window : 0;
        const std::int64_t count = length - from;
        const std::int64_t base = (a.slot[row] * a.capacity + from) * stride + head * a.headWidth;
        for (std::int64_t t = 0; t < count; ++t)
            for (std::int64_t g = 0; g < group; ++g) {
                const T* q = query + row * a.queryStride + (head * group + g) * a.headWidth;
                scores[g * count + t] = a.scale * dot(q, keys + base + t * stride, a.headWidth);
            }
        for (std::int64_t g = 0; g < group; ++g) {
            float* part = scores + g * count;
            if (a.softCap > 0)
                for (std::int64_t t = 0; t < count; ++t)
                    part[t] = a.softCap * __builtin_tanhf(part[t] / a.softCap);
            const float total = softmaxWeights(part, count);
            weightedSum(out + (row * a.heads + head * group + g) * a.headWidth, part, total, values + base,
                        stride, count, a.headWidth);
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

// The sums of a block are variables of their own: GCC 12 keeps an array of them in memory.
#define AZIMUTH_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

template <class T> AZIMUTH_INLINE void putPanel(T* to, Floats low, Floats high, std::int64_t columns) {
    if (columns == panelOutputs) {
        store(to, low);
        store(to + lanes, high);
        return;
    }
    T all[panelOutputs];
    store(all, low);
    store(all + lanes, high);
    __builtin_memcpy(to, all, static_cast<std::size_t>(columns) * sizeof(T));
}

// A block of rows times one panel of outputs. The sums of every 256 depths are added to running totals: a
// single sum over thousands of terms would lose two digits.
template <int Rows, class T>
AZIMUTH_INLINE void multiplyBlock(T* out, const float* x, const T* w, std::int64_t depth,
                                  std::int64_t outStride, std::int64_t columns, const float* bias) {
    Floats totals[Rows][2] = {};
    for (std::int64_t done = 0; done < depth; done += chunkDepth) {
        const std::int64_t count = depth - done < chunkDepth ? depth - done : chunkDepth;
#define AZIMUTH_DECLARE(i) [[maybe_unused]] Floats low##i{}, high##i{};
        AZIMUTH_ROWS(AZIMUTH_DECLARE)
        if constexpr (sizeof(T) == sizeof(float)) {
            for (std::int64_t k = 0; k < count; ++k, w += panelOutputs, x += Rows) {
                __builtin_prefetch(w + ahead);
                __builtin_prefetch(w + ahead + lanes);
                const Floats a = load(w), b = load(w + lanes);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        const Floats value = splat(x[i]);                                                                    \
        low##i += a * value;                                                                                 \
        high##i += b * value;                                                                                \
    }
                AZIMUTH_ROWS(AZIMUTH_STEP)
#undef AZIMUTH_STEP
            }
        } else {
            for (std::int64_t k = 0; k < count; k += 2, w += 2 * panelOutputs) {
                __builtin_prefetch(w + 2 * ahead);
                __builtin_prefetch(w + 2 * ahead + 2 * lanes);
#ifdef __AVX512BF16__ // rows hold pairs of bfloat16 here, as the instruction takes them
                const __m512i a = _mm512_loadu_si512(w), b = _mm512_loadu_si512(w + 2 * lanes);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        std::int32_t pair;                                                                                   \
        __builtin_memcpy(&pair, x + i, sizeof pair);                                                         \
        const __m512i value = _mm512_set1_epi32(pair);                                                       \
        low##i = _mm512_dpbf16_ps(low##i, (__m512bh)a, (__m512bh)value);                                     \
        high##i = _mm512_dpbf16_ps(high##i, (__m512bh)b, (__m512bh)value);                                   \
    }
                AZIMUTH_ROWS(AZIMUTH_STEP)
                x += Rows;
#else
                Words a, b;
                __builtin_memcpy(&a, w, sizeof a);
                __builtin_memcpy(&b, w + 2 * lanes, sizeof b);
                const Floats a0 = asFloats(a << 16), a1 = asFloats(a & 0xffff0000u);
                const Floats b0 = asFloats(b << 16), b1 = asFloats(b & 0xffff0000u);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        const Floats even = splat(x[i]), odd = splat(x[Rows + i]);                                           \
        low##i += a0 * even;                                                                                 \
        low##i += a1 * odd;                                                                                  \
        high##i += b0 * even;                                                                                \
        high##i += b1 * odd;                                                                                 \
    }
                AZIMUTH_ROWS(AZIMUTH_STEP)
                x += 2 * Rows;
#endif
#undef AZIMUTH_STEP
            }
        }
#define AZIMUTH_TOTAL(i)                                                                                     \
    if constexpr (Rows > i) {                                                                                \
        totals[i][0] += low##i;                                                                              \
        totals[i][1] += high##i;                                                                             \
    }
        AZIMUTH_ROWS(AZIMUTH_TOTAL)
#undef AZIMUTH_TOTAL
    }
    if (bias) {
        const Floats low = load(bias), high = load(bias + lanes);
        for (int row = 0; row < Rows; ++row) {
            totals[row][0] += low;
            totals[row][1] += high;
        }
    }
    for (int row = 0; row < Rows; ++row)
        putPanel(out + row * outStride, totals[row][0], totals[row][1], columns);
#undef AZIMUTH_DECLARE
}

template <int Rows, class T>
AZIMUTH_INLINE void multiplyRest(std::int64_t rows, T* out, const float* x, const T* w, std::int64_t depth,
                                 std::int64_t outStride, std::int64_t columns, const float* bias) {
    if constexpr (Rows > 0) {
        if (rows == Rows)
            multiplyBlock<Rows>(out, x, w, depth, outStride, columns, bias);
        else
            multiplyRest<Rows - 1>(rows, out, x, w, depth, outStride, columns, bias);
    }
}

template <class T>
AZIMUTH_INLINE void multiplyPanels(T* out, const float* packed, const T* weight, const ProductArguments& a,
                                   std::int64_t firstPanel, std::int64_t lastPanel) {
    // Pairs of bfloat16 take half the room of floats.
    constexpr std::int64_t perDepth = sizeof(T) == 2 && pairedRows ? 2 : 1;
    for (std::int64_t panel = firstPanel; panel < lastPanel; ++panel) {
        const std::int64_t n = panel * panelOutputs;
        const std::int64_t columns = a.lastOutput - n < panelOutputs ? a.lastOutput - n : panelOutputs;
        const T* w = weight + n * a.depth;
        const float* bias = a.bias ? a.bias + n : nullptr;
        for (std::int64_t row = 0; row < a.rows; row += rowsOfBlock) {
            T* to = out + row * a.outStride + n - a.firstOutput;
            const float* x = packed + row * a.depth / perDepth;
            if (a.rows - row >= rowsOfBlock)
                multiplyBlock<rowsOfBlock>(to, x, w, a.depth, a.outStride, columns, bias);
            else
                multiplyRest<rowsOfBlock - 1>(a.rows - row, to, x, w, a.depth, a.outStride, columns, bias);
        }
    }
}

template <class T>
AZIMUTH_INLINE void packRowBlocks(float* to, const T* x, std::int64_t stride, std::int64_t rows,
                                  std::int64_t depth, std::int64_t firstBlock, std::int64_t lastBlock) {
    for (std::int64_t block = firstBlock; block < lastBlock; ++block) {
        const std::int64_t first = block * rowsOfBlock;
        const std::int64_t count = rows - first < rowsOfBlock ? rows - first : rowsOfBlock;
        if constexpr (sizeof(T) == 2 && pairedRows) {
            float* out = to + first * depth / 2;
            for (std::int64_t row = 0; row < count; ++row)
                for (std::int64_t k = 0; k < depth / 2; ++k)
                    __builtin_memcpy(out + k * count + row, x + (first + row) * stride + 2 * k, 4);
        } else {
            float* out = to + first * depth;
            for (std::int64_t row = 0; row < count; ++row)
                for (std::int64_t k = 0; k < depth; ++k)
                    out[k * count + row] = widen(x[(first + row) * stride + k]);
        }
    }
}

// Elements [depth][32] or [depth / 2][32][2].
template <class T> AZIMUTH_INLINE std::int64_t placeInPanel(std::int64_t output, std::int64_t k) {
    if constexpr (sizeof(T) == 2)
        return (k / 2 * panelOutputs + output) * 2 + k % 2;
    else
        return k * panelOutputs + output;
}

template <class T>
AZIMUTH_INLINE void packPanelRange(T* weight, std::int64_t depth, T* scratch, std::int64_t firstPanel,
                                   std::int64_t lastPanel) {
    for (std::int64_t panel = firstPanel; panel < lastPanel; ++panel) {
        T* to = weight + panel * panelOutputs * depth;
        __builtin_memcpy(scratch, to, static_cast<std::size_t>(panelOutputs * depth) * sizeof(T));
        for (std::int64_t output = 0; output < panelOutputs; ++output)
            for (std::int64_t k = 0; k < depth; ++k)
                to[placeInPanel<T>(output, k)] = scratch[output * depth + k];
    }
}

template <class T>
AZIMUTH_INLINE void unpackOne(T* to, const T* weight, std::int64_t output, std::int64_t depth) {
    const T* panel = weight + output / panelOutputs * panelOutputs * depth;
    for (std::int64_t k = 0; k < depth; ++k)
        to[k] = panel[placeInPanel<T>(output % panelOutputs, k)];
}

AZIMUTH_INLINE Floats silu(Floats x) { return x / (1.0f + exponential(-x)); }
// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
AZIMUTH_INLINE Floats geluTanh(Floats x) {
    const Floats u = 0.7978845608f * (x + 0.044715f * x * x * x);
    return x / (1.0f + exponential(-2.0f * u));
}

template <class T>
AZIMUTH_INLINE void gatedTokens(T* out, const T* x, std::int64_t width, Gate gate, std::int64_t first,
                                std::int64_t last) {
    for (std::int64_t token = first; token < last; ++token) {
        const T* g = x + token * 2 * width;
        const T* up = g + width;
        T* to = out + token * width;
        std::int64_t i = 0;
        for (; i + lanes <= width; i += lanes) {
            const Floats value = load(g + i);
            const Floats active = gate == Gate::Silu ? silu(value) : geluTanh(value);
            store(to + i, roundTo(x, active) * load(up + i));
        }
        for (; i < width; ++i) {
            const Floats value = splat(widen(g[i]));
            const Floats active = gate == Gate::Silu ? silu(value) : geluTanh(value);
            store(to + i, roundTo(x, active[0]) * widen(up[i]));
        }
    }
}

} // namespace

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

void decodeAttention(float* out, const float* query, const float* keys, const float* values,
                     const DecodeArguments& arguments, float* scores, std::int64_t first, std::int64_t last) {
    decodeItems(out, query, keys, values, arguments, scores, first, last);
}
void decodeAttention(Bfloat16* out, const Bfloat16* query, const Bfloat16* keys, const Bfloat16* values,
                     const DecodeArguments& arguments, float* scores, std::int64_t first, std::int64_t last) {
    decodeItems(out, query, keys, values, arguments, scores, first, last);
}

void steer(float* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}
void steer(Bfloat16* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}

std::int64_t blockRows() { return rowsOfBlock; }

void packRows(float* to, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t depth,
              std::int64_t firstBlock, std::int64_t lastBlock) {
    packRowBlocks(to, x, stride, rows, depth, firstBlock, lastBlock);
}
void packRows(float* to, const Bfloat16* x, std::int64_t stride, std::int64_t rows, std::int64_t depth,
              std::int64_t firstBlock, std::int64_t lastBlock) {
    packRowBlocks(to, x, stride, rows, depth, firstBlock, lastBlock);
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

void gated(float* out, const float* x, std::int64_t width, Gate gate, std::int64_t first, std::int64_t last) {
    gatedTokens(out, x, width, gate, first, last);
}
void gated(Bfloat16* out, const Bfloat16* x, std::int64_t width, Gate gate, std::int64_t first,
           std::int64_t last) {
    gatedTokens(out, x, width, gate, first, last);
}

} // namespace azimuth::cpu::AZIMUTH_LEVEL
