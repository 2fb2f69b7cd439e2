// Colours of figures beside the published maps (resources/colour_maps.h): contrast and text on a ground.
#pragma once

#include "resources/colour_scale.h"

#include <string>

namespace azimuth {

std::string toHex(Rgb colour);      // "#0E6B66"
double contrastRatio(Rgb a, Rgb b); // WCAG 2.1, 1 to 21
Rgb textColourOn(
    Rgb ground); // the better of #10161B and #FFFFFF; black where both are below 4.5 (then it is not)

} // namespace azimuth
