#include "core/figure/colour.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace azimuth {

std::string toHex(Rgb colour) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "#%02X%02X%02X", colour.red, colour.green, colour.blue);
    return buffer;
}

namespace {
double linear(std::uint8_t channel) {
    const double value = channel / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}
double luminance(Rgb colour) {
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}
} // namespace

double contrastRatio(Rgb a, Rgb b) {
    const double x = luminance(a), y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

Rgb textColourOn(Rgb ground) {
    constexpr Rgb dark{0x10, 0x16, 0x1B}, light{255, 255, 255};
    const double onDark = contrastRatio(ground, dark), onLight = contrastRatio(ground, light);
    if (std::max(onDark, onLight) < 4.5)
        return {0, 0, 0};
    return onDark >= onLight ? dark : light;
}

} // namespace azimuth
