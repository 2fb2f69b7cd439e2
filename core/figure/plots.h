// The plots that figures are made of: values in, display list out. No knowledge of projects.
#pragma once

#include "core/figure/figure.h"
#include "core/study/transfer.h"
#include "resources/colour_scale.h"

#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct HeatMapPlot {
    std::string title, caption; // caption: n and site, beside the title
    std::string rowTitle, columnTitle, valueTitle;
    std::vector<std::string> rowLabels, columnLabels;
    std::vector<float> values; // [row][column]; NaN: not measured
    ColourScale scale;
    std::optional<std::size_t> markedRow, markedColumn; // a frame
    bool squareCells = false;
};
Figure heatMapFigure(const HeatMapPlot& plot, double width);

struct DosePoint {
    double x = 0; // strength in the grid's unit
    Rate coherent, garbled;
};
struct DosePanel {
    std::string title, caption, xTitle;
    std::vector<DosePoint> points; // ascending x; the control is x = 0
    std::optional<double> chosen;
};
// One panel per model, at most three in a row.
Figure doseResponseFigure(const std::vector<DosePanel>& panels, double width);

// Sources are rows, targets are columns, in the order of names; cells row-major.
Figure transferFigure(const std::string& conceptName, const std::vector<std::string>& names,
                      const std::vector<std::int64_t>& widths, const std::vector<TransferCell>& cells,
                      double width);

} // namespace azimuth
