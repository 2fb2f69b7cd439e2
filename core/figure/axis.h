// A linear axis with round ticks (1, 2, 5 x 10^n), three to six of them.
#pragma once

#include <string>
#include <vector>

namespace azimuth {

struct AxisTicks {
    std::vector<double> values;
    std::vector<std::string> labels; // minus is U+2212
};
AxisTicks roundTicks(double low, double high, int target = 4);

} // namespace azimuth
