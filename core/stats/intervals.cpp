#include "core/stats/intervals.h"

#include "core/base/error.h"
#include "core/base/units.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <string>

namespace azimuth {
namespace {

void check(std::int64_t count, std::int64_t n, double confidence) {
    if (count < 0 || n < 0 || count > n)
        throw Error("stats.count",
                    "A rate needs 0 <= count <= n, given are " + std::to_string(count) + " of " +
                        std::to_string(n) + ".",
                    "Check the stored labels.");
    if (!(confidence > 0 && confidence < 1))
        throw Error("stats.confidence",
                    "A confidence lies between 0 and 1, given is " + numberText(confidence) + ".",
                    "Give for example 0.95.");
}

} // namespace

double standardNormalQuantile(double probability) {
    if (!(probability > 0 && probability < 1))
        throw Error(
            "stats.probability",
            "A quantile needs a probability between 0 and 1, given is " + numberText(probability) + ".", "");
    return boost::math::quantile(boost::math::normal_distribution<double>(), probability);
}

double betaProbability(double a, double b, double x) {
    return boost::math::cdf(boost::math::beta_distribution<double>(a, b), x);
}

double betaQuantile(double a, double b, double p) {
    if (!(p >= 0 && p <= 1))
        throw Error("stats.probability",
                    "A quantile needs a probability from 0 to 1, given is " + numberText(p) + ".", "");
    return boost::math::quantile(boost::math::beta_distribution<double>(a, b), p);
}

Interval wilsonInterval(std::int64_t count, std::int64_t n, double confidence) {
    check(count, n, confidence);
    if (n == 0)
        return {};
    const double z = standardNormalQuantile(0.5 + confidence / 2);
    const auto size = static_cast<double>(n);
    const double p = static_cast<double>(count) / size, z2 = z * z;
    const double scale = 1 + z2 / size;
    const double centre = (p + z2 / (2 * size)) / scale;
    const double half = z / scale * std::sqrt(p * (1 - p) / size + z2 / (4 * size * size));
    // At 0 and n the closed form reaches the end exactly; rounding must not step over it.
    return {count == 0 ? 0 : std::max(0.0, centre - half), count == n ? 1 : std::min(1.0, centre + half)};
}

Interval clopperPearsonInterval(std::int64_t count, std::int64_t n, double confidence) {
    check(count, n, confidence);
    if (n == 0)
        return {};
    const auto k = static_cast<double>(count), rest = static_cast<double>(n - count);
    const double tail = (1 - confidence) / 2;
    Interval interval;
    if (count > 0)
        interval.low = betaQuantile(k, rest + 1, tail);
    if (count < n)
        interval.high = betaQuantile(k + 1, rest, 1 - tail);
    return interval;
}

} // namespace azimuth
