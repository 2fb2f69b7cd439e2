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
#include <ATen/ops/neg.h>
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

// f(value, round) of each element in float; `round` rounds to the element type. One scalar function whatever
// the element's place: vectorised loops of ATen treat the end of a piece otherwise, in other bits.
template <class Function> at::Tensor eachElement(const at::Tensor& given, const Function& f) {
    const at::Tensor x = given.contiguous();
    const at::Tensor out = at::empty_like(x);
    const auto run = [&]<class T>(T* to, const T* from) {
        const auto round = [](float value) { return static_cast<float>(static_cast<T>(value)); };
        parallelFor(0, x.numel(), grainElements / 8, [&](std::int64_t first, std::int64_t last) {
            for (auto i = first; i < last; ++i)
                to[i] = static_cast<T>(f(static_cast<float>(from[i]), round));
        });
    };
    if (x.scalar_type() == at::kFloat)
        run(out.mutable_data_ptr<float>(), x.const_data_ptr<float>());
    else
        run(out.mutable_data_ptr<at::BFloat16>(), x.const_data_ptr<at::BFloat16>());
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

at::Tensor activate(const at::Tensor& x, Activation activation, bool geluInSteps) {
    if (usesKernels(x))
        switch (activation) {
        case Activation::Silu:
            return eachElement(x, [](float v, auto) { return v / (1 + std::exp(-v)); });
        case Activation::GeluTanh:
            if (geluInSteps)
                return eachElement(x, [](float v, auto round) {
                    const float inner = round(v + round(0.044715f * round(v * v * v)));
                    return round(0.5f * v) * round(1 + round(std::tanh(round(0.7978845608f * inner))));
                });
            return eachElement(x, [](float v, auto) {
                return 0.5f * v * (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v)));
            });
        case Activation::GeluErf:
            return eachElement(x, [](float v, auto) { return 0.5f * v * (1 + std::erf(v * 0.7071067812f)); });
        }
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
    if (!usesKernels(x) || !x.is_contiguous())
        return at::tanh(x / cap) * cap;
    const auto limit = static_cast<float>(cap);
    return eachElement(x,
                       [limit](float v, auto round) { return round(std::tanh(round(v / limit))) * limit; });
}

at::Tensor gate(const at::Tensor& x, Activation activation) {
    const std::int64_t tokens = x.size(0), width = x.size(1) / 2;
    if (!usesKernels(x) || !x.is_contiguous() || activation == Activation::GeluErf)
        return activate(x.narrow(1, 0, width), activation) * x.narrow(1, width, width);
    at::Tensor out = at::empty({tokens, width}, x.options());
    const auto kind = activation == Activation::Silu ? cpu::Gate::Silu : cpu::Gate::GeluTanh;
    onElements(x, [&](const auto* from) {
        auto* to = static_cast<std::remove_const_t<std::remove_pointer_t<decltype(from)>>*>(out.data_ptr());
        parallelFor(0, tokens, grain(4 * width), [&](std::int64_t first, std::int64_t last) {
            cpu::gated(to, from, width, kind, first, last);
        });
    });
    return out;
}

} // namespace azimuth::operations
