// Blocks of a GGUF tensor to floats. Pure functions, no torch: they read and write exactly what the counts
// say. Every value is that of ggml's dequantize_row_* and of the gguf package, bit for bit: products in the
// same order, no fused multiply-add. Compiled for several instruction sets; the machine picks one, the values
// do not depend on it. Sources: ggml-quants.c, ggml-common.h; the formulas are written out beside each
// kernel.
#pragma once

#include "core/container/gguf_types.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace azimuth {

bool canDequantise(GgufType type); // F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K
std::string dequantisableTypes();  // these names, for messages

// target.size() elements from blocks that fill `source` exactly. Error checkpoint.type for another type,
// checkpoint.size if the sizes do not belong together.
void dequantise(GgufType type, std::span<const std::byte> source, std::span<float> target);

bool allFinite(std::span<const float> values);
void addToAll(std::span<float> values, float offset);
void roundToBfloat(std::span<const float> values, std::uint16_t* target); // to nearest, ties to even

} // namespace azimuth
