#include "core/engine/model/decoder_weights.h"

#include "core/base/error.h"

#include <algorithm>
#include <ATen/ops/cat.h>
#include <ATen/TensorOperators.h>

namespace azimuth {
namespace {

std::string shapeText(at::IntArrayRef shape) {
    std::string text = "[";
    for (const auto extent : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

// Takes tensors out of the map, so that what was fused is freed at once.
class Taker {
public:
    Taker(const ArchitectureSpec& spec, Weights& weights, at::ScalarType compute, at::Device device,
          bool pack)
        : m_spec(spec), m_weights(weights), m_compute(compute), m_device(device), m_pack(pack) {}

    at::Tensor take(const std::string& name, at::IntArrayRef shape) {
        const auto found = m_weights.find(name);
        if (found == m_weights.end())
            throw Error("model.weights",
                        name + ": the weights lack this tensor of shape " + shapeText(shape) + ".",
                        "Get the checkpoint again, or choose a model of a supported architecture.");
        at::Tensor tensor = std::move(found->second);
        m_weights.erase(found);
        if (tensor.sizes() != shape)
            throw Error("model.weights",
                        name + ": expected " + shapeText(shape) + ", is " + shapeText(tensor.sizes()) + ".",
                        "Get the checkpoint again.");
        return tensor.to(m_device, m_compute).contiguous();
    }
    at::Tensor takeIf(bool present, const std::string& name, at::IntArrayRef shape) {
        return present ? take(name, shape) : at::Tensor();
    }
    LinearWeight matrix(at::Tensor weight, at::Tensor bias = {}) const {
        return LinearWeight(std::move(weight), m_pack, std::move(bias));
    }
    LinearWeight gated(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& gateBias,
                       const at::Tensor& upBias) const {
        return LinearWeight::gated(gate, up, m_pack, gateBias, upBias);
    }
    operations::Norm norm(bool present, const std::string& name, std::int64_t width) {
        operations::Norm result;
        if (!present)
            return result;
        result.weight = take(name + ".weight", {width}).to(at::kFloat);
        if (m_spec.normWeightOffset != 0)
            result.weight = result.weight + m_spec.normWeightOffset;
        if (m_spec.norm == NormKind::Layer)
            result.bias = take(name + ".bias", {width}).to(at::kFloat);
        return result;
    }

private:
    const ArchitectureSpec& m_spec;
    Weights& m_weights;
    at::ScalarType m_compute;
    at::Device m_device;
    bool m_pack;
};

BlockWeights takeBlock(Taker& taker, const ArchitectureSpec& spec, const std::string& prefix) {
    BlockWeights w;
    const std::string attention = prefix + "attention.", mlp = prefix + "mlp.";
    const std::int64_t d = spec.width, q = spec.queryWidth(), kv = spec.keyValueWidth(), f = spec.feedForward;
    w.attentionNorm = taker.norm(spec.preNorm, attention + "norm", d);
    w.attentionPostNorm = taker.norm(spec.postNorm, attention + "post_norm", d);
    w.mlpNorm = taker.norm(spec.preNorm, mlp + "norm", d);
    w.mlpPostNorm = taker.norm(spec.postNorm, mlp + "post_norm", d);
    const bool normed = spec.queryKeyNorm != QueryKeyNorm::None;
    const bool whole = spec.queryKeyNorm == QueryKeyNorm::WholeWidth;
    w.queryNorm = taker.norm(normed, attention + "q_norm", whole ? q : spec.headWidth);
    w.keyNorm = taker.norm(normed, attention + "k_norm", whole ? kv : spec.headWidth);
    at::Tensor bias;
    if (spec.queryKeyValueBias)
        bias = at::cat({taker.take(attention + "q.bias", {q}), taker.take(attention + "k.bias", {kv}),
                        taker.take(attention + "v.bias", {kv})});
    w.queryKeyValue = taker.matrix(
        at::cat({taker.take(attention + "q.weight", {q, d}), taker.take(attention + "k.weight", {kv, d}),
                 taker.take(attention + "v.weight", {kv, d})}),
        bias);
    w.attentionOut = taker.matrix(taker.take(attention + "o.weight", {d, q}),
                                  taker.takeIf(spec.outputBias, attention + "o.bias", {d}));
    const at::Tensor up = taker.takeIf(spec.feedForwardBias, mlp + "up.bias", {f});
    if (spec.gatedFeedForward)
        w.mlpIn = taker.gated(taker.take(mlp + "gate.weight", {f, d}), taker.take(mlp + "up.weight", {f, d}),
                              taker.takeIf(spec.feedForwardBias, mlp + "gate.bias", {f}), up);
    else
        w.mlpIn = taker.matrix(taker.take(mlp + "up.weight", {f, d}), up);
    w.mlpOut = taker.matrix(taker.take(mlp + "down.weight", {d, f}),
                            taker.takeIf(spec.feedForwardBias, mlp + "down.bias", {d}));
    return w;
}

} // namespace

bool DecoderWeights::packed() const {
    return embedding.packed() && (!head.defined() || head.packed()) &&
           std::all_of(blocks.begin(), blocks.end(), [](const BlockWeights& w) {
               return w.queryKeyValue.packed() && w.attentionOut.packed() && w.mlpIn.packed() &&
                      w.mlpOut.packed();
           });
}

DecoderWeights fuseWeights(const ArchitectureSpec& spec, Weights weights, at::ScalarType compute,
                           at::Device device, bool pack) {
    DecoderWeights result;
    Taker taker(spec, weights, compute, device, pack);
    result.embedding = taker.matrix(taker.take("embed.weight", {spec.vocabulary, spec.width}));
    if (!spec.tiedHead)
        result.head = taker.matrix(taker.take("head.weight", {spec.vocabulary, spec.width}));
    if (spec.learnedPositions > 0)
        result.positions = taker.take("positions.weight", {spec.learnedPositions, spec.width});
    result.finalNorm = taker.norm(true, "norm", spec.width);
    for (std::int64_t block = 0; block < spec.blocks; ++block)
        result.blocks.push_back(takeBlock(taker, spec, "blocks." + std::to_string(block) + "."));
    if (!weights.empty())
        throw Error("model.weights",
                    weights.begin()->first + ": " + spec.family + " has no tensor of this name.",
                    "The checkpoint is of another architecture than it says.");
    return result;
}

} // namespace azimuth
