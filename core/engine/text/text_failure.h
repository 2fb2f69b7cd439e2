// Failures of the text library as azimuth::Error, with the remedy that belongs to each code.
#pragma once

#include "core/engine/text/text_abi.h"

#include <string>
#include <string_view>

namespace azimuth {

[[noreturn]] void throwTextFailure(AzimuthFailure failure); // frees it
[[noreturn]] void throwTextError(const std::string& code, const std::string& message);

std::string takeText(AzimuthText text); // frees it
inline AzimuthView viewOf(std::string_view text) { return {text.data(), text.size()}; }

} // namespace azimuth
