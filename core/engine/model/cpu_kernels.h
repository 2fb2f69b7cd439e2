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

// Attention is done in items: some queries of one sequence under one key-value head.
struct AttentionArguments {
    std::int64_t heads = 0, keyValueHeads = 0, headWidth = 0;
    std::int64_t queryStride = 0;           // elements from one token's queries to the next
    const std::int64_t* position = nullptr; // [queries], absolute; ascending within a sequence
    std::int64_t window = 0;                // 0: none
    float scale = 0, softCap = 0;           // softCap 0: none
};

template <class T> struct AttentionSequence {
    const T *keys = nullptr, *values = nullptr; // of position 0, key-value head 0
    // Elements between positions and between heads.
    std::int64_t keyStride = 0, keyHeadStride = 0, valueStride = 0, valueHeadStride = 0;
};

struct AttentionItem {
    std::int64_t sequence = 0, head = 0;
    std::int64_t firstQuery = 0, queries = 0; // at most attentionQueries()
};

// Most queries of an item: they fill a tile.
std::int64_t attentionQueries(const AttentionArguments& arguments);
// Floats that a thread needs for items whose last position is below `length`.
std::int64_t attentionScratch(const AttentionArguments& arguments, std::int64_t length);

enum class Activation { Silu, GeluTanh, GeluErf, GeluTanhInSteps }; // in steps: each operation rounds

// Rows of a product before it: as they are, or their RMS norm.
struct RowArguments {
    std::int64_t rows = 0, depth = 0;
    std::int64_t stride = 0;           // elements from one row to the next
    const float* normWeight = nullptr; // [depth]; null: no norm
    float epsilon = 0;
    bool castThenScale = false; // see NormArguments
};

// What becomes of the rounded sums: stored; added to what is there; or, of gates and the outputs that pass
// them, gateGroup() of each in turn, activation(gate) * output.
enum class After { Store, Add, Gate };

struct ProductArguments {
    std::int64_t rows = 0, depth = 0, outStride = 0;
    std::int64_t firstOutput = 0, lastOutput = 0;
    const float* bias = nullptr; // [outputs], padded to whole panels, added before rounding; null: none
    After after = After::Store;
    Activation activation = Activation::Silu; // of a gate
};

constexpr std::int64_t panelOutputs = 32;

// "x86-64", "x86-64-v3", "x86-64-v4" or "x86-64-v4 bf16".
const char* levelName();

#include "core/engine/model/cpu_kernel_functions.inc"

} // namespace azimuth::cpu
