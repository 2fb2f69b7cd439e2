// What a heat map shows: a matrix by value, shared and never written to.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <QString>
#include <QStringList>
#include <vector>

namespace azimuth {

struct HeatMapData {
    // Row-major [rows][columns]; NaN = not measured. values->size() == rows * columns.
    int rows = 0;
    int columns = 0;
    std::shared_ptr<const std::vector<float>> values;
    // Interval of each value, same shape; null where there is none.
    std::shared_ptr<const std::vector<float>> low;
    std::shared_ptr<const std::vector<float>> high;

    QStringList rowLabels;    // as many as rows, or empty: then the index
    QStringList columnLabels; // as many as columns, or empty
    QString rowTitle;         // "k"
    QString columnTitle;      // "k′, site entering block k′"
    QString valueName;        // "cosine"; may carry a unit
    QString name;             // accessible name: "Cosine between directions, Qwen 2.5 7B"

    // Values with an absolute value under it are not different from 0; NaN: no such limit.
    double nullLimit = std::numeric_limits<double>::quiet_NaN();
    QString sampleSize; // "n 256"; shown in the readout

    // The name of a cell for the readout, "R[16] × R[21]"; empty: "<row label> × <column label>".
    std::function<QString(int row, int column)> site;
    // Why a NaN cell has no value: "3584 ≠ 5120"; empty: "not measured".
    std::function<QString(int row, int column)> reason;
    // Optional own formatting of a value for readout and cell text (percent, counts).
    std::function<QString(double value)> format;

    float at(int row, int column) const {
        return (*values)[static_cast<std::size_t>(row) * columns + column];
    }
    bool empty() const { return rows == 0 || columns == 0; }
};

} // namespace azimuth
