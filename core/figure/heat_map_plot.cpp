#include "core/figure/axis.h"
#include "core/figure/plots.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace azimuth {
namespace {

constexpr Rgb ink{16, 22, 27}, grey{70, 83, 96}, rule{123, 135, 145}, here{0xB5, 0x17, 0x6E};
constexpr double labelSize = 7, titleSize = 8.5;

std::vector<double> edges(double from, double step, std::size_t count) {
    std::vector<double> out;
    for (std::size_t i = 0; i <= count; ++i)
        out.push_back(from + step * static_cast<double>(i));
    return out;
}

// Every n-th label, so that neighbours keep their distance.
std::size_t stride(double cell, double needed) {
    for (const std::size_t n : {1, 2, 4, 5, 8, 10, 16, 20, 32})
        if (static_cast<double>(n) * cell >= needed)
            return n;
    return 64;
}

struct Layout {
    double left, top, cellWidth, cellHeight, mapWidth, mapHeight;
};

void colourBar(Figure& figure, const HeatMapPlot& plot, const Layout& at) {
    const double x = at.left + at.mapWidth + 14, width = 8;
    constexpr std::size_t steps = 128;
    figure_item::Cells bar;
    bar.xEdges = {x, x + width};
    bar.yEdges = edges(at.top, at.mapHeight / steps, steps);
    for (std::size_t i = 0; i < steps; ++i)
        bar.colours.push_back(plot.scale.map->table[255 - i * 255 / (steps - 1)]);
    figure.items.push_back(std::move(bar));
    figure.items.push_back(
        figure_item::Rectangle{x, at.top, width, at.mapHeight, {}, FigureStroke{rule, 0.5, {}}, false});
    const auto range = plot.scale.range;
    const auto ticks = roundTicks(range.low, range.high, 4);
    for (std::size_t i = 0; i < ticks.values.size(); ++i) {
        const double y = at.top + at.mapHeight * (range.high - ticks.values[i]) / (range.high - range.low);
        figure.line({x + width, y}, {x + width + 2.5, y}, {rule, 0.5, {}});
        figure.text({x + width + 4.5, y + labelSize * 0.35}, ticks.labels[i], labelSize, Anchor::Start,
                    Weight::Regular, grey);
    }
    figure.text({x + width + 24, at.top + at.mapHeight / 2}, plot.valueTitle, labelSize, Anchor::Middle,
                Weight::Regular, grey, 90);
}

void labels(Figure& figure, const HeatMapPlot& plot, const Layout& at) {
    const auto rowStep = stride(at.cellHeight, 9), columnStep = stride(at.cellWidth, 16);
    for (std::size_t row = 0; row < plot.rowLabels.size(); row += rowStep)
        figure.text(
            {at.left - 4, at.top + (static_cast<double>(row) + 0.5) * at.cellHeight + labelSize * 0.35},
            plot.rowLabels[row], labelSize, Anchor::End, Weight::Regular, grey);
    for (std::size_t column = 0; column < plot.columnLabels.size(); column += columnStep)
        figure.text({at.left + (static_cast<double>(column) + 0.5) * at.cellWidth, at.top + at.mapHeight + 9},
                    plot.columnLabels[column], labelSize, Anchor::Middle, Weight::Regular, grey);
    figure.text({at.left + at.mapWidth / 2, at.top + at.mapHeight + 20}, plot.columnTitle, labelSize,
                Anchor::Middle, Weight::Regular, grey);
    figure.text({9, at.top + at.mapHeight / 2}, plot.rowTitle, labelSize, Anchor::Middle, Weight::Regular,
                grey, 90);
}

void table(Figure& figure, const HeatMapPlot& plot) {
    figure.table.columns = {plot.rowTitle, plot.columnTitle, plot.valueTitle};
    for (std::size_t row = 0; row < plot.rowLabels.size(); ++row)
        for (std::size_t column = 0; column < plot.columnLabels.size(); ++column) {
            const float value = plot.values[row * plot.columnLabels.size() + column];
            char buffer[32];
            std::snprintf(buffer, sizeof buffer, "%.9g", static_cast<double>(value));
            figure.table.rows.push_back(
                {plot.rowLabels[row], plot.columnLabels[column],
                 std::isfinite(value) ? std::string(buffer) : std::string("not measured")});
        }
}

} // namespace

Figure heatMapFigure(const HeatMapPlot& plot, double width) {
    Figure figure;
    figure.title = plot.title;
    figure.description = plot.caption;
    figure.width = width;
    const auto rows = plot.rowLabels.size(), columns = plot.columnLabels.size();
    if (rows == 0 || columns == 0 || plot.values.size() != rows * columns)
        throw Error("figure.shape",
                    "The heat map has " + std::to_string(plot.values.size()) + " values for " +
                        std::to_string(rows) + " x " + std::to_string(columns) + " cells.",
                    "");
    std::size_t longest = 0;
    for (const auto& label : plot.rowLabels)
        longest = std::max(longest, label.size());
    Layout at{};
    at.left = 20 + static_cast<double>(std::min<std::size_t>(longest, 24)) * labelSize * 0.56;
    at.top = 22;
    at.mapWidth = width - at.left - 56;
    at.cellWidth = at.mapWidth / static_cast<double>(columns);
    at.cellHeight = plot.squareCells ? at.cellWidth : std::clamp(at.cellWidth, 18.0, 26.0);
    if (plot.squareCells && at.cellHeight * static_cast<double>(rows) > width) {
        at.cellHeight = at.cellWidth = width / static_cast<double>(rows);
        at.mapWidth = at.cellWidth * static_cast<double>(columns);
    }
    at.mapHeight = at.cellHeight * static_cast<double>(rows);
    figure.height = at.top + at.mapHeight + 28;

    figure.text({at.left, 10}, plot.title, titleSize, Anchor::Start, Weight::SemiBold, ink);
    figure.text({at.left, 18.5}, plot.caption, 6.5, Anchor::Start, Weight::Regular, grey);
    figure_item::Cells cells;
    cells.xEdges = edges(at.left, at.cellWidth, columns);
    cells.yEdges = edges(at.top, at.cellHeight, rows);
    for (const float value : plot.values)
        cells.colours.push_back(std::isfinite(value) ? std::optional(plot.scale.colour(value))
                                                     : std::nullopt);
    figure.items.push_back(std::move(cells));
    figure.items.push_back(figure_item::Rectangle{
        at.left, at.top, at.mapWidth, at.mapHeight, {}, FigureStroke{rule, 0.5, {}}, false});
    if (plot.markedRow && plot.markedColumn)
        figure.items.push_back(
            figure_item::Rectangle{at.left + static_cast<double>(*plot.markedColumn) * at.cellWidth,
                                   at.top + static_cast<double>(*plot.markedRow) * at.cellHeight,
                                   at.cellWidth,
                                   at.cellHeight,
                                   {},
                                   FigureStroke{here, 1.2, {}},
                                   false});
    labels(figure, plot, at);
    colourBar(figure, plot, at);
    table(figure, plot);
    return figure;
}

} // namespace azimuth
