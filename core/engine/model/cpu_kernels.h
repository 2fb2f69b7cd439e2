// Arithmetic of the decoder on a CPU where ATen has no kernel or a slow one. Every function treats rows
// independently, so a row's bits do not depend on the other rows. Elements are float or bfloat16 (as
// uint16_t); sums are kept in float. The same code is compiled for several instruction sets and chosen at run
// time; levelName() says which. Rounding to bfloat16 is to nearest even. No function allocates or checks:
// callers do.
#pragma once

#include <cstdint>

namespace azimuth::cpu {

using Bfloat16 = std::uint16_t;

struct NormArguments {
    std::int64_t rows = 0, width = 0;
    std::int64_t outer =
        0; // rows per outer row; row r lies at (r / outer) * outerStride + (r % outer) * width
    std::int64_t outerStride = 0;
    float epsilon = 0;
    bool castThenScale = false; // round x / rms to the element type before the weight
};

struct DecodeArguments {
    std::int64_t heads = 0, keyValueHeads = 0, headWidth = 0;
    std::int64_t queryStride = 0;         // elements from one row's queries to the next
    std::int64_t capacity = 0;            // positions of one cache row
    const std::int64_t* slot = nullptr;   // [rows] cache row
    const std::int64_t* length = nullptr; // [rows] positions to attend to, the token's own included
    std::int64_t window = 0;              // 0: none
    float scale = 0, softCap = 0;
};

struct ProductArguments {
    std::int64_t rows = 0, depth = 0, outStride = 0;
    std::int64_t firstOutput = 0, lastOutput = 0;
    const float* bias = nullptr; // [outputs], padded to whole panels, added before rounding; null: none
};

enum class Gate { Silu, GeluTanh };

constexpr std::int64_t panelOutputs = 32;

// "x86-64", "x86-64-v3", "x86-64-v4" or "x86-64-v4 bf16".
const char* levelName();

#include "core/engine/model/cpu_kernel_functions.inc"

} // namespace azimuth::cpu
