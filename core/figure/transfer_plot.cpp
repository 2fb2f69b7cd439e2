#include "core/figure/colour.h"
#include "core/figure/plots.h"

#include "core/base/error.h"
#include "core/base/units.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace azimuth {
namespace {

constexpr Rgb ink{16, 22, 27}, grey{70, 83, 96}, rule{216, 222, 226}, border{123, 135, 145},
    failure{0xB3, 0x21, 0x1F};
constexpr double labelSize = 7;

std::string number(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.2f", std::fabs(value));
    const std::string text = buffer;
    return value < 0 && text != "0.00" ? "\u2212" + text : text;
}

std::string plain(double value) {
    if (!std::isfinite(value))
        return "not measured";
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.9g", value);
    return buffer;
}

Rgb ground(double efficiency) {
    return ColourScale{&efficiencyMap, {0, 1.5}}.colour(std::clamp(efficiency, 0.0, 1.5));
}

struct CellBox {
    double x, y, width, height;
};

void track(Figure& figure, const TransferCell& cell, const CellBox& box) {
    const double left = box.x + 8, width = box.width - 16, y = box.y + box.height - 6;
    const auto at = [&](double value) { return left + width * std::clamp(value, 0.0, 2.0) / 2.0; };
    figure.line({left, y}, {left + width, y}, {rule, 0.5, {}});
    figure.line({at(1), y - 2}, {at(1), y + 2}, {border, 0.5, {}});
    figure.line({at(cell.excessTeLow), y}, {at(cell.excessTeHigh), y}, {ink, 1, {}});
    figure.items.push_back(figure_item::Disc{{at(cell.excessTe), y}, 1.6, ink, {}});
}

void measured(Figure& figure, const TransferCell& cell, const CellBox& box) {
    const double x = box.x + box.width / 2;
    if (cell.kind == CellKind::Own) {
        figure.text({x, box.y + box.height / 2 - 2}, percentText(cell.own.value), 9, Anchor::Middle,
                    Weight::SemiBold);
        figure.text({x, box.y + box.height / 2 + 7},
                    "own rate, " + std::to_string(cell.own.count) + " of " + std::to_string(cell.own.n), 6.5,
                    Anchor::Middle, Weight::Regular, grey);
        return;
    }
    const bool interval = std::isfinite(cell.excessTeLow) && std::isfinite(cell.excessTeHigh);
    const bool differs = cell.excessLow > 0 || cell.excessHigh < 0;
    const Rgb fill = differs ? ground(cell.excessTe) : Rgb{255, 255, 255};
    figure.items.push_back(figure_item::Rectangle{box.x, box.y, box.width, box.height, fill, {}, false});
    figure.text({x, box.y + 14}, number(cell.excessTe), 9, Anchor::Middle,
                differs ? Weight::SemiBold : Weight::Regular, differs ? textColourOn(fill) : grey);
    if (interval) {
        figure.text({x, box.y + 23}, number(cell.excessTeLow) + " to " + number(cell.excessTeHigh), 6.5,
                    Anchor::Middle, Weight::Regular, differs ? textColourOn(fill) : grey);
        track(figure, cell, box);
    } else {
        figure.text({x, box.y + 23},
                    "over control " + number(cell.excessLow) + " to " + number(cell.excessHigh), 6,
                    Anchor::Middle, Weight::Regular, differs ? textColourOn(fill) : grey);
    }
    if (cell.kind == CellKind::PrecisionTransfer)
        figure.text({x, box.y + box.height - 10}, "precision transfer", 6, Anchor::Middle, Weight::Medium,
                    grey);
}

void drawCell(Figure& figure, const TransferCell& cell, const CellBox& box) {
    if (!cell.notMeasured) {
        measured(figure, cell, box);
    } else {
        const bool failed = cell.notMeasured->kind == NotMeasured::Kind::Failed;
        figure.items.push_back(figure_item::Rectangle{box.x,
                                                      box.y,
                                                      box.width,
                                                      box.height,
                                                      {},
                                                      {},
                                                      cell.notMeasured->kind == NotMeasured::Kind::Cannot});
        figure.text({box.x + box.width / 2, box.y + box.height / 2 + 2.4}, cell.notMeasured->shortReason, 6.5,
                    Anchor::Middle, Weight::Medium, failed ? failure : grey);
    }
    figure.items.push_back(
        figure_item::Rectangle{box.x, box.y, box.width, box.height, {}, FigureStroke{rule, 0.5, {}}, false});
}

std::vector<std::string> row(const TransferCell& cell) {
    std::vector<std::string> out{cell.source, cell.target, toString(cell.kind)};
    if (cell.notMeasured) {
        out.push_back("not measured: " + cell.notMeasured->reason);
        out.resize(17);
        return out;
    }
    for (const double value : {cell.excessTe, cell.excessTeLow, cell.excessTeHigh, cell.te,
                               cell.foreign.value, cell.own.value, cell.control.value})
        out.push_back(plain(value));
    out.push_back(std::to_string(cell.own.n));
    for (const double value : {cell.excess, cell.excessLow, cell.excessHigh, cell.cosine})
        out.push_back(plain(value));
    out.push_back(std::to_string(cell.k));
    out.push_back(plain(cell.alpha));
    return out;
}

} // namespace

Figure transferFigure(const std::string& conceptName, const std::vector<std::string>& names,
                      const std::vector<std::int64_t>& widths, const std::vector<TransferCell>& cells,
                      double width) {
    if (names.empty() || cells.size() != names.size() * names.size() || widths.size() != names.size())
        throw Error("figure.shape",
                    "The transfer matrix has " + std::to_string(cells.size()) + " cells for " +
                        std::to_string(names.size()) + " models.",
                    "");
    Figure figure;
    figure.title = "Transfer of the " + conceptName + " direction";
    figure.description =
        "Excess efficiency; foreign rate over control with its paired 95 % interval. Rows are sources, "
        "columns are targets.";
    figure.width = width;
    const double left = 108, top = 40,
                 cellWidth = std::min(96.0, (width - left - 6) / static_cast<double>(names.size())),
                 cellHeight = 44;
    figure.height = top + cellHeight * static_cast<double>(names.size()) + 8;
    figure.table.columns = {"source",         "target",          "kind",   "excess TE",
                            "excess TE low",  "excess TE high",  "TE",     "foreign rate",
                            "own rate",       "control rate",    "n",      "foreign - control",
                            "difference low", "difference high", "cosine", "k",
                            "strength"};
    figure.text({4, 10}, figure.title, 8.5, Anchor::Start, Weight::SemiBold, ink);
    figure.text({4, 19}, figure.description, 6.5, Anchor::Start, Weight::Regular, grey);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const double y = top + static_cast<double>(i) * cellHeight;
        const std::string widthText =
            widths[i] > 0 ? "width " + std::to_string(widths[i]) : "width not known";
        figure.text({4, y + cellHeight / 2 - 1}, names[i], labelSize, Anchor::Start, Weight::Medium, ink);
        figure.text({4, y + cellHeight / 2 + 8}, widthText, 6.5, Anchor::Start, Weight::Regular, grey);
        figure.text({left + (static_cast<double>(i) + 0.5) * cellWidth, top - 5}, names[i], labelSize,
                    Anchor::Middle, Weight::Medium, ink);
        for (std::size_t j = 0; j < names.size(); ++j) {
            const auto& cell = cells[i * names.size() + j];
            drawCell(figure, cell, {left + static_cast<double>(j) * cellWidth, y, cellWidth, cellHeight});
            figure.table.rows.push_back(row(cell));
        }
    }
    return figure;
}

} // namespace azimuth
