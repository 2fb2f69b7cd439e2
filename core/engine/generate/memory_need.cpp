#include "core/engine/generate/memory_need.h"

#include "core/base/error.h"
#include "core/base/units.h"
#include "core/engine/model/packed_batch.h"

#include <algorithm>
#include <limits>

namespace azimuth {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
// Tables of rotation, threads' buffers, the allocator's rounding: measured on SmolLM2 at 10 to 20 MiB.
constexpr std::uint64_t overhead = std::uint64_t{32} << 20;

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? most : product;
}
std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? most : sum;
}
std::uint64_t size(std::int64_t value) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value));
}

std::string partsText(const MemoryNeed& need) {
    std::string text;
    const auto part = [&](const char* name, std::uint64_t bytes) {
        if (bytes > 0)
            text += (text.empty() ? "" : ", ") + std::string(name) + " " + bytesText(bytes);
    };
    part("weights", need.weights);
    part("keys and values", need.cache);
    part("activations", need.activations);
    part("logits", need.logits);
    part("distributions", need.buffers);
    part("results", need.results);
    return text;
}

// The largest count that fits; 0 if not even the least does.
std::int64_t fittingCount(const ArchitectureSpec& spec, at::ScalarType compute, std::uint64_t weights,
                          const MemoryPlan& plan, std::uint64_t available) {
    std::int64_t low = plan.least - 1, high = plan.count;
    while (low < high) {
        const auto middle = high - (high - low) / 2;
        if (memoryNeed(spec, compute, weights, plan.shapeOf(middle)).total() <= available)
            low = middle;
        else
            high = middle - 1;
    }
    return low < plan.least ? 0 : low;
}

std::string remedyOf(const ArchitectureSpec& spec, at::ScalarType compute, const MemoryPlan& plan,
                     const MemorySettings& settings, std::uint64_t available) {
    const auto named = [&](std::int64_t count) { return std::to_string(count) + " " + plan.name + "."; };
    if (const auto count = fittingCount(spec, compute, settings.weightBytes, plan, available); count > 0)
        return "The largest that fits is " + named(count);
    const auto& low = settings.weightBytesBf16;
    const auto count = low ? fittingCount(spec, at::kBFloat16, *low, plan, available) : 0;
    if (count == plan.count)
        return "It fits in bf16.";
    if (count > 0)
        return "The largest that fits is bf16 with " + named(count);
    if (memoryNeed(spec, compute, settings.weightBytes, {}).total() <= available)
        return "The model itself fits: use shorter prompts, and fewer tokens for each.";
    if (low && memoryNeed(spec, at::kBFloat16, *low, {}).total() <= available)
        return "The model itself fits in bf16: use that with shorter prompts, and fewer tokens for each.";
    return "No setting of this model fits; use a smaller one, or a machine with more memory.";
}

} // namespace

std::uint64_t MemoryNeed::total() const {
    return plus(plus(plus(weights, cache), plus(activations, logits)),
                plus(plus(buffers, results), overhead));
}

MemoryNeed memoryNeed(const ArchitectureSpec& spec, at::ScalarType compute, std::uint64_t weightBytes,
                      const MemoryShape& shape) {
    const auto element = static_cast<std::uint64_t>(c10::elementSize(compute));
    MemoryNeed need;
    need.weights = weightBytes;
    if (shape.rows > 0)
        need.cache = times(times(times(size(spec.blocks), size(spec.keyValueWidth())), times(2, element)),
                           times(size(shape.rows), size(shape.positions)));
    need.cache = plus(need.cache, shape.shared);
    // The residual, what is added to it, its normalised copy and the branch's result; beside them either the
    // projections, their rotated copies and the mixed values, or the two halves of the MLP and their product.
    const auto attention = 2 * size(spec.queryWidth() + 2 * spec.keyValueWidth()) + size(spec.queryWidth());
    const auto mlp = 3 * size(spec.feedForward);
    const auto perToken = plus(4 * size(spec.width), std::max(attention, mlp));
    // Places of the tokens and their ids: 64 bytes each.
    need.activations = times(size(shape.tokens), plus(times(perToken, element), 64));
    // In each thread, the scores of a tile of queries, one head's group at least, and a copy of 32 columns of
    // the values.
    const auto longest = shape.positions > 0 ? size(shape.positions) : size(shape.tokens);
    const auto tile =
        size(std::max<std::int64_t>(32, spec.heads / std::max<std::int64_t>(1, spec.keyValueHeads))) + 32;
    need.activations =
        plus(need.activations, times(times(longest, tile * sizeof(float)), size(shape.threads)));
    // In the compute type, in F32, and in F64 while they are normalised or drawn from.
    need.logits = times(times(size(shape.logitRows), size(spec.vocabulary)), plus(element, 4 + 8));
    need.buffers = shape.buffers;
    need.results = shape.results;
    return need;
}

void checkMemory(const std::string& model, const ArchitectureSpec& spec, at::ScalarType compute,
                 const MemoryPlan& plan, const MemorySettings& settings, std::uint64_t available) {
    const auto need = memoryNeed(spec, compute, settings.weightBytes, plan.shapeOf(plan.count));
    if (need.total() <= available)
        return;
    throw Error("memory.prediction",
                model + " needs " + bytesText(need.total()) + " (" + partsText(need) + "); " +
                    bytesText(available) + " are free.",
                remedyOf(spec, compute, plan, settings, available));
}

} // namespace azimuth
