#include "core/engine/checkpoint/tensor_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace azimuth {
namespace {

enum class Extent { Width, Vocabulary, FeedForward, Queries, Keys, HeadWidth };
enum class Rows { AsStored, InterleavedQueries, InterleavedKeys };

struct TensorRow {
    const char* stored;
    const char* canonical;
    std::array<Extent, 2> shape; // of a matrix [out, in]; a vector has only the first
    int axes;
    Rows rows = Rows::AsStored;
    float offset = 0;
};

using enum Extent;

constexpr std::array llamaBlock = {
    TensorRow{"attn_norm.weight", "attention.norm.weight", {Width}, 1},
    TensorRow{"attn_q.weight", "attention.q.weight", {Queries, Width}, 2, Rows::InterleavedQueries},
    TensorRow{"attn_k.weight", "attention.k.weight", {Keys, Width}, 2, Rows::InterleavedKeys},
    TensorRow{"attn_v.weight", "attention.v.weight", {Keys, Width}, 2},
    TensorRow{"attn_output.weight", "attention.o.weight", {Width, Queries}, 2},
    TensorRow{"ffn_norm.weight", "mlp.norm.weight", {Width}, 1},
    TensorRow{"ffn_gate.weight", "mlp.gate.weight", {FeedForward, Width}, 2},
    TensorRow{"ffn_up.weight", "mlp.up.weight", {FeedForward, Width}, 2},
    TensorRow{"ffn_down.weight", "mlp.down.weight", {Width, FeedForward}, 2},
};

// The converter stores 1 + w of every norm; the offset gives back w.
constexpr std::array gemma3Block = {
    TensorRow{"attn_norm.weight", "attention.norm.weight", {Width}, 1, Rows::AsStored, -1},
    TensorRow{"attn_q.weight", "attention.q.weight", {Queries, Width}, 2},
    TensorRow{"attn_k.weight", "attention.k.weight", {Keys, Width}, 2},
    TensorRow{"attn_v.weight", "attention.v.weight", {Keys, Width}, 2},
    TensorRow{"attn_output.weight", "attention.o.weight", {Width, Queries}, 2},
    TensorRow{"attn_q_norm.weight", "attention.q_norm.weight", {HeadWidth}, 1, Rows::AsStored, -1},
    TensorRow{"attn_k_norm.weight", "attention.k_norm.weight", {HeadWidth}, 1, Rows::AsStored, -1},
    TensorRow{"post_attention_norm.weight", "attention.post_norm.weight", {Width}, 1, Rows::AsStored, -1},
    TensorRow{"ffn_norm.weight", "mlp.norm.weight", {Width}, 1, Rows::AsStored, -1},
    TensorRow{"ffn_gate.weight", "mlp.gate.weight", {FeedForward, Width}, 2},
    TensorRow{"ffn_up.weight", "mlp.up.weight", {FeedForward, Width}, 2},
    TensorRow{"ffn_down.weight", "mlp.down.weight", {Width, FeedForward}, 2},
    TensorRow{"post_ffw_norm.weight", "mlp.post_norm.weight", {Width}, 1, Rows::AsStored, -1},
};

struct FamilyRow {
    const char* name;
    std::span<const TensorRow> block;
    float normOffset; // of the final norm
};
constexpr std::array families = {FamilyRow{"gemma3", gemma3Block, -1}, FamilyRow{"llama", llamaBlock, 0}};

const FamilyRow* familyOf(std::string_view name) {
    const auto found =
        std::ranges::find(families, name, [](const FamilyRow& row) { return std::string_view(row.name); });
    return found == families.end() ? nullptr : &*found;
}

std::int64_t extent(Extent of, const Hyperparameters& h) {
    switch (of) {
    case Width:
        return h.width;
    case Vocabulary:
        return h.vocabulary;
    case FeedForward:
        return h.feedForward;
    case Queries:
        return h.heads * h.headWidth;
    case Keys:
        return h.keyValueHeads * h.headWidth;
    case HeadWidth:
        return h.headWidth;
    }
    return 0;
}

TensorPlan planOf(const TensorRow& row, const std::string& storedPrefix, const std::string& canonicalPrefix,
                  const Hyperparameters& h) {
    TensorPlan plan{storedPrefix + row.stored, canonicalPrefix + row.canonical, {}, 0, row.offset};
    for (int axis = 0; axis < row.axes; ++axis)
        plan.shape.push_back(extent(row.shape[static_cast<std::size_t>(axis)], h));
    if (row.rows != Rows::AsStored)
        plan.interleavedHeads = row.rows == Rows::InterleavedQueries ? h.heads : h.keyValueHeads;
    return plan;
}

} // namespace

bool isKnownFamily(std::string_view family) { return familyOf(family) != nullptr; }

std::string knownFamilies() {
    std::string names;
    for (const auto& row : families)
        names += (names.empty() ? "" : ", ") + std::string(row.name);
    return names;
}

std::vector<TensorPlan> tensorPlan(const Hyperparameters& h) {
    const auto* family = familyOf(h.family);
    std::vector<TensorPlan> plan;
    if (!family)
        return plan;
    plan.push_back(planOf({"token_embd.weight", "embed.weight", {Vocabulary, Width}, 2}, "", "", h));
    plan.push_back(planOf(
        {"output_norm.weight", "norm.weight", {Width}, 1, Rows::AsStored, family->normOffset}, "", "", h));
    if (!h.tiedHead)
        plan.push_back(planOf({"output.weight", "head.weight", {Vocabulary, Width}, 2}, "", "", h));
    for (std::int64_t b = 0; b < h.blocks; ++b)
        for (const auto& row : family->block)
            plan.push_back(
                planOf(row, "blk." + std::to_string(b) + ".", "blocks." + std::to_string(b) + ".", h));
    return plan;
}

bool isConsumedElsewhere(std::string_view stored) { return stored == "rope_freqs.weight"; }

} // namespace azimuth
