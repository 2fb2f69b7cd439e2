#include "widgets/completions/row_heights.h"

#include <algorithm>
#include <bit>

namespace azimuth {

void RowHeights::reset(int count, int estimate) {
    m_height.assign(static_cast<std::size_t>(count), -1);
    m_tree.assign(static_cast<std::size_t>(count) + 1, 0);
    m_estimate = std::max(1, estimate);
}

void RowHeights::measure(int row, int height) {
    const long long change = height - this->height(row);
    m_height[static_cast<std::size_t>(row)] = height;
    for (auto i = static_cast<std::size_t>(row) + 1; change != 0 && i < m_tree.size(); i += i & (~i + 1)) {
        m_tree[i] += change;
    }
}

long long RowHeights::top(int row) const {
    long long sum = static_cast<long long>(row) * m_estimate;
    for (auto i = static_cast<std::size_t>(row); i > 0; i &= i - 1) {
        sum += m_tree[i];
    }
    return sum;
}

int RowHeights::rowAt(long long y) const {
    if (count() == 0) {
        return -1;
    }
    std::size_t row = 0;
    long long before = 0;
    for (std::size_t step = std::bit_floor(m_tree.size() - 1); step > 0; step /= 2) {
        const std::size_t next = row + step;
        if (next < m_tree.size()) {
            const long long sum = before + m_tree[next] + static_cast<long long>(step) * m_estimate;
            if (sum <= y) {
                row = next;
                before = sum;
            }
        }
    }
    return std::min(static_cast<int>(row), count() - 1);
}

} // namespace azimuth
