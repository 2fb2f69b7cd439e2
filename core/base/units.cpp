#include "core/base/units.h"

#include "core/base/ids.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

namespace azimuth {

std::string bytesText(std::uint64_t bytes) {
    static constexpr const char* names[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < std::size(names)) {
        value = std::max(value / 1000.0, 1.0); // 999,500 rounds to a thousand
        ++unit;
    }
    return (unit == 0 ? std::to_string(bytes) : numberText(value, 3)) + " " + names[unit];
}

std::string durationText(double seconds) {
    if (!(seconds > 0))
        return "0 s";
    if (seconds <= 90)
        return std::to_string(static_cast<long>(std::ceil(seconds))) + " s";
    const auto minutes = static_cast<long>(std::ceil(seconds / 60));
    if (minutes < 90)
        return std::to_string(minutes) + " min";
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string percentText(double fraction) {
    return std::to_string(static_cast<long>(std::lround(fraction * 100))) + " %";
}

std::string numberText(double value, int significantDigits) {
    if (std::isnan(value))
        return "not a number";
    if (std::isinf(value))
        return value > 0 ? "infinity" : "\u2212infinity";
    const double size = std::fabs(value);
    char buffer[64];
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
        std::snprintf(buffer, sizeof buffer, "%.*e", significantDigits - 1, size);
    } else {
        std::snprintf(buffer, sizeof buffer, "%.*e", significantDigits - 1, size);
        const int exponent =
            std::atoi(std::strchr(buffer, 'e') + 1); // after rounding: 9.996 has the exponent 1
        const int decimals = std::max(0, significantDigits - 1 - exponent);
        std::snprintf(buffer, sizeof buffer, "%.*f", decimals, size);
    }
    std::string text = buffer;
    // What rounds to nothing carries no sign.
    const bool zero = text.find_first_of("123456789") == std::string::npos;
    return value < 0 && !zero ? "\u2212" + text : text;
}

std::string newUuid() {
    std::random_device source;
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        const std::uint32_t word = source();
        for (std::size_t j = 0; j < 4; ++j)
            bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        char pair[3];
        std::snprintf(pair, sizeof pair, "%02x", bytes[i]);
        text += pair;
        if (i == 3 || i == 5 || i == 7 || i == 9)
            text += '-';
    }
    return text;
}

} // namespace azimuth
