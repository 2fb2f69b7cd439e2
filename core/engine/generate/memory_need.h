// What a job will take, predicted before anything is allocated, and the refusal if the machine cannot give
// it.
//
// Weights at the run's precision; keys and values of the rows computed together; activations of one packed
// pass; logits. The activations are those of the widest moment of a block (residual, normalised input,
// projections) with every buffer that lives then; measured peaks lie below (tests). Pure but for the check.
// All sizes in bytes, saturating.
#pragma once

#include "core/engine/model/architecture_spec.h"

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace azimuth {

struct MemoryShape {            // what is computed at a time
    std::int64_t rows = 0;      // with a place in the cache of keys and values; 0: no cache
    std::int64_t positions = 0; // of one row in the cache, or of the longest sequence; 0: not known
    std::int64_t tokens = 0;    // of one packed pass
    std::int64_t logitRows = 0; // whose logits are there at once
    std::uint64_t buffers = 0;  // bytes of other tensors that are there at once
    std::uint64_t results = 0;  // bytes that stay until the job ends: captured rows, sums
    std::int64_t threads = 0;   // of a CPU, each with room of its own for attention; 0 on a GPU
    std::uint64_t shared = 0;   // bytes of keys and values that sequences share, with their copies
};

struct MemoryNeed {
    std::uint64_t weights = 0, cache = 0, activations = 0, logits = 0, buffers = 0, results = 0;
    std::uint64_t total() const;
};

// weightBytes: what is still to be loaded; 0 if the model is in memory.
MemoryNeed memoryNeed(const ArchitectureSpec& spec, at::ScalarType compute, std::uint64_t weightBytes,
                      const MemoryShape& shape);

// What a job computes at a time, as a function of a number that its user can make smaller.
struct MemoryPlan {
    std::int64_t count = 1;                                 // as asked for
    const char* name = "";                                  // of the number: "decoding rows"
    std::function<MemoryShape(std::int64_t count)> shapeOf; // of least..count; needs more for a larger one
    std::int64_t least = 1;                                 // the smallest that it can do with
};

struct MemorySettings {
    std::uint64_t weightBytes = 0; // at the run's precision, still to be loaded
    // The same in bf16, where that may be advised: of a run in fp32. The simulated precisions are compared by
    // a study, none stands for another.
    std::optional<std::uint64_t> weightBytesBf16;
};

// Error memory.prediction if the need exceeds what `available` has: both numbers, of what the need consists,
// and the largest setting that would fit: a smaller count, else bf16, else both; else whether it is the
// model that does not fit or what is computed with it.
void checkMemory(const std::string& model, const ArchitectureSpec& spec, at::ScalarType compute,
                 const MemoryPlan& plan, const MemorySettings& settings, std::uint64_t available);

} // namespace azimuth
