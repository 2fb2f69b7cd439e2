// One decoder for every family, driven by an ArchitectureSpec. It computes blocks on packed tokens; loops
// over k, edits and captures belong to its callers:
//
//   at::Tensor residual = decoder.embed(batch);                    // R[0], [tokens, d]
//   for (k = 0; ; ++k) {
//       edit or read residual;                                     // R[k]
//       if (k == decoder.spec().blocks) break;
//       residual = decoder.block(k, residual, batch, options);     // R[k + 1]
//   }
//   at::Tensor logits = decoder.logits(residual);                  // from R[L]
//
// The residual has the compute type. Rounding in BF16 follows transformers operation by operation. A caller
// wants NoGradGuard or InferenceMode for speed; with gradients on, everything is differentiable with respect
// to the residual. Const functions may be called from several threads. Errors: model.* and batch.*, cache.*;
// token ids outside the vocabulary are refused with both values.
#pragma once

#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/model/architecture_spec.h"
#include "core/engine/model/packed_batch.h"
#include "core/study/intervention.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace azimuth {

// Sees what a block adds and where: the branches' outputs as they are added, and the residual between them.
// May replace the tensor [tokens or wanted, d].
using BlockHook = std::function<void(Site site, at::Tensor& value)>;

struct BlockOptions {
    KeyValueCache* cache = nullptr;
    // Token indices of the batch, ascending: the result has these rows only. Every token still gives its keys
    // and values.
    const std::vector<std::int64_t>* wanted = nullptr;
    const BlockHook* hook = nullptr;
    // Row 0 holds the tokens that every sequence has before its `start`, which is the same of all; then they
    // have no slots and there is no cache.
    const KeyValueCache* common = nullptr;
};

// Sees R[k] before block k reads it, or R[L] before the final norm, and may replace or overwrite it.
// places[i] is the token of row i: all tokens of the batch, or after a block with `wanted` only those.
using ResidualHook = std::function<void(std::int64_t k, at::Tensor& residual, const PackedBatch& batch,
                                        std::span<const TokenPlace> places)>;

// Packed: for our CPU kernels where they exist (quickest without gradients; see LinearWeight). Plain: for a
// frozen model that is differentiated through.
enum class WeightLayout { Packed, Plain };

class Decoder {
public:
    // Takes the tensors over (they are fused and freed one by one). Error model.weights naming the tensor and
    // both shapes.
    Decoder(ArchitectureSpec spec, Weights weights, at::ScalarType compute, at::Device device = at::kCPU,
            WeightLayout layout = WeightLayout::Packed);
    static Decoder load(const Checkpoint& checkpoint, at::ScalarType compute, at::Device device = at::kCPU,
                        const Checkpoint::Progress& progress = {},
                        WeightLayout layout = WeightLayout::Packed);
    ~Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;

    const ArchitectureSpec& spec() const;
    at::ScalarType computeType() const;
    at::Device device() const;
    // Whether a row's bits depend on its own sequence and slots only, not on how many other rows are computed
    // with it. True of packed weights; elsewhere the libraries choose their sums by the number of rows.
    bool rowsAreIndependent() const;
    // How many of `tokens` that sequences begin with can be computed once for all of them, whose lengths are
    // at most `longest`, without changing a bit: 0 where rows are not independent.
    std::int64_t sharable(std::int64_t tokens, std::int64_t longest) const;

    at::Tensor embed(const PackedBatch& batch) const;
    // The given residual may be overwritten where no gradient is wanted.
    at::Tensor block(std::int64_t block, const at::Tensor& residual, const PackedBatch& batch,
                     const BlockOptions& options = {}) const;
    at::Tensor
    logits(const at::Tensor& residual) const; // F32 [rows, vocabulary], after final norm and soft cap

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace azimuth
