// From a matrix to the pixels of a viewport. Pure functions of their arguments; any thread.
//   No image of the whole matrix is built: the cost is that of the pixels on the screen. Where a pixel
//   holds several cells it shows the one with the largest absolute value (a rare strong cell stays
//   visible), read from halved copies of the matrix; NaN is left out of that choice and shows only where
//   nothing else is.
#pragma once

#include "resources/colour_scale.h"
#include "widgets/heatmap/map_axis.h"

#include <array>
#include <memory>
#include <QImage>
#include <vector>

namespace azimuth {

// A matrix in display order, without copying: element (row, column) lies at row * rowStride + column *
// columnStride of the data rows and columns that the two axes name.
struct MapValues {
    std::shared_ptr<const std::vector<float>> values;
    std::ptrdiff_t rowStride = 0;
    std::ptrdiff_t columnStride = 0;
};

// The matrix halved once, twice and three times in display order: (ceil(rows / 2^l), ceil(columns / 2^l)).
struct PeakLevel {
    int rows = 0;
    int columns = 0;
    std::vector<float> values;
};
struct PeakPyramid {
    std::array<PeakLevel, 3> levels; // factors 2, 4, 8
};
PeakPyramid buildPeaks(const MapValues& values, const MapAxis& rows, const MapAxis& columns);

struct MapColours {
    std::array<QRgb, 256> table{};
    ColourRange range;
    // Colours along x + y of the 45 degree hatch of cells without a value; one period.
    std::vector<QRgb> hatch;
};
MapColours mapColours(const ColourScale& scale, const QColor& hatch, const QColor& hatchBase, double ratio);

// visible columns x visible rows pixels, Format_RGB32. `peaks` may be null: then a pixel of several cells
// shows the first of them.
QImage renderMap(const MapValues& values, const MapAxis& rows, const MapAxis& columns,
                 const MapColours& colours, const PeakPyramid* peaks);

} // namespace azimuth
