#include "core/stats/bootstrap.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace azimuth {
namespace {

// Uniform in 0..n-1 without bias. Not std::uniform_int_distribution, whose draws differ between libraries.
std::size_t below(std::mt19937_64& generator, std::size_t n) {
    const std::uint64_t limit =
        std::numeric_limits<std::uint64_t>::max() - std::numeric_limits<std::uint64_t>::max() % n;
    for (;;) {
        const std::uint64_t draw = generator();
        if (draw < limit)
            return static_cast<std::size_t>(draw % n);
    }
}

} // namespace

double sortedQuantile(std::span<const double> values, double probability) {
    if (values.empty())
        throw Error("bootstrap.size", "A quantile needs at least one value.", "");
    const double at = std::clamp(probability, 0.0, 1.0) * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(at));
    const auto above = std::min(below + 1, values.size() - 1);
    return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

BootstrapInterval bootstrapPercentile(std::size_t n,
                                      const std::function<double(std::span<const std::size_t>)>& statistic,
                                      const BootstrapOptions& options) {
    if (n == 0 || options.resamples < 1)
        throw Error("bootstrap.size",
                    "A bootstrap needs prompts and resamples, given are " + std::to_string(n) + " and " +
                        std::to_string(options.resamples) + ".",
                    "");
    std::mt19937_64 generator(options.seed);
    std::vector<std::size_t> indices(n);
    std::vector<double> values;
    values.reserve(static_cast<std::size_t>(options.resamples));
    BootstrapInterval result;
    result.resamples = options.resamples;
    for (std::int64_t resample = 0; resample < options.resamples; ++resample) {
        for (auto& index : indices)
            index = below(generator, n);
        const double value = statistic(indices);
        if (std::isfinite(value))
            values.push_back(value);
        else
            ++result.dropped;
    }
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    if (values.empty()) {
        result.interval = {nothing, nothing};
        return result;
    }
    std::sort(values.begin(), values.end());
    const double tail = (1 - options.confidence) / 2;
    result.interval = {sortedQuantile(values, tail), sortedQuantile(values, 1 - tail)};
    result.degenerate = values.front() == values.back();
    return result;
}

} // namespace azimuth
