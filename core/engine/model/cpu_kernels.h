// Arithmetic of the decoder on a CPU where ATen has no kernel or a slow one. Every function treats rows independently, so a
// row's bits do not depend on the other rows. Elements are float or bfloat16 (as uint16_t); sums are kept in float. Code is
// compiled for several instruction sets and chosen at load; the order of sums is the same in all of them.
// Rounding to bfloat16 is to nearest even. No function allocates or checks: callers do.
#pragma once

#include <cstdint>

namespace azimuth::cpu {

using Bfloat16 = std::uint16_t;

struct NormArguments {
    std::int64_t rows = 0, width = 0;
    std::int64_t outer = 0; // rows per outer row; row r lies at (r / outer) * outerStride + (r % outer) * width
    std::int64_t outerStride = 0;
    float epsilon = 0;
    bool castThenScale = false; // round x / rms to the element type before the weight
};
// out = x / sqrt(mean(x^2) + epsilon) * weight; out may be x. weight: [width] in float, its offset already added. `out` is
// laid out like x.
void rmsNorm(float* out, const float* x, const float* weight, const NormArguments& arguments, std::int64_t first,
             std::int64_t last);
void rmsNorm(Bfloat16* out, const Bfloat16* x, const float* weight, const NormArguments& arguments, std::int64_t first,
             std::int64_t last);

// Rotates the first 2 * half elements of each head in place, pairing j with j + half. cosine, sine: [positions][half].
// Tokens [first, last); x at token * tokenStride. In bfloat16 each product and the sum round.
void rotate(float* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth, std::int64_t half,
            const std::int64_t* positions, const float* cosine, const float* sine, std::int64_t first, std::int64_t last);
void rotate(Bfloat16* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth, std::int64_t half,
            const std::int64_t* positions, const float* cosine, const float* sine, std::int64_t first, std::int64_t last);

struct DecodeArguments {
    std::int64_t heads = 0, keyValueHeads = 0, headWidth = 0;
    std::int64_t queryStride = 0; // elements from one row's queries to the next
    std::int64_t capacity = 0; // positions of one cache row
    const std::int64_t* slot = nullptr; // [rows] cache row
    const std::int64_t* length = nullptr; // [rows] positions to attend to, the token's own included
    std::int64_t window = 0; // 0: none
    float scale = 0, softCap = 0;
};
// One query per row against the static cache [slots][capacity][keyValueHeads][headWidth]; softmax in float. Work item i is
// row i / keyValueHeads, key-value head i % keyValueHeads. out: [rows][heads][headWidth], contiguous. scores: room for
// (heads / keyValueHeads) * capacity floats, of this thread.
void decodeAttention(float* out, const float* query, const float* keys, const float* values,
                     const DecodeArguments& arguments, float* scores, std::int64_t first, std::int64_t last);
void decodeAttention(Bfloat16* out, const Bfloat16* query, const Bfloat16* keys, const Bfloat16* values,
                     const DecodeArguments& arguments, float* scores, std::int64_t first, std::int64_t last);

// h += (alpha + beta <h, r>) r on one row in float, rounded once.
void steer(float* h, const float* direction, std::int64_t width, float alpha, float beta);
void steer(Bfloat16* h, const float* direction, std::int64_t width, float alpha, float beta);

// out[m][n] = sum over k of x[m][k] weight[n][k] for outputs n in [first, last): a stream over the weights for few rows.
// x: [rows][depth] in float (bfloat16 activations widened); out: [rows] at outStride.
void streamLinear(float* out, std::int64_t outStride, const float* x, const float* weight, std::int64_t rows,
                  std::int64_t depth, std::int64_t first, std::int64_t last);
void streamLinear(Bfloat16* out, std::int64_t outStride, const float* x, const Bfloat16* weight, std::int64_t rows,
                  std::int64_t depth, std::int64_t first, std::int64_t last);

// out = act(gate) * up for tokens [first, last): gate and up lie side by side in x [tokens][2 * width]. In bfloat16 the
// activation rounds before the product.
enum class Gate { Silu, GeluTanh };
void gated(float* out, const float* x, std::int64_t width, Gate gate, std::int64_t first, std::int64_t last);
void gated(Bfloat16* out, const Bfloat16* x, std::int64_t width, Gate gate, std::int64_t first, std::int64_t last);

} // namespace azimuth::cpu
