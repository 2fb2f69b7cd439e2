#include "core/geometry/cosine.h"

#include "core/base/error.h"
#include "core/stats/intervals.h"

#include <algorithm>
#include <cmath>
#include <Eigen/Core>
#include <limits>
#include <string>

namespace azimuth {
namespace {
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
}

double cosine(std::span<const float> a, std::span<const float> b) {
    if (a.size() != b.size())
        throw Error("geometry.width",
                    "A cosine needs equal widths, given are " + std::to_string(a.size()) + " and " +
                        std::to_string(b.size()) + ".",
                    "Compare directions of models of equal width.");
    double dot = 0, squareA = 0, squareB = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], y = b[i];
        dot += x * y;
        squareA += x * x;
        squareB += y * y;
    }
    const double norms = std::sqrt(squareA) * std::sqrt(squareB);
    return norms > 0 && std::isfinite(norms) ? std::clamp(dot / norms, -1.0, 1.0) : nothing;
}

ArrayD cosineMatrix(const ArrayF& rows) {
    if (rows.shape().size() != 2)
        throw Error("geometry.shape",
                    "A cosine matrix needs rows [n][d], given are " + std::to_string(rows.shape().size()) +
                        " axes.",
                    "");
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto n = rows.extent(0), width = rows.extent(1);
    Matrix unit = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                      rows.data(), n, width)
                      .cast<double>();
    std::vector<bool> points(static_cast<std::size_t>(n));
    for (Eigen::Index i = 0; i < n; ++i) {
        const double norm = unit.row(i).norm();
        points[static_cast<std::size_t>(i)] = norm > 0 && std::isfinite(norm);
        if (points[static_cast<std::size_t>(i)])
            unit.row(i) /= norm;
    }
    const Matrix product = unit * unit.transpose();
    std::vector<double> values(static_cast<std::size_t>(n * n), nothing);
    for (Eigen::Index i = 0; i < n; ++i)
        for (Eigen::Index j = 0; j < n; ++j)
            if (points[static_cast<std::size_t>(i)] && points[static_cast<std::size_t>(j)]) {
                const double value = std::clamp(product(std::min(i, j), std::max(i, j)), -1.0, 1.0);
                values[static_cast<std::size_t>(i * n + j)] = i == j ? 1.0 : value;
            }
    return ArrayD({n, n}, std::move(values));
}

IsotropicNull::IsotropicNull(std::int64_t width) : m_width(static_cast<double>(width)) {
    if (width < 2)
        throw Error(
            "geometry.width",
            "A null distribution needs a width of at least 2, given is " + std::to_string(width) + ".", "");
}

double IsotropicNull::standardDeviation() const { return 1 / std::sqrt(m_width); }
double IsotropicNull::z(double cosine) const { return cosine * std::sqrt(m_width); }

double IsotropicNull::twoSidedP(double cosine) const {
    if (!std::isfinite(cosine))
        return nothing;
    const double square = std::min(1.0, cosine * cosine);
    return betaProbability((m_width - 1) / 2, 0.5, 1 - square);
}

double IsotropicNull::critical(double p) const {
    return std::sqrt(1 - betaQuantile((m_width - 1) / 2, 0.5, p));
}

} // namespace azimuth
