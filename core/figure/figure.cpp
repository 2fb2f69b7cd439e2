#include "core/figure/figure.h"

namespace azimuth {

void Figure::text(FigurePoint at, std::string value, double size, Anchor anchor, Weight weight, Rgb colour,
                  double rotation) {
    items.push_back(figure_item::Text{at, std::move(value), size, weight, anchor, colour, rotation});
}

void Figure::line(FigurePoint from, FigurePoint to, FigureStroke stroke) {
    items.push_back(figure_item::Polyline{{from, to}, std::move(stroke)});
}

} // namespace azimuth
