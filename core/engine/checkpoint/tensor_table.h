// The rows of the table in tensor_table.cpp; used by tensor_names.cpp only.
#pragma once

#include "core/engine/checkpoint/tensor_names.h"

#include <array>
#include <span>

namespace azimuth::tensor_table {

enum class Extent { None, Width, Vocabulary, FeedForward, Queries, Keys, HeadWidth, Positions };

// Which rows of the stored tensor a canonical one is, and how they lie.
enum class Rows {
    AsStored,
    InterleavedQueries, // heads with alternating rotary halves
    InterleavedKeys,
    Query, // of a stored q | k | v
    Key,
    Value,
    QueryOfHead, // of a stored {q, k, v} per head
    KeyOfHead,
    ValueOfHead,
    Gate, // of a stored gate | up
    Up,
    Transposed, // [in, out]
    TransposedQuery,
    TransposedKey,
    TransposedValue,
};
enum class When { Always, QueryKeyValueBias, OutputBias, FeedForwardBias };

struct TensorRow {
    const char* stored;
    const char* canonical;
    Extent out, in = Extent::None; // a vector has no `in`
    Rows rows = Rows::AsStored;
    When when = When::Always;
};
using Group = std::span<const TensorRow>;

using Names = std::span<const char* const>;

// How a container writes the outer tensors. Names after a prefix, but heads, which have whole names.
struct OuterNames {
    const char* embedding;
    const char* positions;
    const char* norm;  // without ".weight"
    const char* block; // before the number
    std::array<const char*, 2> heads;
};

struct FamilyRow {
    const char* name;
    Container container;
    OuterNames outer;
    Names prefixes;
    std::span<const Group> block;
    Names ignorableStarts, ignorableEnds;
    float normOffset = 0; // of every norm weight
    bool normBias = false;
};

std::span<const FamilyRow> families(); // one per family and container

} // namespace azimuth::tensor_table
