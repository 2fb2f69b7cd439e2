// A Figure is a display list: recorded once, replayed to every output (SVG, PDF, PNG, screen, text dump).
// Lengths in points (1/72 inch), origin top left, y down. Always the paper theme: white ground, black text,
// whatever the window looks like.
#pragma once

#include "core/figure/colour.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace azimuth {

struct FigurePoint {
    double x = 0, y = 0;
};

enum class Anchor { Start, Middle, End };
enum class Weight { Regular, Medium, SemiBold };

struct FigureStroke {
    Rgb colour;
    double width = 0.5;
    std::vector<double> dash; // in points; empty: solid
};

namespace figure_item {
struct Rectangle {
    double x = 0, y = 0, width = 0, height = 0;
    std::optional<Rgb> fill;
    std::optional<FigureStroke> stroke;
    bool hatch = false; // 45 degrees: not measured
};
// Cells between shared edges, row-major; a cell without colour is hatched.
struct Cells {
    std::vector<double> xEdges, yEdges;
    std::vector<std::optional<Rgb>> colours;
};
struct Polyline {
    std::vector<FigurePoint> points;
    FigureStroke stroke;
};
struct Polygon {
    std::vector<FigurePoint> points;
    std::optional<Rgb> fill;
    std::optional<FigureStroke> stroke;
};
struct Disc {
    FigurePoint centre;
    double radius = 2;
    std::optional<Rgb> fill;
    std::optional<FigureStroke> stroke;
};
struct Text {
    FigurePoint at;   // on the baseline
    std::string text; // UTF-8, one line
    double size = 7;  // pt
    Weight weight = Weight::Regular;
    Anchor anchor = Anchor::Start;
    Rgb colour{16, 22, 27};
    double rotation = 0; // degrees, counter-clockwise
};
} // namespace figure_item

using FigureItem = std::variant<figure_item::Rectangle, figure_item::Cells, figure_item::Polyline,
                                figure_item::Polygon, figure_item::Disc, figure_item::Text>;

// The numbers behind a figure, for CSV. A cell is text already; numbers with full precision.
struct FigureTable {
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
};

struct Figure {
    std::string kind, title, description;
    double width = 396, height = 245; // NeurIPS text width
    std::vector<FigureItem> items;
    FigureTable table;
    std::string provenance; // canonical JSON: project, generation, keys, versions; no paths, hosts or users

    void text(FigurePoint at, std::string value, double size, Anchor anchor = Anchor::Start,
              Weight weight = Weight::Regular, Rgb colour = {16, 22, 27}, double rotation = 0);
    void line(FigurePoint from, FigurePoint to, FigureStroke stroke);
};

} // namespace azimuth
