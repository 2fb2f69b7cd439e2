// A checkpoint, a GGUF file or a Hugging Face folder: tensors by canonical name, at the precision of the run,
// whatever the files store.
//
// Canonical names; every tensor is row-major [out, in] as in most of Hugging Face's models, so y = x W^T:
//   embed.weight                          [vocabulary, width]         not scaled
//   positions.weight                      [learnedPositions, width]   gpt2
//   blocks.<b>.attention.norm.weight      [width]                     before attention; not olmo2
//   blocks.<b>.attention.q.weight         [heads * headWidth, width]  rows in rotate-half order
//   blocks.<b>.attention.k.weight         [keyValueHeads * headWidth, width]
//   blocks.<b>.attention.v.weight         [keyValueHeads * headWidth, width]
//   blocks.<b>.attention.o.weight         [width, heads * headWidth]
//   blocks.<b>.attention.q_norm.weight    [headWidth]                 qwen3, gemma3; olmo2: all of q
//   blocks.<b>.attention.k_norm.weight    [headWidth]                 likewise; olmo2: all of k
//   blocks.<b>.attention.post_norm.weight [width]                     gemma2, gemma3, olmo2
//   blocks.<b>.mlp.norm.weight            [width]                     before the MLP; not olmo2
//   blocks.<b>.mlp.gate.weight            [feedForward, width]        not gpt2, gpt_neox
//   blocks.<b>.mlp.up.weight              [feedForward, width]
//   blocks.<b>.mlp.down.weight            [width, feedForward]
//   blocks.<b>.mlp.post_norm.weight       [width]                     likewise; both before the add
//   norm.weight                           [width]                     final norm
//   head.weight                           [vocabulary, width]         only where !tiedHead
// Biases have the name of their weight with .bias and the length of its output: q, k, v where
// queryKeyValueBias, o where outputBias, gate, up and down where feedForwardBias; every layer norm (gpt2,
// gpt_neox: attention.norm, mlp.norm, norm). Fused matrices are stored apart here: attn_qkv, qkv_proj, c_attn
// and query_key_value give q, k and v, gate_up_proj gives gate and up.
// Norm weights of the Gemmas are w of y = x (1 + w); a GGUF file holds 1 + w, a folder w. Divisors of
// rope_freqs and of the long and short factors are in the Hyperparameters. The table per family and container
// is in tensor_table.cpp; a tensor that it lacks, or one too many, is refused by name, but for those that are
// no weights (isIgnorable).
//
// A simulated precision (int8-rtn-row, int4-rtn-g64, nf4-b64; simulated_precision.h) is a checkpoint whose
// linear layers load as rounded to that grid, for a computation in float.
//
// open() reads headers only, and refuses what load() could not read. load() is safe from several threads; the
// object is immutable. What was loaded is finite, aligned to 64 bytes and independent of the files. Weights
// are made under NoGradGuard, never as inference tensors.
//
// Errors: checkpoint.family (unknown architecture or feature, by name), checkpoint.tensor (missing, extra,
// wrong shape, non-finite), checkpoint.type (a storage type that cannot be read, by name),
// checkpoint.metadata, checkpoint.split, checkpoint.memory, checkpoint.precision, model.folder, cancelled,
// gguf.*, safetensors.*, json.*, file.*.
#pragma once

#include "core/engine/checkpoint/hyperparameters.h"
#include "core/engine/checkpoint/stored_model.h"
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
    // A GGUF file or a folder. `precision` matters where it is simulated.
    static Checkpoint open(const std::string& path, Precision precision = Precision::Fp32);

    const std::string& path() const { return m_stored->path(); }
    const Hyperparameters& hyperparameters() const { return m_hyperparameters; }
    TokenizerSource tokenizerSource() const;
    const StoredModel& stored() const { return *m_stored; }

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
        const StoredTensor* tensor = nullptr;
    };
    Checkpoint(std::shared_ptr<const StoredModel> stored, Precision precision);
    const Source& source(std::string_view name) const;
    void checkReadable(const Source& source) const;
    at::Tensor loadSource(const Source& source, at::ScalarType type) const;

    std::shared_ptr<const StoredModel> m_stored;
    Precision m_precision;
    Hyperparameters m_hyperparameters;
    std::vector<Source> m_sources; // in file order
};

// The type to compute in; float for the simulated precisions.
at::ScalarType scalarType(Precision precision);

} // namespace azimuth
