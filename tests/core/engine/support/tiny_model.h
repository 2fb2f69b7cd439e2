// Small models with random weights, and float comparisons of tensors.
#pragma once

#include "core/engine/model/decoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth::tiny {

// Grouped heads, a head width that is not the width / heads.
inline ArchitectureSpec sizes(const std::string& family) {
    ArchitectureSpec spec;
    spec.family = family;
    spec.blocks = 4;
    spec.width = 48;
    spec.feedForward = 80;
    spec.heads = 4;
    spec.keyValueHeads = 2;
    spec.headWidth = 16;
    spec.vocabulary = 101;
    spec.contextLength = 256;
    spec.attentionScale = 0.25;
    spec.rope.width = spec.windowRope.width = 16;
    return spec;
}

// Gemma 3's arithmetic with a window of 7 tokens.
inline ArchitectureSpec gemma3() {
    auto spec = sizes("gemma3");
    spec.normRounding = NormRounding::ScaleThenCast;
    spec.normWeightOffset = 1;
    spec.normEpsilon = 1e-6;
    spec.postNorm = true;
    spec.queryKeyNorm = QueryKeyNorm::PerHead;
    spec.activation = Activation::GeluTanh;
    spec.embeddingScale = 6.928203230275509; // sqrt(48)
    spec.attentionScale = 0.2041241452319315; // 24^-0.5
    spec.window = 7;
    spec.windowed = {true, true, false, true};
    spec.rope.theta = 1e6;
    spec.rope.scaling = RopeScaling::Linear;
    spec.rope.factor = 8;
    spec.windowRope.theta = 1e4;
    return spec;
}

inline Weights randomWeights(const ArchitectureSpec& spec, std::uint64_t seed) {
    auto generator = at::detail::createCPUGenerator(seed);
    Weights weights;
    const auto matrix = [&](const std::string& name, std::int64_t out, std::int64_t in) {
        weights[name] = at::randn({out, in}, generator, at::TensorOptions().dtype(at::kFloat)) * 0.12;
    };
    const auto norm = [&](const std::string& name, std::int64_t width) {
        weights[name] = at::randn({width}, generator, at::TensorOptions().dtype(at::kFloat)) * 0.3 +
                        (1 - spec.normWeightOffset);
    };
    matrix("embed.weight", spec.vocabulary, spec.width);
    norm("norm.weight", spec.width);
    if (!spec.tiedHead)
        matrix("head.weight", spec.vocabulary, spec.width);
    for (std::int64_t b = 0; b < spec.blocks; ++b) {
        const std::string prefix = "blocks." + std::to_string(b) + ".";
        norm(prefix + "attention.norm.weight", spec.width);
        matrix(prefix + "attention.q.weight", spec.queryWidth(), spec.width);
        matrix(prefix + "attention.k.weight", spec.keyValueWidth(), spec.width);
        matrix(prefix + "attention.v.weight", spec.keyValueWidth(), spec.width);
        matrix(prefix + "attention.o.weight", spec.width, spec.queryWidth());
        if (spec.queryKeyNorm == QueryKeyNorm::PerHead) {
            norm(prefix + "attention.q_norm.weight", spec.headWidth);
            norm(prefix + "attention.k_norm.weight", spec.headWidth);
        }
        if (spec.postNorm) {
            norm(prefix + "attention.post_norm.weight", spec.width);
            norm(prefix + "mlp.post_norm.weight", spec.width);
        }
        norm(prefix + "mlp.norm.weight", spec.width);
        matrix(prefix + "mlp.gate.weight", spec.feedForward, spec.width);
        matrix(prefix + "mlp.up.weight", spec.feedForward, spec.width);
        matrix(prefix + "mlp.down.weight", spec.width, spec.feedForward);
    }
    return weights;
}

inline Decoder decoder(const ArchitectureSpec& spec, std::uint64_t seed = 1, at::ScalarType type = at::kFloat) {
    return Decoder(spec, randomWeights(spec, seed), type);
}

inline std::vector<std::int32_t> ids(std::int64_t count, std::uint32_t seed, std::int32_t vocabulary = 101) {
    std::vector<std::int32_t> result;
    for (std::int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        result.push_back(static_cast<std::int32_t>((seed >> 8) % static_cast<std::uint32_t>(vocabulary)));
    }
    return result;
}

// max over rows of ||a - b|| / ||b||
inline double relativeError(const at::Tensor& a, const at::Tensor& b) {
    const at::NoGradGuard noGrad;
    const at::Tensor x = a.detach().to(at::kDouble), y = b.detach().to(at::kDouble);
    return ((x - y).norm(2, {-1}) / y.norm(2, {-1})).max().item<double>();
}

inline bool sameBits(const at::Tensor& a, const at::Tensor& b) { return a.equal(b); }

} // namespace azimuth::tiny
