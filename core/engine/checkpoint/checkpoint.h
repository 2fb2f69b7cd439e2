// A checkpoint: tensors by canonical name, at the precision of the run, whatever the file stores.
//
// Canonical names; every tensor is row-major [out, in] as in Hugging Face's models, so y = x W^T:
//   embed.weight                          [vocabulary, width]         not scaled
//   blocks.<b>.attention.norm.weight      [width]                     RMS norm before attention
//   blocks.<b>.attention.q.weight         [heads * headWidth, width]  rows in rotate-half order
//   blocks.<b>.attention.k.weight         [keyValueHeads * headWidth, width]
//   blocks.<b>.attention.v.weight         [keyValueHeads * headWidth, width]
//   blocks.<b>.attention.o.weight         [width, heads * headWidth]
//   blocks.<b>.attention.q_norm.weight    [headWidth]                 gemma3
//   blocks.<b>.attention.k_norm.weight    [headWidth]                 gemma3
//   blocks.<b>.attention.post_norm.weight [width]                     gemma3: before the residual add
//   blocks.<b>.mlp.norm.weight            [width]                     RMS norm before the MLP
//   blocks.<b>.mlp.gate.weight            [feedForward, width]
//   blocks.<b>.mlp.up.weight              [feedForward, width]
//   blocks.<b>.mlp.down.weight            [width, feedForward]
//   blocks.<b>.mlp.post_norm.weight       [width]                     gemma3: before the residual add
//   norm.weight                           [width]                     final norm
//   head.weight                           [vocabulary, width]         only where !tiedHead
// Norm weights of gemma3 are w of y = x (1 + w); the file holds 1 + w. Divisors of rope_freqs are in the
// Hyperparameters. The table per family is in tensor_names.cpp; a tensor that it lacks, or one too many, is
// refused by name.
//
// open() reads the header only. load() is safe from several threads; the object is immutable. What was loaded
// is finite, aligned to 64 bytes and independent of the file. Weights are made under NoGradGuard, never as
// inference tensors.
//
// Errors: checkpoint.family (unknown architecture or feature, by name), checkpoint.tensor (missing, extra,
// wrong shape, non-finite), checkpoint.type (a quantisation that cannot be read, by name),
// checkpoint.metadata, checkpoint.split, checkpoint.memory, cancelled, gguf.*, file.*.
#pragma once

#include "core/container/gguf_file.h"
#include "core/engine/checkpoint/hyperparameters.h"
#include "core/engine/checkpoint/tensor_names.h"
#include "core/study/precision.h"
#include "core/study/tokenizer_source.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

using Weights = std::map<std::string, at::Tensor, std::less<>>;

class Checkpoint {
public:
    static Checkpoint open(const std::string& path); // a GGUF file

    const std::string& path() const { return m_file->origin(); }
    const Hyperparameters& hyperparameters() const { return m_hyperparameters; }
    TokenizerSource tokenizerSource() const;
    const GgufFile& file() const { return *m_file; }

    std::vector<std::string> names() const; // in file order, which is the quick order to load
    bool contains(std::string_view name) const;
    std::vector<std::int64_t> shape(std::string_view name) const;
    std::int64_t parameters() const;                      // elements of all canonical tensors
    std::uint64_t memoryBytes(at::ScalarType type) const; // what loadAll will allocate, without its buffers

    // type is kFloat or kBFloat16 (rounded once, ties to even). On the CPU; threads as at::get_num_threads().
    at::Tensor load(std::string_view name, at::ScalarType type) const;

    // done and total in bytes of the result. Returning false stops with Error "cancelled". Called on the
    // calling thread, before the first tensor and after each.
    using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;
    // All tensors; pages of the file are given back as they are used. Error checkpoint.memory before anything
    // is allocated if the machine cannot hold them.
    Weights loadAll(at::ScalarType type, at::Device device = at::kCPU, const Progress& progress = {}) const;

private:
    struct Source {
        TensorPlan plan;
        const GgufTensor* tensor = nullptr;
    };
    explicit Checkpoint(std::shared_ptr<const GgufFile> file);
    const Source& source(std::string_view name) const;
    at::Tensor loadSource(const Source& source, at::ScalarType type) const;

    std::shared_ptr<const GgufFile> m_file;
    Hyperparameters m_hyperparameters;
    std::vector<Source> m_sources; // in file order
};

at::ScalarType
scalarType(Precision precision); // error checkpoint.precision for one that weights cannot be loaded at

} // namespace azimuth
