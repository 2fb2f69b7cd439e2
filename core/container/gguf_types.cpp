#include "core/container/gguf_types.h"

#include <algorithm>
#include <array>

namespace azimuth {
namespace {

struct TypeRow {
    std::uint32_t id;
    const char* name;
    GgufBlock block; // zero: known by name only
};

constexpr std::array typeTable = {
    TypeRow{0, "F32", {1, 4}},
    TypeRow{1, "F16", {1, 2}},
    TypeRow{2, "Q4_0", {32, 18}},
    TypeRow{3, "Q4_1", {32, 20}},
    TypeRow{4, "Q4_2", {}},
    TypeRow{5, "Q4_3", {}},
    TypeRow{6, "Q5_0", {32, 22}},
    TypeRow{7, "Q5_1", {32, 24}},
    TypeRow{8, "Q8_0", {32, 34}},
    TypeRow{9, "Q8_1", {}},
    TypeRow{10, "Q2_K", {256, 84}},
    TypeRow{11, "Q3_K", {256, 110}},
    TypeRow{12, "Q4_K", {256, 144}},
    TypeRow{13, "Q5_K", {256, 176}},
    TypeRow{14, "Q6_K", {256, 210}},
    TypeRow{15, "Q8_K", {256, 292}},
    TypeRow{16, "IQ2_XXS", {256, 66}},
    TypeRow{17, "IQ2_XS", {256, 74}},
    TypeRow{18, "IQ3_XXS", {256, 98}},
    TypeRow{19, "IQ1_S", {256, 50}},
    TypeRow{20, "IQ4_NL", {32, 18}},
    TypeRow{21, "IQ3_S", {256, 110}},
    TypeRow{22, "IQ2_S", {256, 82}},
    TypeRow{23, "IQ4_XS", {256, 136}},
    TypeRow{24, "I8", {1, 1}},
    TypeRow{25, "I16", {1, 2}},
    TypeRow{26, "I32", {1, 4}},
    TypeRow{27, "I64", {1, 8}},
    TypeRow{28, "F64", {1, 8}},
    TypeRow{29, "IQ1_M", {256, 56}},
    TypeRow{30, "BF16", {1, 2}},
    TypeRow{34, "TQ1_0", {256, 54}},
    TypeRow{35, "TQ2_0", {256, 66}},
    TypeRow{39, "MXFP4", {32, 17}},
    TypeRow{40, "NVFP4", {64, 36}},
    TypeRow{41, "Q1_0", {128, 18}},
    TypeRow{42, "Q2_0", {}},
};

const TypeRow* rowOf(GgufType type) {
    const auto found = std::ranges::find(typeTable, static_cast<std::uint32_t>(type), &TypeRow::id);
    return found == typeTable.end() ? nullptr : &*found;
}

} // namespace

std::string ggufTypeName(GgufType type) {
    const auto* row = rowOf(type);
    return row ? row->name : "type " + std::to_string(static_cast<std::uint32_t>(type));
}

std::optional<GgufBlock> ggufBlock(GgufType type) {
    const auto* row = rowOf(type);
    if (!row || row->block.bytes == 0)
        return {};
    return row->block;
}

std::string ggufFileTypeName(std::int64_t fileType) {
    switch (fileType) {
    case 0:
        return "F32";
    case 1:
        return "F16";
    case 2:
        return "Q4_0";
    case 3:
        return "Q4_1";
    case 7:
        return "Q8_0";
    case 8:
        return "Q5_0";
    case 9:
        return "Q5_1";
    case 10:
        return "Q2_K";
    case 11:
        return "Q3_K_S";
    case 12:
        return "Q3_K_M";
    case 13:
        return "Q3_K_L";
    case 14:
        return "Q4_K_S";
    case 15:
        return "Q4_K_M";
    case 16:
        return "Q5_K_S";
    case 17:
        return "Q5_K_M";
    case 18:
        return "Q6_K";
    case 19:
        return "IQ2_XXS";
    case 20:
        return "IQ2_XS";
    case 21:
        return "Q2_K_S";
    case 22:
        return "IQ3_XS";
    case 23:
        return "IQ3_XXS";
    case 24:
        return "IQ1_S";
    case 25:
        return "IQ4_NL";
    case 26:
        return "IQ3_S";
    case 27:
        return "IQ3_M";
    case 28:
        return "IQ2_S";
    case 29:
        return "IQ2_M";
    case 30:
        return "IQ4_XS";
    case 31:
        return "IQ1_M";
    case 32:
        return "BF16";
    case 36:
        return "TQ1_0";
    case 37:
        return "TQ2_0";
    case 38:
        return "MXFP4_MOE";
    case 39:
        return "NVFP4";
    case 40:
        return "Q1_0";
    default:
        return "";
    }
}

} // namespace azimuth
