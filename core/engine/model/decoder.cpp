#include "core/engine/model/decoder.h"

#include "core/base/error.h"
#include "core/engine/model/decoder_weights.h"
#include "core/engine/model/operations.h"

#include <algorithm>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/TensorOperators.h>

namespace azimuth {
struct Decoder::State {
    State(ArchitectureSpec architecture, at::ScalarType type, at::Device where)
        : spec(std::move(architecture)), compute(type), device(where) {}

    ArchitectureSpec spec;
    at::ScalarType compute;
    at::Device device;
    DecoderWeights weights;
    double embeddingScale = 1; // rounded to the compute type
    bool packed = false;
    std::unique_ptr<const RotaryEmbedding> rope, windowRope;

    void checkContext(const PackedBatch& batch) const;
    // What goes into the last product of each branch.
    at::Tensor attentionInner(std::int64_t block, const at::Tensor& residual, const PackedBatch& batch,
                              const BlockOptions& options) const;
    at::Tensor mlpInner(const BlockWeights& weights, const at::Tensor& residual) const;
};

void Decoder::State::checkContext(const PackedBatch& batch) const {
    if (batch.longest() > spec.contextLength)
        throw Error("model.context",
                    "A sequence of " + std::to_string(batch.longest()) +
                        " tokens exceeds the model's context of " + std::to_string(spec.contextLength) + ".",
                    "Shorten the prompt or ask for fewer new tokens.");
}

at::Tensor Decoder::State::attentionInner(std::int64_t block, const at::Tensor& residual,
                                          const PackedBatch& batch, const BlockOptions& options) const {
    const auto& w = weights.blocks[static_cast<std::size_t>(block)];
    const std::int64_t d = spec.headWidth;
    ProductInput x{residual, {}, 0, false};
    if (spec.preNorm)
        x = operations::normalisedFor(w.queryKeyValue, residual, w.attentionNorm, spec);
    const auto turn = (spec.isWindowed(block) ? windowRope : rope)->rowsOf(batch);
    at::Tensor q, k, v, queryTurn = turn.row;
    if (options.wanted) {
        const at::Tensor rows = at::tensor(*options.wanted, at::TensorOptions().dtype(at::kLong)).to(device);
        queryTurn = queryTurn.index_select(0, rows);
        const at::Tensor kv = w.queryKeyValue.multiply(x, spec.queryWidth());
        k = kv.narrow(1, 0, spec.keyValueWidth());
        v = kv.narrow(1, spec.keyValueWidth(), spec.keyValueWidth());
        x.rows = x.rows.index_select(0, rows);
        q = w.queryKeyValue.multiply(x, 0, spec.queryWidth());
    } else {
        const at::Tensor qkv = w.queryKeyValue.multiply(x);
        q = qkv.narrow(1, 0, spec.queryWidth());
        k = qkv.narrow(1, spec.queryWidth(), spec.keyValueWidth());
        v = qkv.narrow(1, spec.queryWidth() + spec.keyValueWidth(), spec.keyValueWidth());
    }
    if (spec.queryKeyNorm == QueryKeyNorm::WholeWidth) {
        q = operations::normaliseInPlace(q, w.queryNorm, spec);
        k = operations::normaliseInPlace(k, w.keyNorm, spec);
    }
    q = q.unflatten(1, {spec.heads, d});
    k = k.unflatten(1, {spec.keyValueHeads, d});
    v = v.unflatten(1, {spec.keyValueHeads, d});
    if (spec.queryKeyNorm == QueryKeyNorm::PerHead) {
        q = operations::normaliseInPlace(q, w.queryNorm, spec);
        k = operations::normaliseInPlace(k, w.keyNorm, spec);
    }
    q = operations::rotate(q, *turn.table, queryTurn);
    k = operations::rotate(k, *turn.table, turn.row);
    return operations::attend({q, k, v, options.wanted, block, options.common}, batch, options.cache, spec);
}

at::Tensor Decoder::State::mlpInner(const BlockWeights& w, const at::Tensor& residual) const {
    ProductInput x{residual, {}, 0, false};
    if (spec.preNorm)
        x = operations::normalisedFor(w.mlpIn, residual, w.mlpNorm, spec);
    if (spec.gatedFeedForward)
        return w.mlpIn.multiplyGated(x, spec.activation);
    return operations::activate(w.mlpIn.multiply(x), spec.activation, spec.geluInSteps);
}

Decoder::Decoder(ArchitectureSpec spec, Weights weights, at::ScalarType compute, at::Device device,
                 WeightLayout layout)
    : m_state(std::make_unique<State>(std::move(spec), compute, device)) {
    const at::NoGradGuard noGrad;
    checkArchitecture(m_state->spec);
    const auto& architecture = m_state->spec;
    m_state->weights =
        fuseWeights(architecture, std::move(weights), compute, device, layout == WeightLayout::Packed);
    m_state->packed = m_state->weights.packed();
    const auto turning = architecture.ropeInFloat ? at::kFloat : compute;
    m_state->rope =
        std::make_unique<RotaryEmbedding>(architecture.rope, architecture.contextLength, turning, device);
    m_state->windowRope = std::make_unique<RotaryEmbedding>(architecture.windowRope,
                                                            architecture.contextLength, turning, device);
    m_state->embeddingScale =
        at::tensor(m_state->spec.embeddingScale, at::kDouble).to(compute).to(at::kDouble).item<double>();
}

Decoder Decoder::load(const Checkpoint& checkpoint, at::ScalarType compute, at::Device device,
                      const Checkpoint::Progress& progress, WeightLayout layout) {
    auto spec = architectureOf(checkpoint.hyperparameters());
    return Decoder(std::move(spec), checkpoint.loadAll(compute, device, progress), compute, device, layout);
}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

const ArchitectureSpec& Decoder::spec() const { return m_state->spec; }
at::ScalarType Decoder::computeType() const { return m_state->compute; }
at::Device Decoder::device() const { return m_state->device; }

bool Decoder::rowsAreIndependent() const { return m_state->packed; }

std::int64_t Decoder::sharable(std::int64_t tokens, std::int64_t longest) const {
    for (const auto* rope : {&m_state->spec.rope, &m_state->spec.windowRope}) {
        const bool byLength = rope->scaling == RopeScaling::Dynamic || rope->scaling == RopeScaling::Longrope;
        if (byLength && longest > rope->originalContext) // the turn of a key depends on what follows
            return 0;
    }
    return m_state->packed ? tokens - tokens % operations::attentionStep(m_state->spec) : 0;
}

at::Tensor Decoder::embed(const PackedBatch& batch) const {
    const auto& spec = m_state->spec;
    m_state->checkContext(batch);
    const at::Tensor outside = (batch.ids() < 0).logical_or(batch.ids() >= spec.vocabulary);
    if (outside.any().item<bool>())
        throw Error("model.token",
                    "Token id " + std::to_string(batch.ids().masked_select(outside)[0].item<std::int64_t>()) +
                        " is outside the vocabulary of " + std::to_string(spec.vocabulary) + ".",
                    "Use token ids of this model's tokenizer.");
    const at::Tensor rows = m_state->weights.embedding.rows(batch.ids());
    const at::Tensor scaled = spec.embeddingScale == 1 ? rows : rows * m_state->embeddingScale;
    if (spec.learnedPositions == 0)
        return scaled;
    return scaled + m_state->weights.positions.index_select(0, batch.positions());
}

at::Tensor Decoder::block(std::int64_t block, const at::Tensor& residual, const PackedBatch& batch,
                          const BlockOptions& options) const {
    const auto& state = *m_state;
    if (residual.size(0) != batch.tokens())
        throw Error("batch.length",
                    "Block " + std::to_string(block) + " was given " + std::to_string(residual.size(0)) +
                        " rows for a batch of " + std::to_string(batch.tokens()) + " tokens.",
                    "");
    state.checkContext(batch);
    const auto& w = state.weights.blocks.at(static_cast<std::size_t>(block));
    const bool hooked = options.hook && *options.hook;
    const auto hook = [&](Site site, at::Tensor& value) {
        if (hooked)
            (*options.hook)(site, value);
    };
    const auto branch = [&](Site site, const LinearWeight& last, const operations::Norm& postNorm,
                            const at::Tensor& inner) {
        at::Tensor out = last.multiply(inner);
        if (state.spec.postNorm)
            out = operations::normalise(out, postNorm, state.spec);
        hook(site, out);
        return out;
    };
    const auto add = [](const at::Tensor& to, const at::Tensor& what) {
        return at::GradMode::is_enabled() ? to + what : to.add_(what);
    };
    const auto addBranch = [&](const at::Tensor& to, Site site, const LinearWeight& last,
                               const operations::Norm& postNorm, const at::Tensor& inner) {
        if (hooked || state.spec.postNorm || !last.fuses(inner) || !to.is_contiguous())
            return add(to, branch(site, last, postNorm, inner));
        last.multiplyOnto(to, inner);
        return to;
    };
    const at::Tensor mixed = state.attentionInner(block, residual, batch, options);
    at::Tensor kept = residual;
    if (options.wanted)
        kept = residual.index_select(
            0, at::tensor(*options.wanted, at::TensorOptions().dtype(at::kLong)).to(state.device));
    if (state.spec.parallelBranches) {
        const at::Tensor attention = branch(Site::AttnOut, w.attentionOut, w.attentionPostNorm, mixed);
        return add(kept, branch(Site::MlpOut, w.mlpOut, w.mlpPostNorm, state.mlpInner(w, kept)) + attention);
    }
    at::Tensor middle = addBranch(kept, Site::AttnOut, w.attentionOut, w.attentionPostNorm, mixed);
    hook(Site::ResidMid, middle);
    return addBranch(middle, Site::MlpOut, w.mlpOut, w.mlpPostNorm, state.mlpInner(w, middle));
}

at::Tensor Decoder::logits(const at::Tensor& residual) const {
    const auto& head = m_state->spec.tiedHead ? m_state->weights.embedding : m_state->weights.head;
    at::Tensor result =
        head.multiply(operations::normalisedFor(head, residual, m_state->weights.finalNorm, m_state->spec));
    const double cap = m_state->spec.logitSoftCap;
    if (cap > 0)
        result = operations::softCap(result, cap);
    return result.to(at::kFloat);
}

} // namespace azimuth
