#include "core/engine/model/cpu_kernels.h"

#include "core/engine/model/cpu_vector.h"

#include <algorithm>
#include <cmath>

// The vector type never crosses a function that is not inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace azimuth::cpu {
namespace {

using namespace detail;

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
AZIMUTH_INLINE void rmsNormRows(T* out, const T* x, const float* weight, const NormArguments& a, std::int64_t first,
                                std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t at = row / a.outer * a.outerStride + row % a.outer * a.width;
        const T* from = x + at;
        T* to = out + at;
        const float mean = dot(from, from, a.width) / static_cast<float>(a.width);
        const float factor = 1.0f / std::sqrt(mean + a.epsilon);
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
    float maximum = -INFINITY;
    for (std::int64_t i = 0; i < count; ++i)
        maximum = scores[i] > maximum ? scores[i] : maximum;
    Floats total{};
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Floats value = exponential(load(scores + i) - maximum);
        store(scores + i, value);
        total += value;
    }
    float rest = 0;
    for (; i < count; ++i) {
        scores[i] = std::exp(scores[i] - maximum);
        rest += scores[i];
    }
    return sum(total) + rest;
}

template <class T>
AZIMUTH_INLINE void weightedSum(T* out, const float* weights, float total, const T* values, std::int64_t stride,
                                std::int64_t count, std::int64_t width) {
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
AZIMUTH_INLINE void decodeItems(T* out, const T* query, const T* keys, const T* values, const DecodeArguments& a,
                                float* scores, std::int64_t first, std::int64_t last) {
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
                    part[t] = a.softCap * std::tanh(part[t] / a.softCap);
            const float total = softmaxWeights(part, count);
            weightedSum(out + (row * a.heads + head * group + g) * a.headWidth, part, total, values + base, stride,
                        count, a.headWidth);
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

// Rows of x per pass over one weight row.
template <int Rows, class T>
AZIMUTH_INLINE void streamOutputs(T* out, std::int64_t outStride, const float* x, const T* weight, std::int64_t depth,
                                  std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
        const T* w = weight + n * depth;
        Floats total[Rows] = {}, other[Rows] = {};
        std::int64_t k = 0;
        for (; k + 2 * lanes <= depth; k += 2 * lanes) {
            const Floats a = load(w + k), b = load(w + k + lanes);
            for (int m = 0; m < Rows; ++m) {
                total[m] += a * load(x + m * depth + k);
                other[m] += b * load(x + m * depth + k + lanes);
            }
        }
        for (int m = 0; m < Rows; ++m) {
            float rest = 0;
            for (std::int64_t i = k; i < depth; ++i)
                rest += widen(w[i]) * x[m * depth + i];
            store(out + m * outStride + n, sum(total[m] + other[m]) + rest);
        }
    }
}

template <class T>
AZIMUTH_INLINE void streamRows(T* out, std::int64_t outStride, const float* x, const T* weight, std::int64_t rows,
                               std::int64_t depth, std::int64_t first, std::int64_t last) {
    std::int64_t row = 0;
    for (; row + 4 <= rows; row += 4)
        streamOutputs<4>(out + row * outStride, outStride, x + row * depth, weight, depth, first, last);
    if (row + 2 <= rows) {
        streamOutputs<2>(out + row * outStride, outStride, x + row * depth, weight, depth, first, last);
        row += 2;
    }
    if (row < rows)
        streamOutputs<1>(out + row * outStride, outStride, x + row * depth, weight, depth, first, last);
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

AZIMUTH_CLONES void rmsNorm(float* out, const float* x, const float* weight, const NormArguments& arguments,
                            std::int64_t first, std::int64_t last) {
    rmsNormRows(out, x, weight, arguments, first, last);
}
AZIMUTH_CLONES void rmsNorm(Bfloat16* out, const Bfloat16* x, const float* weight, const NormArguments& arguments,
                            std::int64_t first, std::int64_t last) {
    rmsNormRows(out, x, weight, arguments, first, last);
}

AZIMUTH_CLONES void rotate(float* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth,
                           std::int64_t half, const std::int64_t* positions, const float* cosine, const float* sine,
                           std::int64_t first, std::int64_t last) {
    rotateTokens(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last);
}
AZIMUTH_CLONES void rotate(Bfloat16* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth,
                           std::int64_t half, const std::int64_t* positions, const float* cosine, const float* sine,
                           std::int64_t first, std::int64_t last) {
    rotateTokens(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last);
}

AZIMUTH_CLONES void decodeAttention(float* out, const float* query, const float* keys, const float* values,
                                    const DecodeArguments& arguments, float* scores, std::int64_t first,
                                    std::int64_t last) {
    decodeItems(out, query, keys, values, arguments, scores, first, last);
}
AZIMUTH_CLONES void decodeAttention(Bfloat16* out, const Bfloat16* query, const Bfloat16* keys,
                                    const Bfloat16* values, const DecodeArguments& arguments, float* scores,
                                    std::int64_t first, std::int64_t last) {
    decodeItems(out, query, keys, values, arguments, scores, first, last);
}

AZIMUTH_CLONES void steer(float* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}
AZIMUTH_CLONES void steer(Bfloat16* h, const float* direction, std::int64_t width, float alpha, float beta) {
    steerRow(h, direction, width, alpha, beta);
}

AZIMUTH_CLONES void streamLinear(float* out, std::int64_t outStride, const float* x, const float* weight,
                                 std::int64_t rows, std::int64_t depth, std::int64_t first, std::int64_t last) {
    streamRows(out, outStride, x, weight, rows, depth, first, last);
}
AZIMUTH_CLONES void streamLinear(Bfloat16* out, std::int64_t outStride, const float* x, const Bfloat16* weight,
                                 std::int64_t rows, std::int64_t depth, std::int64_t first, std::int64_t last) {
    streamRows(out, outStride, x, weight, rows, depth, first, last);
}

AZIMUTH_CLONES void gated(float* out, const float* x, std::int64_t width, Gate gate, std::int64_t first,
                          std::int64_t last) {
    gatedTokens(out, x, width, gate, first, last);
}
AZIMUTH_CLONES void gated(Bfloat16* out, const Bfloat16* x, std::int64_t width, Gate gate, std::int64_t first,
                          std::int64_t last) {
    gatedTokens(out, x, width, gate, first, last);
}

} // namespace azimuth::cpu
