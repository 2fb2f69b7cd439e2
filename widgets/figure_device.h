// Figures through Qt: metrics and outlines of the paper's font, PNG and PDF, and painting for a preview.
//   Always the paper theme. Fonts are those of resources/; construct in the GUI thread (it registers
//   them), use from any thread afterwards. Text is measured and drawn unhinted at 1,000 px and scaled, so
//   that SVG, PDF and PNG place the same glyphs at the same fractions of a point. PDF: page of exactly
//   the figure's size, text as text in embedded TrueType fonts, cells as vector rectangles up to 200 x
//   200 and as a lossless nearest-neighbour image above, provenance in XMP and as the attachment
//   provenance.json. PNG: provenance as tEXt. Neither holds a path, a host or a user.
#pragma once

#include "core/figure/figure_device.h"

class QPainter;

namespace azimuth {

class QtFigureDevice : public FigureDevice {
public:
    QtFigureDevice();

    double advance(const std::string& text, double size, Weight weight) const override;
    std::string outline(const std::string& text, double size, Weight weight) const override;
    std::string encodePng(const Figure& figure, double dotsPerInch) const override;
    std::string encodePdf(const Figure& figure) const override;
};

// Paints the figure with its top left corner at the painter's origin, one unit of the painter = one
// point. The white ground is painted too. With textAsOutlines letters are filled paths: what screens and
// PNG want.
void paintFigure(QPainter& painter, const Figure& figure, bool textAsOutlines = true);

} // namespace azimuth
