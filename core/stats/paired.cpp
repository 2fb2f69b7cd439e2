#include "core/stats/paired.h"

#include "core/base/error.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <string>

namespace azimuth {
namespace {

void check(const PairedCounts& counts) {
    if (std::min({counts.both, counts.onlyFirst, counts.onlySecond, counts.neither}) < 0 || counts.n() == 0)
        throw Error("stats.count",
                    "A paired comparison needs at least one pair and no negative count, given are " +
                        std::to_string(counts.both) + ", " + std::to_string(counts.onlyFirst) + ", " +
                        std::to_string(counts.onlySecond) + ", " + std::to_string(counts.neither) + ".",
                    "Check the stored labels.");
}

// Correlation of the two conditions. A positive one is shrunk by n/2 as method 10 says; 0 where a margin is
// empty.
double correctedPhi(const PairedCounts& counts) {
    const auto a = static_cast<double>(counts.both), b = static_cast<double>(counts.onlyFirst);
    const auto c = static_cast<double>(counts.onlySecond), d = static_cast<double>(counts.neither);
    const double root = std::sqrt((a + b) * (c + d) * (a + c) * (b + d));
    if (root == 0)
        return 0;
    const double product = a * d - b * c;
    return (product > 0 ? std::max(product - (a + b + c + d) / 2, 0.0) : product) / root;
}

double squareAndAdd(double first, double second, double phi) {
    return std::sqrt(std::max(0.0, first * first - 2 * phi * first * second + second * second));
}

} // namespace

void PairedCounts::add(bool inFirst, bool inSecond) {
    ++(inFirst ? (inSecond ? both : onlyFirst) : (inSecond ? onlySecond : neither));
}

PairedDifference pairedDifference(const PairedCounts& counts, double confidence) {
    check(counts);
    const auto n = static_cast<double>(counts.n());
    const double p1 = static_cast<double>(counts.first()) / n, p2 = static_cast<double>(counts.second()) / n;
    const auto w1 = wilsonInterval(counts.first(), counts.n(), confidence);
    const auto w2 = wilsonInterval(counts.second(), counts.n(), confidence);
    const double phi = correctedPhi(counts);
    const auto b = static_cast<double>(counts.onlyFirst), c = static_cast<double>(counts.onlySecond);
    PairedDifference difference;
    difference.value = (b - c) / n;
    difference.interval.low = std::max(-1.0, difference.value - squareAndAdd(p1 - w1.low, w2.high - p2, phi));
    difference.interval.high = std::min(1.0, difference.value + squareAndAdd(p2 - w2.low, w1.high - p1, phi));
    difference.standardError = std::sqrt(std::max(0.0, b + c - (b - c) * (b - c) / n)) / n;
    return difference;
}

double mcnemarExactP(const PairedCounts& counts) {
    check(counts);
    const auto discordant = static_cast<double>(counts.onlyFirst + counts.onlySecond);
    if (discordant == 0)
        return 1;
    const boost::math::binomial_distribution<double> half(discordant, 0.5);
    return std::min(
        1.0, 2 * boost::math::cdf(half, static_cast<double>(std::min(counts.onlyFirst, counts.onlySecond))));
}

double mcnemarMidP(const PairedCounts& counts) {
    check(counts);
    const auto discordant = static_cast<double>(counts.onlyFirst + counts.onlySecond);
    if (discordant == 0)
        return 1;
    const boost::math::binomial_distribution<double> half(discordant, 0.5);
    const auto smaller = static_cast<double>(std::min(counts.onlyFirst, counts.onlySecond));
    const double point = boost::math::pdf(half, smaller);
    if (counts.onlyFirst == counts.onlySecond)
        return 1 - point;
    return 2 * boost::math::cdf(half, smaller) - point;
}

} // namespace azimuth
