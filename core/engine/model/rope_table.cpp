#include "core/engine/model/rope_table.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/TensorOperators.h>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace azimuth {
namespace {

at::Tensor floats(const std::vector<double>& values) { return at::tensor(values, at::kDouble).to(at::kFloat); }

at::Tensor exponents(const RopeParameters& p, at::Device device = at::kCPU) {
    const at::Tensor even = at::arange(0, p.width, 2, at::TensorOptions().dtype(at::kLong).device(device));
    return even.to(at::kFloat) / static_cast<double>(p.width);
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

// [tokens, 1] or of one length: the base grows with sequences beyond the original context.
at::Tensor dynamicBase(const RopeParameters& p, const at::Tensor& length) {
    const auto context = static_cast<double>(p.originalContext), width = static_cast<double>(p.width);
    const at::Tensor longer = length.to(at::kFloat).clamp_min(context);
    return p.theta * at::pow(p.factor * longer / context - (p.factor - 1), width / (width - 2));
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
        frequencies = at::reciprocal(at::pow(dynamicBase(p, at::tensor(length, at::kLong)), exponents(p)));
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

std::shared_ptr<const RopeTable> RotaryEmbedding::tableOf(const at::Tensor& angles) const {
    auto table = std::make_shared<RopeTable>();
    table->half = m_parameters.width / 2;
    table->type = m_type;
    const auto rounded = [&](const at::Tensor& values) {
        return (values * m_parameters.attentionFactor).to(m_type).to(at::kFloat).to(m_device).contiguous();
    };
    table->cosine = rounded(at::cos(angles));
    table->sine = rounded(at::sin(angles));
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

RopeRows RotaryEmbedding::dynamicRows(const PackedBatch& batch) const {
    const at::Tensor base = dynamicBase(m_parameters, batch.lengths().unsqueeze(1));
    const at::Tensor frequencies = at::reciprocal(at::pow(base, exponents(m_parameters, m_device).unsqueeze(0)));
    const at::Tensor angles = batch.positions().to(at::kFloat).unsqueeze(1) * frequencies;
    return {tableOf(angles), at::arange(batch.tokens(), at::TensorOptions().dtype(at::kLong).device(m_device))};
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
