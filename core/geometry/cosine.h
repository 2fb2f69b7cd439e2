// Cosines between directions, and what chance gives. Accumulated in double. A vector of norm 0 (or one that
// is not finite) has no cosine: NaN, never 0. Pure functions, safe from any thread.
#pragma once

#include "core/base/array.h"

#include <cstdint>
#include <span>

namespace azimuth {

// Error geometry.width if the widths differ ("576 and 640").
double cosine(std::span<const float> a, std::span<const float> b);

// rows [n][d] -> [n][n], symmetric, 1 on the diagonal. Error geometry.shape unless rows has two axes.
ArrayD cosineMatrix(const ArrayF& rows);

// The null of two independent directions of width d, one of them uniform on the sphere: mean 0, variance 1/d
// exactly, c^2 from Beta(1/2, (d - 1)/2). Too narrow for real activations, which are anisotropic. Error
// geometry.width unless d >= 2.
struct IsotropicNull {
    explicit IsotropicNull(std::int64_t width);

    double standardDeviation() const;      // 1/sqrt(d)
    double z(double cosine) const;         // cosine in standard deviations
    double twoSidedP(double cosine) const; // P(|c| >= |cosine|), exact
    double critical(double p) const;       // the |c| that chance exceeds with probability p

private:
    double m_width;
};

} // namespace azimuth
