// Writers of figures that need no toolkit. Numbers have at most three decimals, always a point, never "-0".
#pragma once

#include "core/figure/figure.h"
#include "core/figure/figure_device.h"

#include <string>

namespace azimuth {

enum class SvgText { Outlines, Text }; // outlines look the same everywhere; text can be edited

std::string toSvg(const Figure& figure, const FigureDevice& device, SvgText text = SvgText::Outlines);
std::string toCsv(const Figure& figure);  // RFC 4180 after comment lines "# ..." with title and provenance
std::string toDump(const Figure& figure); // one line per item, for tests

std::string figureNumber(double value);

} // namespace azimuth
