// What a job costs, roughly: 2 x parameters operations per token on a reference machine of two cores.
// Deterministic, so that batches are cut alike on every machine; the time left that a user sees comes from
// the running job instead.
#pragma once

#include "core/study/model.h"

#include <cstdint>
#include <string>

namespace azimuth {

inline constexpr double referenceOperations = 60e9; // per second, fp32

std::int64_t estimatedTokens(const std::string& text); // a quarter of its bytes and a template
double estimatedSeconds(const Model& model, std::int64_t tokens);
// Weights, a cache of keys and values for `rows` rows (as if every head had its own), activations.
std::uint64_t estimatedMemory(const Model& model, std::int64_t rows, std::int64_t tokensPerRow);

} // namespace azimuth
