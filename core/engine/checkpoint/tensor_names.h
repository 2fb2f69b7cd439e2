// The table of tensors per family: what a file calls them, what Azimuth calls them, their shape and what is
// done to them. A family is a row of `families` in tensor_names.cpp and its list of tensors; nothing else in
// this folder knows families but the hyperparameter reader. No torch here.
#pragma once

#include "core/engine/checkpoint/hyperparameters.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

struct TensorPlan {
    std::string stored, canonical;
    std::vector<std::int64_t> shape;
    // > 0: rows are those of this many heads, each stored with the halves of its rotary pairs interleaved:
    // stored row h * w + 2 b + a is canonical row h * w + a * w / 2 + b (w the head width, a 0 or 1).
    // Architecture llama only.
    std::int64_t interleavedHeads = 0;
    float offset = 0; // canonical = stored + offset
};

bool isKnownFamily(std::string_view family);
std::string knownFamilies(); // "gemma3, llama"
std::vector<TensorPlan> tensorPlan(const Hyperparameters& hyperparameters);
bool isConsumedElsewhere(std::string_view stored); // rope_freqs.weight: part of the hyperparameters

} // namespace azimuth
