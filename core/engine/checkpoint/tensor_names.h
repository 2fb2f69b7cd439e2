// The table of tensors per family and container: what a file calls them, what Azimuth calls them, their shape
// and where in the stored tensor their rows lie. A family is a row of `families` in tensor_names.cpp and its
// groups of tensors; nothing else in this folder knows families but the hyperparameter readers. No torch.
#pragma once

#include "core/engine/checkpoint/hyperparameters.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class Container { Gguf, Folder }; // a GGUF file, a Hugging Face folder

// One canonical tensor and where it lies. A vector [n] counts as n rows of one value.
// Canonical row g * groupRows + i is row firstRow + g * groupStride + j of the stored matrix [out, in], with
// j = i, or, where interleaved, the inverse of stored 2 b + a = canonical a * groupRows / 2 + b (a 0 or 1).
struct TensorPlan {
    std::string stored, canonical;
    std::vector<std::int64_t> shape;       // canonical
    std::vector<std::int64_t> storedShape; // what the file must have
    bool transposed = false;               // stored [in, out]
    std::int64_t firstRow = 0;
    std::int64_t groupRows = 0, groupStride = 0; // 0: one group of all rows
    bool interleaved = false;                    // the halves of the rotary pairs of a group alternate
    float offset = 0;                            // canonical = stored + offset

    bool rowsInOrder() const { return groupRows == 0; }
    std::int64_t storedRow(std::int64_t row) const;
};

using HasTensor = std::function<bool(std::string_view)>;

// The plan of a model. `has` says which names the file has: prefixes of folders differ
// ("model.", "language_model.model.", none), and some tensors have two names.
std::vector<TensorPlan> tensorPlan(const Hyperparameters& hyperparameters, Container container,
                                   const HasTensor& has);
// The stored name of the output head, empty if there is none.
std::string storedHead(std::string_view family, Container container, const HasTensor& has);
// A stored tensor that is no weight: rotary tables, attention masks, a vision tower and its projector, the
// head of a model whose configuration ties it.
bool isIgnorable(const Hyperparameters& hyperparameters, Container container, std::string_view stored);

} // namespace azimuth
