// The decoder's arithmetic on tensors. On a CPU, in F32 and BF16 and outside autograd, our kernels run;
// everywhere else the same formulas as ATen operations, differentiable and on any device. Inputs of kernels
// are contiguous in their last axis.
#pragma once

#include "core/engine/model/architecture_spec.h"
#include "core/engine/model/linear_weight.h"
#include "core/engine/model/packed_batch.h"
#include "core/engine/model/rope_table.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace azimuth::cpu {
enum class Activation;
}

namespace azimuth::operations {

// True where our CPU kernels may be used.
bool usesKernels(const at::Tensor& x);

struct Norm {
    at::Tensor weight; // F32 [width], offset added; undefined: no norm
    at::Tensor bias;   // F32, layer norm only
};
// Over the last axis. x is [rows, width], or [tokens, heads, width] with contiguous heads.
at::Tensor normalise(const at::Tensor& x, const Norm& norm, const ArchitectureSpec& spec);
// The same, overwriting x where no gradient is wanted; returns the result.
at::Tensor normaliseInPlace(const at::Tensor& x, const Norm& norm, const ArchitectureSpec& spec);
// x for a product with the weight, which norms it itself where it can.
ProductInput normalisedFor(const LinearWeight& weight, const at::Tensor& x, const Norm& norm,
                           const ArchitectureSpec& spec);

// x [tokens, heads, head width] by rows I64 [tokens] of the table; may overwrite x where no gradient is
// wanted; returns the result.
at::Tensor rotate(const at::Tensor& x, const RopeTable& table, const at::Tensor& rows);

// geluInSteps: see ArchitectureSpec. Element by element, so that a row's bits do not depend on its place.
at::Tensor activate(const at::Tensor& x, Activation activation, bool geluInSteps = false);
cpu::Activation kernelOf(Activation activation, bool geluInSteps);
at::Tensor softCap(const at::Tensor& x, double cap); // cap * tanh(x / cap), likewise

struct AttentionInput {
    at::Tensor query;      // [wanted, heads, head width]
    at::Tensor key, value; // [tokens, key-value heads, head width], of this batch's tokens
    const std::vector<std::int64_t>* wanted = nullptr; // token indices of the queries, ascending; null: all
    std::int64_t block = 0;
    const KeyValueCache* common = nullptr; // see BlockOptions
};
// Causal attention within each sequence; past tokens come from the cache, to which the new keys and values
// are written, or are the common ones. Returns [wanted, heads * head width].
at::Tensor attend(const AttentionInput& input, const PackedBatch& batch, KeyValueCache* cache,
                  const ArchitectureSpec& spec);
// Parts of a sequence that begin at multiples of this are computed to the same bits as the whole.
std::int64_t attentionStep(const ArchitectureSpec& spec);

} // namespace azimuth::operations
