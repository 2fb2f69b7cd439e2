#include "core/engine/model/rope_table.h"

#include "core/engine/model/parallel.h"

#include <algorithm>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/TensorOperators.h>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

namespace azimuth {
namespace {

at::Tensor floats(const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).to(at::kFloat);
}

at::Tensor exponents(const RopeParameters& p) {
    return at::arange(0, p.width, 2, at::kLong).to(at::kFloat) / static_cast<double>(p.width);
}

at::Tensor llama3(const RopeParameters& p, const at::Tensor& plain) {
    const auto context = static_cast<double>(p.originalContext);
    const double longest = context / p.lowFrequencyFactor, shortest = context / p.highFrequencyFactor;
    const at::Tensor length = at::reciprocal(plain) * (2 * std::numbers::pi);
    const at::Tensor outer = at::where(length > longest, plain / p.factor, plain);
    const at::Tensor smooth = (at::reciprocal(length) * context - p.lowFrequencyFactor) /
                              (p.highFrequencyFactor - p.lowFrequencyFactor);
    const at::Tensor between = (1 - smooth) * outer / p.factor + smooth * outer;
    return at::where((length < shortest).logical_or(length > longest), outer, between);
}

at::Tensor yarn(const RopeParameters& p) {
    const auto correction = [&](double rotations) {
        return static_cast<double>(p.width) *
               std::log(static_cast<double>(p.originalContext) / (rotations * 2 * std::numbers::pi)) /
               (2 * std::log(p.theta));
    };
    double low = correction(p.betaFast), high = correction(p.betaSlow);
    if (p.truncate) {
        low = std::floor(low);
        high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(p.width - 1));
    if (low == high)
        high += 0.001;
    const at::Tensor index = at::arange(p.width / 2, at::kLong).to(at::kFloat);
    const at::Tensor kept = 1 - at::clamp((index - low) / (high - low), 0, 1);
    const at::Tensor powers = at::pow(p.theta, exponents(p));
    return at::reciprocal(p.factor * powers) * (1 - kept) + at::reciprocal(powers) * kept;
}

// The base grows with sequences beyond the original context.
at::Tensor dynamicBase(const RopeParameters& p, std::int64_t length) {
    const auto context = static_cast<double>(p.originalContext), width = static_cast<double>(p.width);
    const at::Tensor tokens = at::tensor(length, at::kLong).to(at::kFloat);
    return p.theta * at::pow(p.factor * tokens / context - (p.factor - 1), width / (width - 2));
}

} // namespace

at::Tensor ropeFrequencies(const RopeParameters& p, std::int64_t length) {
    const bool isLong = length > p.originalContext;
    if (p.scaling == RopeScaling::Longrope)
        return at::reciprocal(floats(isLong ? p.longDivisors : p.divisors) * at::pow(p.theta, exponents(p)));
    if (p.scaling == RopeScaling::Yarn)
        return yarn(p);
    at::Tensor frequencies;
    if (p.scaling == RopeScaling::Dynamic && isLong)
        frequencies = at::reciprocal(at::pow(dynamicBase(p, length), exponents(p)));
    else
        frequencies = at::reciprocal(at::pow(p.theta, exponents(p)));
    if (p.scaling == RopeScaling::Linear)
        frequencies = frequencies / p.factor;
    if (p.scaling == RopeScaling::Llama3)
        frequencies = llama3(p, frequencies);
    if (!p.divisors.empty())
        frequencies = frequencies / floats(p.divisors);
    return frequencies;
}

RotaryEmbedding::RotaryEmbedding(RopeParameters parameters, std::int64_t contextLength, at::ScalarType type,
                                 at::Device device)
    : m_parameters(std::move(parameters)), m_contextLength(contextLength), m_type(type), m_device(device) {}

// One scalar function for every element, so that a token's bits do not depend on the size of the table.
std::shared_ptr<const RopeTable> RotaryEmbedding::tableOf(const at::Tensor& angles) const {
    const at::Tensor given = angles.contiguous();
    at::Tensor cosine = at::empty_like(given), sine = at::empty_like(given);
    const float* from = given.const_data_ptr<float>();
    float *toCosine = cosine.mutable_data_ptr<float>(), *toSine = sine.mutable_data_ptr<float>();
    parallelFor(0, given.numel(), 4096, [&](std::int64_t first, std::int64_t last) {
        for (auto i = first; i < last; ++i) {
            toCosine[i] = std::cos(from[i]);
            toSine[i] = std::sin(from[i]);
        }
    });
    auto table = std::make_shared<RopeTable>();
    table->half = m_parameters.width / 2;
    table->type = m_type;
    const auto rounded = [&](const at::Tensor& values) {
        return (values * m_parameters.attentionFactor).to(m_type).to(at::kFloat).to(m_device).contiguous();
    };
    table->cosine = rounded(cosine);
    table->sine = rounded(sine);
    return table;
}

// Called with the mutex held.
std::shared_ptr<const RopeTable> RotaryEmbedding::grown(std::int64_t needed) const {
    if (m_table && m_positions >= needed)
        return m_table;
    m_positions = std::min(std::max(m_contextLength, needed), std::max<std::int64_t>(2 * needed, 1024));
    const at::Tensor positions = at::arange(m_positions, at::kLong).to(at::kFloat).unsqueeze(1);
    at::Tensor angles = positions * ropeFrequencies(m_parameters, 0).unsqueeze(0);
    if (m_parameters.scaling == RopeScaling::Longrope) {
        const auto beyond = m_parameters.originalContext + 1;
        angles = at::cat({angles, positions * ropeFrequencies(m_parameters, beyond).unsqueeze(0)});
    }
    m_table = tableOf(angles);
    return m_table;
}

// A row for each token: sequences differ in their frequencies.
RopeRows RotaryEmbedding::dynamicRows(const PackedBatch& batch) const {
    std::map<std::int64_t, at::Tensor> ofLength;
    std::vector<at::Tensor> angles;
    for (const auto& sequence : batch.sequences()) {
        const auto length = sequence.start + sequence.length;
        auto& frequencies = ofLength[length];
        if (!frequencies.defined())
            frequencies = ropeFrequencies(m_parameters, length).unsqueeze(0);
        angles.push_back(at::arange(sequence.start, length, at::kLong).to(at::kFloat).unsqueeze(1) *
                         frequencies);
    }
    return {tableOf(at::cat(angles)),
            at::arange(batch.tokens(), at::TensorOptions().dtype(at::kLong).device(m_device))};
}

RopeRows RotaryEmbedding::rowsOf(const PackedBatch& batch) const {
    if (m_parameters.width == 0)
        return {std::make_shared<const RopeTable>(), batch.positions()};
    const at::NoGradGuard noGrad;
    const bool beyond = batch.longest() > m_parameters.originalContext;
    if (m_parameters.scaling == RopeScaling::Dynamic && beyond)
        return dynamicRows(batch);
    const std::lock_guard lock(m_mutex);
    RopeRows rows{grown(batch.longest()), batch.positions()};
    if (m_parameters.scaling == RopeScaling::Longrope && beyond)
        rows.row = rows.row + (batch.lengths() > m_parameters.originalContext).to(at::kLong) * m_positions;
    return rows;
}

} // namespace azimuth
