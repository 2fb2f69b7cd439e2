#include "core/engine/model/architecture_spec.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/hyperparameters.h"

#include <algorithm>

namespace azimuth {
namespace {

// Root mean square before each branch, gated MLP: Llama, Mistral, Qwen 2, Phi-3.
ArchitectureSpec plain(const char* family) {
    ArchitectureSpec spec;
    spec.family = family;
    return spec;
}

ArchitectureSpec qwen3() {
    auto spec = plain("qwen3");
    spec.queryKeyNorm = QueryKeyNorm::PerHead;
    return spec;
}

ArchitectureSpec gemma(const char* family, QueryKeyNorm queryKeyNorm) {
    auto spec = plain(family);
    spec.normRounding = NormRounding::ScaleThenCast;
    spec.normWeightOffset = 1;
    spec.postNorm = true;
    spec.queryKeyNorm = queryKeyNorm;
    return spec;
}

ArchitectureSpec olmo2() {
    auto spec = plain("olmo2");
    spec.normRounding = NormRounding::ScaleThenCast;
    spec.preNorm = false;
    spec.postNorm = true;
    spec.queryKeyNorm = QueryKeyNorm::WholeWidth;
    spec.ropeInFloat = true;
    return spec;
}

ArchitectureSpec gpt(const char* family, bool geluInSteps) {
    auto spec = plain(family);
    spec.norm = NormKind::Layer;
    spec.gatedFeedForward = false;
    spec.geluInSteps = geluInSteps;
    return spec;
}

const std::vector<ArchitectureSpec>& table() {
    static const std::vector<ArchitectureSpec> rows{
        gemma("gemma2", QueryKeyNorm::None),
        gemma("gemma3", QueryKeyNorm::PerHead),
        gpt("gpt2", true),
        gpt("gpt_neox", false),
        plain("llama"),
        plain("mistral"),
        olmo2(),
        plain("phi3"),
        plain("qwen2"),
        qwen3(),
    };
    return rows;
}

void require(bool condition, const ArchitectureSpec& spec, const std::string& finding) {
    if (!condition)
        throw Error("model.architecture", spec.family + ": " + finding + ".",
                    "The checkpoint's metadata contradicts itself; get the file again.");
}

void requirePositive(const ArchitectureSpec& spec, const char* name, std::int64_t value) {
    require(value > 0, spec, std::string(name) + " must be positive, is " + std::to_string(value));
}

void checkRope(const ArchitectureSpec& spec, const RopeParameters& rope) {
    require(rope.width >= 0 && rope.width <= spec.headWidth && rope.width % 2 == 0, spec,
            "rotary width must be even and at most the head width " + std::to_string(spec.headWidth) +
                ", is " + std::to_string(rope.width));
    const auto frequencies = static_cast<std::size_t>(rope.width / 2);
    const bool isLongrope = rope.scaling == RopeScaling::Longrope;
    const auto requireList = [&](const std::vector<double>& list, bool needed) {
        require((list.empty() && !needed) || list.size() == frequencies, spec,
                "rotary divisors: expected " + std::to_string(frequencies) + ", there are " +
                    std::to_string(list.size()));
    };
    requireList(rope.divisors, isLongrope);
    requireList(rope.longDivisors, isLongrope);
    require(rope.scaling == RopeScaling::None || rope.scaling == RopeScaling::Linear ||
                rope.originalContext > 0,
            spec,
            "the original context of a scaled rotary embedding must be positive, is " +
                std::to_string(rope.originalContext));
    require(rope.scaling != RopeScaling::Dynamic || rope.width > 2, spec,
            "a dynamic rotary embedding needs more than 2 dimensions, has " + std::to_string(rope.width));
    require(rope.theta > 0 && rope.factor > 0, spec, "rotary base and factor must be positive");
}

std::int64_t extendedContext(const Hyperparameters& h) {
    const double tokens = std::min(h.rope.factor * static_cast<double>(h.rope.originalContext), 2147483648.0);
    return static_cast<std::int64_t>(tokens);
}

} // namespace

const std::vector<std::string>& architectureFamilies() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> result;
        for (const auto& row : table())
            result.push_back(row.family);
        return result;
    }();
    return names;
}

ArchitectureSpec architectureOf(const Hyperparameters& h) {
    const auto row = std::find_if(table().begin(), table().end(), [&](const ArchitectureSpec& candidate) {
        return candidate.family == h.family;
    });
    if (row == table().end()) {
        std::string known;
        for (const auto& name : architectureFamilies())
            known += (known.empty() ? "" : ", ") + name;
        throw Error("model.family",
                    "The architecture \"" + h.family + "\" is not supported; these are: " + known + ".",
                    "Choose a model of a supported architecture.");
    }
    ArchitectureSpec spec = *row;
    static_cast<Hyperparameters&>(spec) = h;
    if (h.rope.scaling == RopeScaling::Dynamic) // its context is the unscaled one
        spec.contextLength = std::max(h.contextLength, extendedContext(h));
    checkArchitecture(spec);
    return spec;
}

void checkArchitecture(const ArchitectureSpec& spec) {
    requirePositive(spec, "blocks", spec.blocks);
    requirePositive(spec, "width", spec.width);
    requirePositive(spec, "feed-forward width", spec.feedForward);
    requirePositive(spec, "heads", spec.heads);
    requirePositive(spec, "key-value heads", spec.keyValueHeads);
    requirePositive(spec, "head width", spec.headWidth);
    requirePositive(spec, "vocabulary", spec.vocabulary);
    requirePositive(spec, "context length", spec.contextLength);
    require(spec.learnedPositions == 0 || spec.contextLength <= spec.learnedPositions, spec,
            "a context of " + std::to_string(spec.contextLength) + " tokens has " +
                std::to_string(spec.learnedPositions) + " learned positions");
    require(spec.heads % spec.keyValueHeads == 0, spec,
            std::to_string(spec.heads) + " heads do not divide into " + std::to_string(spec.keyValueHeads) +
                " key-value heads");
    require(spec.windowed.empty() || static_cast<std::int64_t>(spec.windowed.size()) == spec.blocks, spec,
            "the window pattern has " + std::to_string(spec.windowed.size()) + " entries for " +
                std::to_string(spec.blocks) + " blocks");
    require(spec.window >= 0, spec, "the window must not be negative, is " + std::to_string(spec.window));
    require(spec.normEpsilon > 0 && spec.attentionScale > 0 && spec.embeddingScale > 0, spec,
            "norm epsilon, attention scale and embedding scale must be positive");
    require(spec.attentionSoftCap >= 0 && spec.logitSoftCap >= 0, spec, "a soft cap must not be negative");
    checkRope(spec, spec.rope);
    if (spec.window > 0)
        checkRope(spec, spec.windowRope);
}

} // namespace azimuth
