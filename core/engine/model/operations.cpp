#include "core/engine/model/operations.h"

#include "core/base/error.h"
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/parallel.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/TensorOperators.h>
#include <cmath>

namespace azimuth::operations {
namespace {

// Below this many elements one thread does all.
constexpr std::int64_t grainElements = 16384;

std::int64_t grain(std::int64_t elementsPerItem) {
    return std::max<std::int64_t>(1, grainElements / std::max<std::int64_t>(1, elementsPerItem));
}

template <class Body> void onElements(const at::Tensor& x, const Body& body) {
    if (x.scalar_type() == at::kFloat)
        body(static_cast<float*>(x.data_ptr()));
    else
        body(static_cast<cpu::Bfloat16*>(x.data_ptr()));
}

// kernel(to, from, first, last) over all elements, in pieces.
template <class Kernel> at::Tensor eachElement(const at::Tensor& given, const Kernel& kernel) {
    const at::Tensor x = given.contiguous();
    const at::Tensor out = at::empty_like(x);
    onElements(x, [&](const auto* from) {
        auto* to = static_cast<std::remove_const_t<std::remove_pointer_t<decltype(from)>>*>(out.data_ptr());
        parallelFor(0, x.numel(), grainElements / 4,
                    [&](std::int64_t first, std::int64_t last) { kernel(to, from, first, last); });
    });
    return out;
}

at::Tensor normaliseByOperations(const at::Tensor& x, const Norm& norm, const ArchitectureSpec& spec) {
    const at::Tensor wide = x.to(at::kFloat);
    if (spec.norm == NormKind::Layer)
        return at::layer_norm(wide, {x.size(-1)}, norm.weight, norm.bias, spec.normEpsilon)
            .to(x.scalar_type());
    const at::Tensor scaled = wide * at::rsqrt(wide.square().mean(-1, true) + spec.normEpsilon);
    if (spec.normRounding == NormRounding::CastThenScale)
        return norm.weight.to(x.scalar_type()) * scaled.to(x.scalar_type());
    return (scaled * norm.weight).to(x.scalar_type());
}

at::Tensor normaliseInto(const at::Tensor& out, const at::Tensor& x, const Norm& norm,
                         const ArchitectureSpec& spec) {
    cpu::NormArguments arguments;
    arguments.width = x.size(-1);
    arguments.rows = x.numel() / arguments.width;
    arguments.outer = x.dim() == 3 ? x.size(1) : 1;
    arguments.outerStride = x.stride(0);
    arguments.epsilon = static_cast<float>(spec.normEpsilon);
    arguments.castThenScale = spec.normRounding == NormRounding::CastThenScale;
    const float* weight = norm.weight.const_data_ptr<float>();
    onElements(x, [&](auto* from) {
        auto* to = static_cast<decltype(from)>(out.data_ptr());
        parallelFor(0, arguments.rows, grain(arguments.width), [&](std::int64_t first, std::int64_t last) {
            cpu::rmsNorm(to, from, weight, arguments, first, last);
        });
    });
    return out;
}

bool normKernel(const at::Tensor& x, const ArchitectureSpec& spec) {
    return usesKernels(x) && spec.norm == NormKind::Rms && x.stride(-1) == 1 &&
           (x.dim() == 2 || (x.dim() == 3 && x.stride(1) == x.size(2)));
}

} // namespace

bool usesKernels(const at::Tensor& x) {
    return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
           !at::GradMode::is_enabled();
}

at::Tensor normalise(const at::Tensor& x, const Norm& norm, const ArchitectureSpec& spec) {
    if (!normKernel(x, spec) || !x.is_contiguous())
        return normaliseByOperations(x, norm, spec);
    return normaliseInto(at::empty_like(x), x, norm, spec);
}

at::Tensor normaliseInPlace(const at::Tensor& x, const Norm& norm, const ArchitectureSpec& spec) {
    if (!normKernel(x, spec))
        return normaliseByOperations(x, norm, spec);
    return normaliseInto(x, x, norm, spec);
}

ProductInput normalisedFor(const LinearWeight& weight, const at::Tensor& x, const Norm& norm,
                           const ArchitectureSpec& spec) {
    if (!normKernel(x, spec) || !weight.fuses(x))
        return {normalise(x, norm, spec), {}, 0, false};
    return {x, norm.weight, static_cast<float>(spec.normEpsilon),
            spec.normRounding == NormRounding::CastThenScale};
}

at::Tensor rotate(const at::Tensor& x, const RopeTable& table, const at::Tensor& rows) {
    if (table.half == 0)
        return x;
    if (x.scalar_type() != table.type)
        return rotate(x.to(table.type), table, rows).to(x.scalar_type());
    const std::int64_t tokens = x.size(0), heads = x.size(1), headWidth = x.size(2), half = table.half;
    if (usesKernels(x) && x.stride(2) == 1 && x.stride(1) == headWidth) {
        onElements(x, [&](auto* from) {
            parallelFor(0, tokens, grain(heads * headWidth), [&](std::int64_t first, std::int64_t last) {
                cpu::rotate(from, x.stride(0), heads, headWidth, half, rows.const_data_ptr<std::int64_t>(),
                            table.cosine.const_data_ptr<float>(), table.sine.const_data_ptr<float>(), first,
                            last);
            });
        });
        return x;
    }
    const at::Tensor cosine = table.cosine.index_select(0, rows).to(x.scalar_type()).unsqueeze(1);
    const at::Tensor sine = table.sine.index_select(0, rows).to(x.scalar_type()).unsqueeze(1);
    const at::Tensor low = x.narrow(2, 0, half), high = x.narrow(2, half, half);
    std::vector<at::Tensor> parts{low * cosine - high * sine, high * cosine + low * sine};
    if (2 * half < headWidth)
        parts.push_back(x.narrow(2, 2 * half, headWidth - 2 * half));
    return at::cat(parts, 2);
}

cpu::Activation kernelOf(Activation activation, bool geluInSteps) {
    switch (activation) {
    case Activation::Silu:
        return cpu::Activation::Silu;
    case Activation::GeluTanh:
        return geluInSteps ? cpu::Activation::GeluTanhInSteps : cpu::Activation::GeluTanh;
    case Activation::GeluErf:
        break;
    }
    return cpu::Activation::GeluErf;
}

at::Tensor activate(const at::Tensor& x, Activation activation, bool geluInSteps) {
    if (usesKernels(x))
        return eachElement(
            x, [kind = kernelOf(activation, geluInSteps)](auto* to, const auto* from, auto... range) {
                cpu::activate(to, from, kind, range...);
            });
    switch (activation) {
    case Activation::Silu:
        return at::silu(x);
    case Activation::GeluTanh:
        if (geluInSteps)
            return 0.5 * x * (1.0 + at::tanh(0.7978845608028654 * (x + 0.044715 * at::pow(x, 3.0))));
        return at::gelu(x, "tanh");
    case Activation::GeluErf:
        break;
    }
    return at::gelu(x, "none");
}

at::Tensor softCap(const at::Tensor& x, double cap) {
    if (!usesKernels(x))
        return at::tanh(x / cap) * cap;
    return eachElement(x, [cap = static_cast<float>(cap)](auto* to, const auto* from, auto... range) {
        cpu::softCap(to, from, cap, range...);
    });
}

} // namespace azimuth::operations
