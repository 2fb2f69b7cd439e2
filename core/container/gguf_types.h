// Tensor types of GGUF: elements and bytes of a block. Source: ggml.h and ggml-common.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace azimuth {

enum class GgufType : std::uint32_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q8_1 = 9,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    Q8_K = 15,
    I8 = 24,
    I16 = 25,
    I32 = 26,
    I64 = 27,
    F64 = 28,
    BF16 = 30,
};

struct GgufBlock {
    std::uint32_t elements = 0, bytes = 0;
};

std::string ggufTypeName(GgufType type);           // "Q4_1"; "type 77" for an id nobody has given out
std::optional<GgufBlock> ggufBlock(GgufType type); // none where the layout is not known here

// general.file_type (llama_ftype) as the name people write: 3 -> "Q4_1", 15 -> "Q4_K_M"; empty if unknown.
std::string ggufFileTypeName(std::int64_t fileType);

} // namespace azimuth
