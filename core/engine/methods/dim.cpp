#include "core/engine/methods/dim.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace azimuth {
namespace {

double median(std::vector<double> values) {
    if (values.empty())
        return std::numeric_limits<double>::quiet_NaN();
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1)
        return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

class Means {
public:
    Means(std::int64_t positions, std::int64_t ks, std::int64_t width)
        : m_positions(positions), m_ks(ks), m_width(width), m_norms(static_cast<std::size_t>(positions * ks)) {
        for (auto& sum : m_sums)
            sum.assign(static_cast<std::size_t>(positions * ks * width), 0.0);
    }

    void add(bool positive, std::int64_t k, const at::Tensor& rows) {
        auto& sums = m_sums[positive ? 1 : 0];
        const float* values = rows.const_data_ptr<float>();
        for (std::int64_t p = 0; p < m_positions; ++p) {
            double* sum = sums.data() + (p * m_ks + k) * m_width;
            double square = 0;
            for (std::int64_t i = 0; i < m_width; ++i) {
                const double value = values[p * m_width + i];
                sum[i] += value;
                square += value * value;
            }
            m_norms[static_cast<std::size_t>(p * m_ks + k)].push_back(std::sqrt(square));
        }
        if (k + 1 == m_ks)
            ++m_counts[positive ? 1 : 0];
    }

    std::int64_t count() const { return m_counts[0] + m_counts[1]; }

    double difference(std::int64_t cell, std::int64_t i) const {
        const auto at = static_cast<std::size_t>(cell * m_width + i);
        return m_sums[1][at] / static_cast<double>(m_counts[1]) - m_sums[0][at] / static_cast<double>(m_counts[0]);
    }
    double norm(std::int64_t cell) const { // NaN while a class is empty
        if (m_counts[0] == 0 || m_counts[1] == 0)
            return std::numeric_limits<double>::quiet_NaN();
        double square = 0;
        for (std::int64_t i = 0; i < m_width; ++i)
            square += difference(cell, i) * difference(cell, i);
        return std::sqrt(square);
    }

    ArrayD rawNorms() const {
        return cells([&](std::int64_t cell) { return norm(cell); });
    }
    ArrayD medianNorms() const {
        return cells([&](std::int64_t cell) { return median(m_norms[static_cast<std::size_t>(cell)]); });
    }
    ArrayD relativeNorms() const {
        return cells([&](std::int64_t cell) { return norm(cell) / median(m_norms[static_cast<std::size_t>(cell)]); });
    }
    ArrayF raw() const {
        std::vector<float> values(static_cast<std::size_t>(m_positions * m_ks * m_width));
        for (std::int64_t cell = 0; cell < m_positions * m_ks; ++cell)
            for (std::int64_t i = 0; i < m_width; ++i)
                values[static_cast<std::size_t>(cell * m_width + i)] = static_cast<float>(difference(cell, i));
        return ArrayF({m_positions, m_ks, m_width}, std::move(values));
    }

private:
    template <class F> ArrayD cells(const F& value) const {
        std::vector<double> values;
        for (std::int64_t cell = 0; cell < m_positions * m_ks; ++cell)
            values.push_back(value(cell));
        return ArrayD({m_positions, m_ks}, std::move(values));
    }

    std::int64_t m_positions, m_ks, m_width;
    std::vector<double> m_sums[2]; // negative, positive: [position][k][d]
    std::vector<std::vector<double>> m_norms; // [position][k][prompt]
    std::int64_t m_counts[2] = {0, 0};
};

std::vector<CaptureRequest> requestsOf(const DimRequest& request) {
    std::vector<CaptureRequest> result;
    for (const auto* prompts : {&request.positive, &request.negative}) {
        const char* name = prompts == &request.positive ? "positive" : "negative";
        if (prompts->empty())
            throw Error("dim.prompts", std::string("There is no ") + name + " prompt.", "Add prompts of both classes.");
        for (std::size_t i = 0; i < prompts->size(); ++i) {
            const auto length = static_cast<std::int64_t>((*prompts)[i].size());
            if (request.positions < 1 || length < request.positions)
                throw Error("dim.prompts",
                            "The " + std::string(name) + " prompt " + std::to_string(i) + " has " +
                                std::to_string(length) + " tokens; " + std::to_string(request.positions) +
                                " positions were asked for.",
                            "Use longer prompts or fewer positions.");
            CaptureRequest capture{(*prompts)[i], {}};
            for (auto p = length - request.positions; p < length; ++p)
                capture.positions.push_back(p);
            result.push_back(std::move(capture));
        }
    }
    return result;
}

} // namespace

std::uint64_t differenceInMeansBytes(const ArchitectureSpec& spec, std::int64_t positions,
                                     std::int64_t prompts) {
    const auto cells = static_cast<std::uint64_t>(positions * (spec.blocks + 1));
    constexpr std::uint64_t perElement = 2 * sizeof(double) + sizeof(float);
    constexpr std::uint64_t perNorm = 2 * sizeof(double); // a growing vector has room for twice its values
    return cells * (static_cast<std::uint64_t>(spec.width) * perElement +
                    static_cast<std::uint64_t>(prompts) * perNorm);
}

DimResult differenceInMeans(const Decoder& decoder, const DimRequest& request, const CaptureProgress& progress,
                            const DimPartial& partial) {
    const auto requests = requestsOf(request);
    const auto positives = static_cast<std::int64_t>(request.positive.size());
    CaptureOptions options;
    options.tokenBudget = request.tokenBudget;
    options.note = request.note;
    options.ks.resize(static_cast<std::size_t>(decoder.spec().blocks) + 1);
    std::iota(options.ks.begin(), options.ks.end(), std::int64_t{0});
    Means means(request.positions, decoder.spec().blocks + 1, decoder.spec().width);
    capture(
        decoder, requests, options,
        [&](std::int64_t index, std::int64_t k, const at::Tensor& rows) { means.add(index < positives, k, rows); },
        [&](std::int64_t done, std::int64_t total) {
            if (partial && done > 0 && done < total)
                partial(means.relativeNorms(), means.count());
            return !progress || progress(done, total);
        });

    DimResult result;
    for (auto p = -request.positions; p < 0; ++p)
        result.positions.push_back(static_cast<std::int32_t>(p));
    result.positiveCount = positives;
    result.negativeCount = static_cast<std::int64_t>(request.negative.size());
    result.raw = means.raw();
    result.rawNorm = means.rawNorms();
    result.medianNorm = means.medianNorms();
    for (const double norm : result.rawNorm.values())
        if (!std::isfinite(norm))
            throw Error("dim.nonfinite", "The difference in means is not finite.",
                        "The model overflows at this precision; use fp32 or bf16.");
    return result;
}

} // namespace azimuth
