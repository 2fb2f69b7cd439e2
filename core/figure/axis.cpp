#include "core/figure/axis.h"

#include <cmath>
#include <cstdio>

namespace azimuth {

AxisTicks roundTicks(double low, double high, int target) {
    AxisTicks ticks;
    if (!(high > low) || target < 1)
        return ticks;
    const double raw = (high - low) / target;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double lead = raw / power;
    const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
    const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    for (long i = std::lround(std::ceil(low / step - 1e-9));
         static_cast<double>(i) * step <= high + step * 1e-9; ++i) {
        const double value = static_cast<double>(i) * step;
        char buffer[48];
        std::snprintf(buffer, sizeof buffer, "%.*f", decimals, std::fabs(value));
        ticks.values.push_back(value);
        ticks.labels.push_back((value < 0 ? "\u2212" : "") + std::string(buffer));
    }
    return ticks;
}

} // namespace azimuth
