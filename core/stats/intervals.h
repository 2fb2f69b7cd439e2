// Intervals of one proportion count / n. Values lie in 0..1; pure functions, safe from any thread.
// Error stats.count unless 0 <= count <= n, stats.confidence unless 0 < confidence < 1.
#pragma once

#include <cstdint>

namespace azimuth {

struct Interval {
    double low = 0, high = 1;
};

// Quantile of the standard normal distribution; 0 < probability < 1.
double standardNormalQuantile(double probability);

// Distribution function of Beta(a, b) at x in 0..1, and its inverse; a, b > 0. Error stats.probability for p
// outside 0..1.
double betaProbability(double a, double b, double x);
double betaQuantile(double a, double b, double p);

// Wilson (1927), JASA 22:209; never the Wald interval. n = 0 knows nothing: 0 to 1.
Interval wilsonInterval(std::int64_t count, std::int64_t n, double confidence = 0.95);

// Clopper and Pearson (1934), Biometrika 26:404: at least the nominal coverage.
Interval clopperPearsonInterval(std::int64_t count, std::int64_t n, double confidence = 0.95);

} // namespace azimuth
