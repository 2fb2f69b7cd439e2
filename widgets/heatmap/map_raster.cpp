#include "widgets/heatmap/map_raster.h"

#include <cmath>
#include <cstring>

namespace azimuth {

namespace {

float stronger(float one, float other) {
    if (std::isnan(one)) {
        return other;
    }
    return std::abs(other) > std::abs(one) ? other : one; // false where other is NaN
}

PeakLevel halve(const float* values, std::ptrdiff_t stride, int rows, int columns) {
    PeakLevel half{(rows + 1) / 2, (columns + 1) / 2, {}};
    half.values.resize(static_cast<std::size_t>(half.rows) * half.columns);
    for (int r = 0; r < half.rows; ++r) {
        const float* upper = values + 2 * r * stride;
        const float* lower = 2 * r + 1 < rows ? upper + stride : upper;
        float* out = half.values.data() + static_cast<std::size_t>(r) * half.columns;
        for (int c = 0; c < half.columns; ++c) {
            const int left = 2 * c;
            const int right = std::min(left + 1, columns - 1);
            out[c] = stronger(stronger(upper[left], upper[right]), stronger(lower[left], lower[right]));
        }
    }
    return half;
}

// What lies under each pixel: the element's offset along one axis.
std::vector<std::ptrdiff_t> offsets(const MapAxis& axis, std::ptrdiff_t stride) {
    std::vector<std::ptrdiff_t> table(static_cast<std::size_t>(axis.visibleLength()));
    for (std::size_t pixel = 0; pixel < table.size(); ++pixel) {
        table[pixel] = axis.dataIndex(axis.displayAt(static_cast<int>(pixel))) * stride;
    }
    return table;
}

class Painter {
public:
    Painter(const MapColours& colours, int width, int height)
        : m_colours(colours), m_image(width, height, QImage::Format_RGB32),
          m_scale(256.0F / static_cast<float>(colours.range.high - colours.range.low)),
          m_low(static_cast<float>(colours.range.low)) {}

    QRgb colour(float value, int x, int y) const {
        if (std::isnan(value)) {
            return m_colours.hatch[static_cast<std::size_t>(x + y) % m_colours.hatch.size()];
        }
        const float at = (value - m_low) * m_scale;
        const int index = at <= 0 ? 0 : at >= 255 ? 255 : static_cast<int>(at);
        return m_colours.table[static_cast<std::size_t>(index)];
    }
    QRgb* line(int y) { return reinterpret_cast<QRgb*>(m_image.scanLine(y)); }
    QImage take() { return std::move(m_image); }

private:
    const MapColours& m_colours;
    QImage m_image;
    float m_scale;
    float m_low;
};

QImage renderCells(const MapValues& values, const MapAxis& rows, const MapAxis& columns,
                   const MapColours& colours) {
    const auto down = offsets(rows, values.rowStride);
    const auto across = offsets(columns, values.columnStride);
    const int width = static_cast<int>(across.size());
    Painter painter(colours, width, static_cast<int>(down.size()));
    bool hatched = true;
    for (int y = 0; y < static_cast<int>(down.size()); ++y) {
        QRgb* line = painter.line(y);
        if (!hatched && down[static_cast<std::size_t>(y)] == down[static_cast<std::size_t>(y - 1)]) {
            std::memcpy(line, painter.line(y - 1), static_cast<std::size_t>(width) * sizeof(QRgb));
            continue;
        }
        hatched = false;
        const float* row = values.values->data() + down[static_cast<std::size_t>(y)];
        std::ptrdiff_t previous = -1;
        QRgb same = 0;
        for (int x = 0; x < width; ++x) {
            const std::ptrdiff_t at = across[static_cast<std::size_t>(x)];
            const float value = row[at];
            if (std::isnan(value)) {
                hatched = true;
                line[x] = painter.colour(value, x, y);
                previous = -1;
            } else {
                if (at != previous) {
                    same = painter.colour(value, x, y);
                    previous = at;
                }
                line[x] = same;
            }
        }
    }
    return painter.take();
}

// One pixel is `perPixel` x `perPixel` elements of a matrix in display order.
QImage renderBlocks(const float* values, int rowCount, int columnCount, int perPixel, const MapAxis& rows,
                    const MapAxis& columns, const MapColours& colours) {
    const int width = columns.visibleLength();
    const int height = rows.visibleLength();
    Painter painter(colours, width, height);
    for (int y = 0; y < height; ++y) {
        QRgb* line = painter.line(y);
        const int firstRow = (y + rows.offset()) * perPixel;
        const int endRow = std::min(firstRow + perPixel, rowCount);
        for (int x = 0; x < width; ++x) {
            const int firstColumn = (x + columns.offset()) * perPixel;
            const int endColumn = std::min(firstColumn + perPixel, columnCount);
            float peak = NAN;
            for (int r = firstRow; r < endRow; ++r) {
                const float* row = values + static_cast<std::size_t>(r) * columnCount;
                for (int c = firstColumn; c < endColumn; ++c) {
                    peak = stronger(peak, row[c]);
                }
            }
            line[x] = painter.colour(peak, x, y);
        }
    }
    return painter.take();
}

} // namespace

PeakPyramid buildPeaks(const MapValues& values, const MapAxis& rows, const MapAxis& columns) {
    PeakPyramid peaks;
    // The first halving reads through the orders; two display rows at a time are gathered.
    PeakLevel& first = peaks.levels[0];
    first.rows = (rows.count() + 1) / 2;
    first.columns = (columns.count() + 1) / 2;
    first.values.reserve(static_cast<std::size_t>(first.rows) * first.columns);
    std::vector<float> pair(static_cast<std::size_t>(2) * columns.count());
    for (int r = 0; r < rows.count(); r += 2) {
        const int many = std::min(2, rows.count() - r);
        for (int i = 0; i < many; ++i) {
            const float* row = values.values->data() + rows.dataIndex(r + i) * values.rowStride;
            float* out = pair.data() + static_cast<std::ptrdiff_t>(i) * columns.count();
            for (int c = 0; c < columns.count(); ++c) {
                out[c] = row[columns.dataIndex(c) * values.columnStride];
            }
        }
        const PeakLevel half = halve(pair.data(), columns.count(), many, columns.count());
        first.values.insert(first.values.end(), half.values.begin(), half.values.end());
    }
    for (std::size_t level = 1; level < peaks.levels.size(); ++level) {
        const PeakLevel& from = peaks.levels[level - 1];
        peaks.levels[level] = halve(from.values.data(), from.columns, from.rows, from.columns);
    }
    return peaks;
}

MapColours mapColours(const ColourScale& scale, const QColor& hatch, const QColor& hatchBase, double ratio) {
    MapColours colours;
    colours.range = scale.range;
    for (std::size_t i = 0; i < 256; ++i) {
        const Rgb& rgb = scale.map->table[i];
        colours.table[i] = qRgb(rgb.red, rgb.green, rgb.blue);
    }
    // Lines 1 px wide every 5 px across, that is every 7 px along x + y.
    const int period = std::max(2, static_cast<int>(std::lround(7 * ratio)));
    const double half = 0.7 * ratio; // half of a line's width along x + y
    for (int i = 0; i < period; ++i) {
        const double distance = std::min(i, period - i);
        const double cover = std::clamp(half - distance + 0.5, 0.0, 1.0);
        const auto mix = [cover](int line, int ground) {
            return static_cast<int>(std::lround(line * cover + ground * (1 - cover)));
        };
        colours.hatch.push_back(qRgb(mix(hatch.red(), hatchBase.red()), mix(hatch.green(), hatchBase.green()),
                                     mix(hatch.blue(), hatchBase.blue())));
    }
    return colours;
}

QImage renderMap(const MapValues& values, const MapAxis& rows, const MapAxis& columns,
                 const MapColours& colours, const PeakPyramid* peaks) {
    const int perPixel = std::max(rows.cellsPerPixel(), columns.cellsPerPixel());
    if (perPixel == 1 || !peaks || rows.cellsPerPixel() != columns.cellsPerPixel()) {
        return renderCells(values, rows, columns, colours);
    }
    const std::size_t level = perPixel == 8 ? 2 : perPixel == 4 ? 1 : 0;
    const PeakLevel& peak = peaks->levels[level];
    return renderBlocks(peak.values.data(), peak.rows, peak.columns, perPixel == 6 ? 3 : 1, rows, columns,
                        colours);
}

} // namespace azimuth
