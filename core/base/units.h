// Quantities as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace azimuth {

std::string bytesText(std::uint64_t bytes); // decimal units, three digits: "57.2 GB", "512 B"
std::string durationText(
    double seconds); // "6 min left" style without the word: "45 s", "6 min", "2 h 10 min"; rounded up
std::string percentText(double fraction); // "57 %"

// A number with the given significant digits, never in scientific form between 1e-4 and 1e7; minus is U+2212.
std::string numberText(double value, int significantDigits = 3);

} // namespace azimuth
