#include "core/engine/generate/sampler.h"

#include "core/base/error.h"
#include "core/engine/generate/philox.h"
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/parallel.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace azimuth {
namespace {

// -1: nothing finite is the largest.
std::int32_t largest(const float* logits, std::int64_t count) {
    const auto best = cpu::largest(logits, count);
    return best >= 0 && std::isfinite(logits[best]) ? static_cast<std::int32_t>(best) : -1;
}

// Indices in falling order of logits, lower index first on ties, cut by top-k and top-p.
std::vector<std::int32_t> kept(const float* logits, const std::vector<double>& weight,
                               const Decoding& decoding) {
    std::vector<std::int32_t> order(weight.size());
    std::iota(order.begin(), order.end(), 0);
    const auto before = [&](std::int32_t a, std::int32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    };
    if (decoding.topK > 0 && decoding.topK < static_cast<std::int64_t>(order.size())) {
        const auto last = order.begin() + (decoding.topK - 1);
        std::nth_element(order.begin(), last, order.end(), before);
        const float threshold = logits[*last];
        std::erase_if(order, [&](std::int32_t id) { return !(logits[id] >= threshold); });
    }
    if (decoding.topP >= 1)
        return order;
    std::sort(order.begin(), order.end(), before);
    const double total = std::accumulate(order.begin(), order.end(), 0.0, [&](double sum, std::int32_t id) {
        return sum + weight[static_cast<std::size_t>(id)];
    });
    double preceding = 0;
    std::size_t count = 0;
    while (count < order.size() && (count == 0 || preceding < decoding.topP * total))
        preceding += weight[static_cast<std::size_t>(order[count++])];
    order.resize(count);
    return order;
}

std::int32_t draw(const float* logits, std::int64_t count, const Decoding& decoding, double uniform) {
    const auto best = largest(logits, count);
    if (best < 0)
        return -1;
    std::vector<double> weight(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
        weight[static_cast<std::size_t>(i)] = std::exp(
            (static_cast<double>(logits[i]) - static_cast<double>(logits[best])) / decoding.temperature);
    auto ids = kept(logits, weight, decoding);
    std::sort(ids.begin(), ids.end());
    double total = 0;
    for (const auto id : ids)
        total += weight[static_cast<std::size_t>(id)];
    double sum = 0;
    for (const auto id : ids) {
        sum += weight[static_cast<std::size_t>(id)];
        if (sum > uniform * total)
            return id;
    }
    return best;
}

} // namespace

double uniformOf(std::uint64_t seed, const SampleRow& row) {
    const auto step = static_cast<std::uint64_t>(row.step);
    const auto word = [](std::uint64_t value, int half) {
        return static_cast<std::uint32_t>(value >> (32 * half));
    };
    const auto random = philox({word(step, 0), word(step, 1), word(row.key, 0), word(row.key, 1)},
                               {word(seed, 0), word(seed, 1)});
    const std::uint64_t bits = (std::uint64_t{random[0]} << 32) | random[1];
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

std::vector<std::int32_t> sampleTokens(const at::Tensor& logits, std::span<const SampleRow> rows,
                                       const Decoding& decoding) {
    const at::Tensor host = logits.to(at::kCPU).contiguous();
    const std::int64_t count = host.size(1);
    const float* values = host.const_data_ptr<float>();
    std::vector<std::int32_t> result(rows.size());
    parallelFor(0, static_cast<std::int64_t>(rows.size()), 1, [&](std::int64_t first, std::int64_t last) {
        for (auto i = first; i < last; ++i) {
            const auto& row = rows[static_cast<std::size_t>(i)];
            result[static_cast<std::size_t>(i)] =
                decoding.temperature > 0
                    ? draw(values + i * count, count, decoding, uniformOf(decoding.seed, row))
                    : largest(values + i * count, count);
        }
    });
    if (std::find(result.begin(), result.end(), -1) != result.end())
        throw Error("generate.nonfinite", "The model's output is not finite any more.",
                    "The strength is far too large for this model; choose a smaller one.");
    return result;
}

} // namespace azimuth
