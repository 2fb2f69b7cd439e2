#include "core/engine/model/rope_table.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/sin.h>
#include <ATen/TensorOperators.h>

namespace azimuth {

RopeTable::RopeTable(const RopeParameters& spec, std::int64_t positions, at::ScalarType compute, at::Device device)
    : half(spec.width / 2) {
    if (half == 0)
        return;
    at::Tensor exponents = at::arange(0, spec.width, 2, at::kLong).to(at::kFloat);
    exponents = exponents / static_cast<double>(spec.width);
    at::Tensor frequencies = at::reciprocal(at::pow(spec.theta, exponents));
    if (spec.scaling == RopeScaling::Linear)
        frequencies = frequencies / spec.factor;
    if (!spec.divisors.empty()) {
        auto divisors = spec.divisors;
        frequencies = frequencies / at::from_blob(divisors.data(), {half}, at::kDouble).to(at::kFloat);
    }
    const at::Tensor angles =
        at::arange(positions, at::kLong).to(at::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
    const auto rounded = [&](const at::Tensor& table) {
        return (table * spec.attentionFactor).to(compute).to(at::kFloat).to(device).contiguous();
    };
    cosine = rounded(at::cos(angles));
    sine = rounded(at::sin(angles));
}

} // namespace azimuth
