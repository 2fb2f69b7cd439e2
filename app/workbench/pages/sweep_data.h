// A Calibration's snapshot as what the Apply page draws: the curves of one k, and the k x strength map. Pure.
#pragma once

#include "core/study/calibration.h"
#include "widgets/chart/line_chart_view.h"
#include "widgets/heatmap/heat_map_data.h"

#include <cstdint>
#include <vector>

namespace azimuth {

struct SweepTable {
    std::vector<std::int64_t> ks;  // rows, ascending
    std::vector<double> strengths; // columns, ascending, in the grid's unit
    std::vector<int> points;       // row-major: index into Calibration::points, or -1

    static SweepTable of(const Calibration& calibration);
    bool empty() const { return points.empty(); }
    int at(int row, int column) const {
        return points.at(static_cast<std::size_t>(row) * strengths.size() + static_cast<std::size_t>(column));
    }
    int nearestRow(std::int64_t k) const; // of the swept k; -1 if there is none
};

// Coherent, garbled and normal rates with Wilson bands against alpha at one k, the control at 0.
QList<ChartSeries> doseResponse(const Calibration& calibration, std::int64_t k);

// Coherent rate, 0 to 1, with Wilson intervals; NaN where nothing is labelled.
HeatMapData sweepMap(const Calibration& calibration, const SweepTable& table, StrengthUnit unit);

QString unitText(StrengthUnit unit, std::int64_t k); // "× raw norm of R[16]"; k < 0: "of R[k]"

} // namespace azimuth
