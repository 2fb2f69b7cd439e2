// The precision a model computes in; part of its identity. The names are those of the study's files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class Precision { Fp32, Bf16, Int8RtnRow, Int4RtnG64, Nf4B64 };

std::string toString(Precision precision); // fp32, bf16, int8-rtn-row, int4-rtn-g64, nf4-b64
std::optional<Precision> precisionFromString(std::string_view name);
const std::vector<std::string>& precisionNames(); // in the order of the enumeration

} // namespace azimuth
