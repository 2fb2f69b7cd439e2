#include "widgets/heatmap/map_axis.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace azimuth {

namespace {

// Zoom steps: negative is cells per pixel, positive pixels per cell.
constexpr std::array levels{-8, -6, -4, -2, 1,  2,  3,  4,  5,  6,   8,   10,  12,  14,  16, 20,
                            24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 200, 280, 400};

int sizeOf(int cell, int cellsPerPixel) { return cellsPerPixel > 1 ? -cellsPerPixel : cell; }

} // namespace

void MapAxis::setCount(int count) {
    m_count = std::max(0, count);
    m_order.clear();
    m_inverse.clear();
    m_offset = 0;
    fit();
}

bool MapAxis::setOrder(std::vector<int> order) {
    if (order.empty()) {
        m_order.clear();
        m_inverse.clear();
        return true;
    }
    std::vector<int> inverse(order.size(), -1);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const int at = order[i];
        if (at < 0 || at >= m_count || order.size() != static_cast<std::size_t>(m_count) ||
            inverse[at] >= 0) {
            return false;
        }
        inverse[at] = static_cast<int>(i);
    }
    m_order = std::move(order);
    m_inverse = std::move(inverse);
    return true;
}

int MapAxis::displayIndex(int data) const {
    if (data < 0 || data >= m_count) {
        return -1;
    }
    return m_inverse.empty() ? data : m_inverse[data];
}

void MapAxis::setLength(int pixels) {
    m_length = std::max(0, pixels);
    scrollTo(m_offset);
}

int MapAxis::contentLength() const {
    return m_cellsPerPixel > 1 ? (m_count + m_cellsPerPixel - 1) / m_cellsPerPixel : m_count * m_cell;
}

int MapAxis::visibleLength() const { return std::clamp(contentLength() - m_offset, 0, m_length); }

void MapAxis::fit(int largest) {
    m_offset = 0;
    m_cell = 1;
    m_cellsPerPixel = 1;
    if (m_count == 0 || m_length == 0) {
        return;
    }
    if (m_count <= m_length) {
        m_cell = std::clamp(m_length / m_count, 1, std::max(1, std::min(largest, largestCell)));
        return;
    }
    for (const int level : {2, 4, 6, 8}) {
        m_cellsPerPixel = level;
        if (contentLength() <= m_length) {
            return;
        }
    }
}

void MapAxis::setZoom(int cell, int cellsPerPixel) {
    m_cell = cellsPerPixel > 1 ? 1 : std::clamp(cell, 1, largestCell);
    m_cellsPerPixel = std::clamp(cellsPerPixel, 1, mostCellsPerPixel);
    scrollTo(m_offset);
}

int MapAxis::level() const {
    const int size = sizeOf(m_cell, m_cellsPerPixel);
    return static_cast<int>(std::lower_bound(levels.begin(), levels.end(), size) - levels.begin());
}

void MapAxis::setLevel(int level) {
    const int size =
        levels[static_cast<std::size_t>(std::clamp(level, 0, static_cast<int>(levels.size()) - 1))];
    m_cell = std::max(1, size);
    m_cellsPerPixel = std::max(1, -size);
}

void MapAxis::zoom(int steps, int anchor) {
    const double before = static_cast<double>(m_offset + anchor) * m_cellsPerPixel / m_cell;
    const int size = sizeOf(m_cell, m_cellsPerPixel);
    int from = level();
    if (steps > 0 && levels[static_cast<std::size_t>(from)] > size) {
        --from; // the size lies between two steps: the next one in is `from` itself
    }
    setLevel(from + steps);
    scrollTo(static_cast<int>(std::lround(before * m_cell / m_cellsPerPixel)) - anchor);
}

void MapAxis::scrollTo(int offset) {
    m_offset = std::clamp(offset, 0, std::max(0, contentLength() - m_length));
}

void MapAxis::reveal(int display) {
    const int first = firstPixel(display);
    const int end = endPixel(display);
    if (first < 0) {
        scrollTo(m_offset + first);
    } else if (end > m_length) {
        scrollTo(m_offset + end - m_length);
    }
}

int MapAxis::displayAt(int pixel) const {
    if (pixel < 0 || pixel >= visibleLength()) {
        return -1;
    }
    return m_cellsPerPixel > 1 ? (pixel + m_offset) * m_cellsPerPixel : (pixel + m_offset) / m_cell;
}

int MapAxis::firstPixel(int display) const {
    return (m_cellsPerPixel > 1 ? display / m_cellsPerPixel : display * m_cell) - m_offset;
}

int MapAxis::endPixel(int display) const { return firstPixel(display) + m_cell; }

} // namespace azimuth
