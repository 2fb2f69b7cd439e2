#include "core/engine/model/decoder.h"

#include "core/base/error.h"
#include "core/engine/model/decoder_weights.h"
#include "core/engine/model/operations.h"

#include <algorithm>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/TensorOperators.h>
#include <mutex>

namespace azimuth {
namespace {

struct RopeTables {
    std::int64_t positions = 0;
    RopeTable plain, windowed;
};

} // namespace

struct Decoder::State {
    State(ArchitectureSpec architecture, at::ScalarType type, at::Device where)
        : spec(std::move(architecture)), compute(type), device(where) {}

    ArchitectureSpec spec;
    at::ScalarType compute;
    at::Device device;
    DecoderWeights weights;
    double embeddingScale = 1; // rounded to the compute type
    mutable std::mutex mutex;
    mutable std::shared_ptr<const RopeTables> ropes;

    std::shared_ptr<const RopeTables> ropesFor(const PackedBatch& batch) const;
    at::Tensor attentionBranch(std::int64_t block, const at::Tensor& residual, const PackedBatch& batch,
                               const BlockOptions& options) const;
    at::Tensor mlpBranch(const BlockWeights& weights, const at::Tensor& residual) const;
};

// Tables grow by doubling, so a short run does not pay for a context of 128k tokens.
std::shared_ptr<const RopeTables> Decoder::State::ropesFor(const PackedBatch& batch) const {
    std::int64_t needed = 0;
    for (const auto& sequence : batch.sequences())
        needed = std::max(needed, sequence.start + sequence.length);
    if (needed > spec.contextLength)
        throw Error("model.context",
                    "A sequence of " + std::to_string(needed) + " tokens exceeds the model's context of " +
                        std::to_string(spec.contextLength) + ".",
                    "Shorten the prompt or ask for fewer new tokens.");
    const std::lock_guard lock(mutex);
    if (!ropes || ropes->positions < needed) {
        const at::NoGradGuard noGrad;
        auto tables = std::make_shared<RopeTables>();
        tables->positions = std::min(spec.contextLength, std::max<std::int64_t>(2 * needed, 1024));
        tables->plain = RopeTable(spec.rope, tables->positions, compute, device);
        if (spec.window > 0)
            tables->windowed = RopeTable(spec.windowRope, tables->positions, compute, device);
        ropes = std::move(tables);
    }
    return ropes;
}

at::Tensor Decoder::State::attentionBranch(std::int64_t block, const at::Tensor& residual,
                                           const PackedBatch& batch, const BlockOptions& options) const {
    const auto& w = weights.blocks[static_cast<std::size_t>(block)];
    const std::int64_t d = spec.headWidth;
    const at::Tensor x = spec.preNorm ? operations::normalise(residual, w.attentionNorm, spec) : residual;
    at::Tensor q, k, v, positions = batch.positions(), queryPositions = positions;
    if (options.wanted) {
        const at::Tensor rows = at::tensor(*options.wanted, at::TensorOptions().dtype(at::kLong)).to(device);
        queryPositions = positions.index_select(0, rows);
        q = w.queryKeyValue.multiply(x.index_select(0, rows), w.queryKeyValueBias, 0, spec.queryWidth());
        const at::Tensor kv = w.queryKeyValue.multiply(x, w.queryKeyValueBias, spec.queryWidth());
        k = kv.narrow(1, 0, spec.keyValueWidth());
        v = kv.narrow(1, spec.keyValueWidth(), spec.keyValueWidth());
    } else {
        const at::Tensor qkv = w.queryKeyValue.multiply(x, w.queryKeyValueBias);
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
    const auto tables = ropesFor(batch);
    const auto& table = spec.isWindowed(block) ? tables->windowed : tables->plain;
    q = operations::rotate(q, table, queryPositions);
    k = operations::rotate(k, table, positions);
    const at::Tensor mixed = operations::attend({q, k, v, options.wanted, block}, batch, options.cache, spec);
    const at::Tensor out = w.attentionOut.multiply(mixed, w.attentionOutBias);
    return spec.postNorm ? operations::normalise(out, w.attentionPostNorm, spec) : out;
}

at::Tensor Decoder::State::mlpBranch(const BlockWeights& w, const at::Tensor& residual) const {
    const at::Tensor x = spec.preNorm ? operations::normalise(residual, w.mlpNorm, spec) : residual;
    const at::Tensor inner = w.mlpIn.multiply(x, w.mlpInBias);
    const at::Tensor active = spec.gatedFeedForward ? operations::gate(inner, spec.activation)
                                                    : operations::activate(inner, spec.activation);
    const at::Tensor out = w.mlpOut.multiply(active, w.mlpOutBias);
    return spec.postNorm ? operations::normalise(out, w.mlpPostNorm, spec) : out;
}

Decoder::Decoder(ArchitectureSpec spec, Weights weights, at::ScalarType compute, at::Device device,
                 WeightLayout layout)
    : m_state(std::make_unique<State>(std::move(spec), compute, device)) {
    const at::NoGradGuard noGrad;
    checkArchitecture(m_state->spec);
    m_state->weights =
        fuseWeights(m_state->spec, std::move(weights), compute, device, layout == WeightLayout::Packed);
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

bool Decoder::rowsAreIndependent() const { return m_state->weights.embedding.packed(); }

at::Tensor Decoder::embed(const PackedBatch& batch) const {
    const auto& spec = m_state->spec;
    const at::Tensor outside = (batch.ids() < 0).logical_or(batch.ids() >= spec.vocabulary);
    if (outside.any().item<bool>())
        throw Error("model.token",
                    "Token id " + std::to_string(batch.ids().masked_select(outside)[0].item<std::int64_t>()) +
                        " is outside the vocabulary of " + std::to_string(spec.vocabulary) + ".",
                    "Use token ids of this model's tokenizer.");
    const at::Tensor rows = m_state->weights.embedding.rows(batch.ids());
    return spec.embeddingScale == 1 ? rows : rows * m_state->embeddingScale;
}

at::Tensor Decoder::block(std::int64_t block, const at::Tensor& residual, const PackedBatch& batch,
                          const BlockOptions& options) const {
    const auto& state = *m_state;
    if (residual.size(0) != batch.tokens())
        throw Error("batch.length",
                    "Block " + std::to_string(block) + " was given " + std::to_string(residual.size(0)) +
                        " rows for a batch of " + std::to_string(batch.tokens()) + " tokens.",
                    "");
    const auto& w = state.weights.blocks.at(static_cast<std::size_t>(block));
    const auto hook = [&](BlockSite site, at::Tensor& value) {
        if (options.hook && *options.hook)
            (*options.hook)(site, value);
    };
    const auto add = [](const at::Tensor& to, const at::Tensor& what) {
        return at::GradMode::is_enabled() ? to + what : to.add_(what);
    };
    at::Tensor attention = state.attentionBranch(block, residual, batch, options);
    at::Tensor kept = residual;
    if (options.wanted)
        kept = residual.index_select(
            0, at::tensor(*options.wanted, at::TensorOptions().dtype(at::kLong)).to(state.device));
    hook(BlockSite::AttentionOut, attention);
    if (state.spec.parallelBranches) {
        at::Tensor mlp = state.mlpBranch(w, kept);
        hook(BlockSite::MlpOut, mlp);
        return add(add(kept, attention), mlp);
    }
    at::Tensor middle = add(kept, attention);
    hook(BlockSite::ResidualMid, middle);
    at::Tensor mlp = state.mlpBranch(w, middle);
    hook(BlockSite::MlpOut, mlp);
    return add(middle, mlp);
}

at::Tensor Decoder::finalNorm(const at::Tensor& residual) const {
    return operations::normalise(residual, m_state->weights.finalNorm, m_state->spec);
}

at::Tensor Decoder::logits(const at::Tensor& residual) const {
    const auto& head = m_state->spec.tiedHead ? m_state->weights.embedding : m_state->weights.head;
    at::Tensor result = head.multiply(finalNorm(residual));
    const double cap = m_state->spec.logitSoftCap;
    if (cap > 0)
        result = at::tanh(result / cap) * cap;
    return result.to(at::kFloat);
}

} // namespace azimuth
