#include "core/figure/axis.h"
#include "core/figure/plots.h"

#include "core/base/error.h"

#include <algorithm>
#include <cstdio>

namespace azimuth {
namespace {

constexpr Rgb ink{16, 22, 27}, grey{70, 83, 96}, rule{123, 135, 145}, grid{216, 222, 226};
constexpr Rgb coherentColour{0x0B, 0x5F, 0xA5}, garbledColour{0xA8, 0x43, 0x00};
constexpr Rgb coherentBand{0xD8, 0xE5, 0xF1}, garbledBand{0xF1, 0xE1, 0xD6}; // 16 % of the colour on white
constexpr Rgb accent{0x0E, 0x6B, 0x66};
constexpr double labelSize = 7, legendHeight = 20;

struct Frame {
    double left, top, width, height, xLow, xHigh;
    double x(double value) const { return left + width * (value - xLow) / (xHigh - xLow); }
    double y(double rate) const { return top + height * (1 - rate); }
};

void axes(Figure& figure, const DosePanel& panel, const Frame& frame) {
    for (const double rate : {0.0, 0.5, 1.0}) {
        figure.line({frame.left, frame.y(rate)}, {frame.left + frame.width, frame.y(rate)},
                    rate == 0 ? FigureStroke{rule, 0.5, {}} : FigureStroke{grid, 0.4, {}});
        figure.text({frame.left - 4, frame.y(rate) + labelSize * 0.35},
                    std::to_string(static_cast<int>(rate * 100)), labelSize, Anchor::End, Weight::Regular,
                    grey);
    }
    const auto ticks = roundTicks(frame.xLow, frame.xHigh, 4);
    for (std::size_t i = 0; i < ticks.values.size(); ++i) {
        figure.line({frame.x(ticks.values[i]), frame.y(0)}, {frame.x(ticks.values[i]), frame.y(0) + 2.5},
                    {rule, 0.5, {}});
        figure.text({frame.x(ticks.values[i]), frame.y(0) + 10}, ticks.labels[i], labelSize, Anchor::Middle,
                    Weight::Regular, grey);
    }
    figure.text({frame.left + frame.width / 2, frame.y(0) + 20}, panel.xTitle, labelSize, Anchor::Middle,
                Weight::Regular, grey);
    figure.text({frame.left, frame.top - 18}, panel.title, 8, Anchor::Start, Weight::SemiBold, ink);
    figure.text({frame.left, frame.top - 9}, panel.caption, 6.5, Anchor::Start, Weight::Regular, grey);
}

void series(Figure& figure, const DosePanel& panel, const Frame& frame, Rate DosePoint::*which, Rgb colour,
            Rgb band, bool diamonds) {
    figure_item::Polygon interval;
    figure_item::Polyline line{{}, {colour, 1.1, {}}};
    for (const auto& point : panel.points) {
        interval.points.push_back({frame.x(point.x), frame.y((point.*which).high)});
        line.points.push_back({frame.x(point.x), frame.y((point.*which).value)});
    }
    for (auto point = panel.points.rbegin(); point != panel.points.rend(); ++point)
        interval.points.push_back({frame.x(point->x), frame.y(((*point).*which).low)});
    interval.fill = band;
    figure.items.push_back(std::move(interval));
    const auto marks = line.points;
    figure.items.push_back(std::move(line));
    for (const auto& at : marks) {
        if (diamonds)
            figure.items.push_back(figure_item::Polygon{
                {{at.x, at.y - 2.4}, {at.x + 2.4, at.y}, {at.x, at.y + 2.4}, {at.x - 2.4, at.y}},
                colour,
                {}});
        else
            figure.items.push_back(figure_item::Disc{at, 1.9, colour, {}});
    }
}

void chosenMark(Figure& figure, const DosePanel& panel, const Frame& frame) {
    if (!panel.chosen)
        return;
    const double x = frame.x(*panel.chosen);
    figure.items.push_back(figure_item::Polygon{
        {{x - 2.6, frame.top - 4.5}, {x + 2.6, frame.top - 4.5}, {x, frame.top - 0.8}}, accent, {}});
    figure.line({x, frame.top}, {x, frame.y(0)}, {accent, 0.5, {1.5, 1.5}});
}

std::string plain(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.9g", value);
    return buffer;
}

void addRows(Figure& figure, const DosePanel& panel) {
    for (const auto& point : panel.points)
        figure.table.rows.push_back({panel.title, plain(point.x), std::to_string(point.coherent.n),
                                     std::to_string(point.coherent.count), plain(point.coherent.value),
                                     plain(point.coherent.low), plain(point.coherent.high),
                                     std::to_string(point.garbled.count), plain(point.garbled.value),
                                     plain(point.garbled.low), plain(point.garbled.high),
                                     panel.chosen && *panel.chosen == point.x ? "yes" : "no"});
}

void legend(Figure& figure, double x, double y) {
    figure.items.push_back(figure_item::Disc{{x, y - 2.4}, 1.9, coherentColour, {}});
    figure.text({x + 5, y}, "coherent", labelSize, Anchor::Start, Weight::Regular, coherentColour);
    figure.items.push_back(figure_item::Polygon{
        {{x + 48, y - 4.8}, {x + 50.4, y - 2.4}, {x + 48, y}, {x + 45.6, y - 2.4}}, garbledColour, {}});
    figure.text({x + 53, y}, "garbled", labelSize, Anchor::Start, Weight::Regular, garbledColour);
    figure.items.push_back(
        figure_item::Polygon{{{x + 90, y - 4.8}, {x + 95.2, y - 4.8}, {x + 92.6, y - 1}}, accent, {}});
    figure.text({x + 98, y}, "chosen", labelSize, Anchor::Start, Weight::Regular, accent);
}

} // namespace

Figure doseResponseFigure(const std::vector<DosePanel>& panels, double width) {
    if (panels.empty())
        throw Error("figure.empty", "There is no sweep to draw.", "Calibrate a model first.");
    Figure figure;
    figure.title = "Dose-response";
    figure.description = "Share of coherent and garbled completions against strength, 95 % Wilson intervals";
    figure.width = width;
    const std::size_t columns = std::min<std::size_t>(panels.size(), 3),
                      rows = (panels.size() + columns - 1) / columns;
    const double cell = (width - 16) / static_cast<double>(columns),
                 panelHeight = std::clamp(cell * 0.55, 70.0, 130.0);
    figure.height = legendHeight + static_cast<double>(rows) * (panelHeight + 58);
    figure.table.columns = {"model",        "strength",      "n",       "coherent",     "coherent rate",
                            "coherent low", "coherent high", "garbled", "garbled rate", "garbled low",
                            "garbled high", "chosen"};
    figure.text({8, legendHeight + 24 + panelHeight / 2}, "completions, %", labelSize, Anchor::Middle,
                Weight::Regular, grey, 90);
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const auto& panel = panels[i];
        if (panel.points.empty())
            continue;
        Frame frame{};
        frame.left = 16 + static_cast<double>(i % columns) * cell + 18;
        frame.top = legendHeight + static_cast<double>(i / columns) * (panelHeight + 58) + 24;
        frame.width = cell - 30;
        frame.height = panelHeight;
        frame.xLow = 0;
        frame.xHigh = panel.points.back().x > 0 ? panel.points.back().x : 1;
        axes(figure, panel, frame);
        series(figure, panel, frame, &DosePoint::garbled, garbledColour, garbledBand, true);
        series(figure, panel, frame, &DosePoint::coherent, coherentColour, coherentBand, false);
        chosenMark(figure, panel, frame);
        addRows(figure, panel);
    }
    legend(figure, 36, 11);
    return figure;
}

} // namespace azimuth
