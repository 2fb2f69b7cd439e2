// Percentile bootstrap over prompts (Efron 1979). The statistic sees the indices of one resample, so
// everything that hangs on one prompt stays together. Same seed, same result, on every machine. Error
// bootstrap.size if there is nothing to resample or no resample is asked for.
#pragma once

#include "core/stats/intervals.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace azimuth {

struct BootstrapOptions {
    std::int64_t resamples = 10000;
    double confidence = 0.95;
    std::uint64_t seed = 1;
};

struct BootstrapInterval {
    Interval interval;                       // NaN, NaN if every resample was dropped
    std::int64_t resamples = 0, dropped = 0; // dropped: the statistic was not finite (a denominator of 0)
    bool degenerate = false;                 // every resample kept gave the same value
};

BootstrapInterval bootstrapPercentile(std::size_t n,
                                      const std::function<double(std::span<const std::size_t>)>& statistic,
                                      const BootstrapOptions& options = {});

// Linear interpolation between order statistics (Hyndman and Fan's type 7). values are sorted and not empty.
double sortedQuantile(std::span<const double> values, double probability);

} // namespace azimuth
