// What a figure needs from a font: widgets/ implements it with the fonts in resources. Any thread that has a
// QGuiApplication.
#pragma once

#include "core/figure/figure.h"

#include <string>

namespace azimuth {

class FigureDevice {
public:
    virtual ~FigureDevice() = default;
    // Advance of a text in points.
    virtual double advance(const std::string& text, double size, Weight weight) const = 0;
    // The outline of a text whose baseline starts at 0, 0, as SVG path data in points ("M1.2 -3.4L...Z").
    virtual std::string outline(const std::string& text, double size, Weight weight) const = 0;
    // The figure as PNG bytes at a resolution, provenance as tEXt.
    virtual std::string encodePng(const Figure& figure, double dotsPerInch) const = 0;
    // The figure as a PDF: vector cells, embedded fonts, provenance attached.
    virtual std::string encodePdf(const Figure& figure) const = 0;
};

} // namespace azimuth
