// One axis of a heat map on the screen: which cell lies at which device pixel.
//   A cell is a whole number of device pixels, or a pixel is a whole number of cells (1, 2, 4, 6 or 8):
//   nothing in between, so that what is hovered is what is drawn, by construction. Everything here is in
//   device pixels. "Display" indices run along the screen; `order` takes them to rows or columns of the
//   data.
#pragma once

#include <vector>

namespace azimuth {

class MapAxis {
public:
    static constexpr int mostCellsPerPixel = 8;
    static constexpr int largestCell = 400;

    int count() const { return m_count; }
    void setCount(int count); // forgets order and zoom
    // A permutation of 0..count-1, or empty for the identity; anything else is refused (false, unchanged).
    bool setOrder(std::vector<int> order);
    const std::vector<int>& order() const { return m_order; }
    int dataIndex(int display) const { return m_order.empty() ? display : m_order[display]; }
    int displayIndex(int data) const; // -1 if outside

    int length() const { return m_length; }
    void setLength(int pixels); // of the viewport

    int cell() const { return m_cell; }                   // pixels per cell, at least 1
    int cellsPerPixel() const { return m_cellsPerPixel; } // 1 unless cell() is 1
    int offset() const { return m_offset; }               // content pixels left of the viewport
    int contentLength() const;
    int visibleLength() const; // pixels of the viewport that show cells

    // The largest size at which all cells fit, at most `largest` pixels per cell.
    void fit(int largest = largestCell);
    bool isFitted() const { return contentLength() <= m_length; }
    void setZoom(int cell, int cellsPerPixel);
    // One step in (positive) or out, keeping what lies at pixel `anchor` there.
    void zoom(int steps, int anchor);
    void scrollTo(int offset); // clamped
    void reveal(int display);  // scrolls as little as needed

    int displayAt(int pixel) const;    // -1 beside the cells; with several cells a pixel, the first of them
    int firstPixel(int display) const; // of the cell, may lie outside the viewport
    int endPixel(int display) const;   // one past its last

private:
    int level() const;
    void setLevel(int level);
    int m_count = 0;
    std::vector<int> m_order, m_inverse;
    int m_length = 0;
    int m_cell = 1;
    int m_cellsPerPixel = 1;
    int m_offset = 0;
};

} // namespace azimuth
