#include "core/plan/estimate.h"

namespace azimuth {

namespace {
constexpr std::int64_t templateTokens = 24, bytesPerToken = 4;

// The simulated precisions compute in float.
std::uint64_t bytesOf(Precision precision) { return precision == Precision::Bf16 ? 2 : 4; }
} // namespace

std::int64_t estimatedTokens(const std::string& text) {
    return static_cast<std::int64_t>(text.size()) / bytesPerToken + templateTokens;
}

double estimatedSeconds(const Model& model, std::int64_t tokens) {
    const double factor = model.compute == Precision::Bf16 ? 0.5 : 1;
    return 2 * factor * static_cast<double>(model.parameters) * static_cast<double>(tokens) /
           referenceOperations;
}

std::uint64_t estimatedMemory(const Model& model, std::int64_t rows, std::int64_t tokensPerRow) {
    const auto tokens = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(tokensPerRow);
    const auto width = static_cast<std::uint64_t>(model.width),
               blocks = static_cast<std::uint64_t>(model.blocks);
    const auto cache = tokens * blocks * width * 2 * bytesOf(model.compute);
    const auto logits = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(model.vocabulary) * 4;
    return model.memoryBytes + cache + logits + tokens * width * 4 * 8;
}

} // namespace azimuth
