// Heights of many rows of which few have been measured: the others count with an estimate. Where a row
// starts and which row lies at a place take O(log n) (a Fenwick tree over the differences from the
// estimate). One thread.
#pragma once

#include <vector>

namespace azimuth {

class RowHeights {
public:
    void reset(int count, int estimate);
    int count() const { return static_cast<int>(m_height.size()); }
    bool isMeasured(int row) const { return m_height[static_cast<std::size_t>(row)] >= 0; }
    int height(int row) const {
        return isMeasured(row) ? m_height[static_cast<std::size_t>(row)] : m_estimate;
    }
    void measure(int row, int height);
    long long top(int row) const; // of rows 0..count; top(count) is the total
    long long total() const { return top(count()); }
    int rowAt(long long y) const; // clamped to 0..count-1; -1 if there is none

private:
    std::vector<int> m_height; // -1: not measured
    std::vector<long long> m_tree;
    int m_estimate = 1;
};

} // namespace azimuth
