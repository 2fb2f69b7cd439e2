#include "core/engine/checkpoint/tensor_names.h"

#include "core/engine/checkpoint/tensor_table.h"

#include <algorithm>

namespace azimuth {
namespace {

using namespace tensor_table;

const FamilyRow* familyOf(std::string_view name, Container container) {
    const auto found = std::ranges::find_if(
        families(), [&](const FamilyRow& row) { return row.name == name && row.container == container; });
    return found == families().end() ? nullptr : &*found;
}

std::int64_t extent(Extent of, const Hyperparameters& h) {
    switch (of) {
    case Extent::Width:
        return h.width;
    case Extent::Vocabulary:
        return h.vocabulary;
    case Extent::FeedForward:
        return h.feedForward;
    case Extent::Queries:
        return h.queryWidth();
    case Extent::Keys:
        return h.keyValueWidth();
    case Extent::HeadWidth:
        return h.headWidth;
    case Extent::Positions:
        return h.learnedPositions;
    case Extent::None:
        break;
    }
    return 0;
}

bool applies(When when, const Hyperparameters& h) {
    switch (when) {
    case When::QueryKeyValueBias:
        return h.queryKeyValueBias;
    case When::OutputBias:
        return h.outputBias;
    case When::FeedForwardBias:
        return h.feedForwardBias;
    case When::Always:
        break;
    }
    return true;
}

// Where the rows of a canonical tensor lie in the stored one, and how many rows that has.
void placeRows(TensorPlan& plan, Rows rows, const Hyperparameters& h) {
    const auto q = h.queryWidth(), kv = h.keyValueWidth(), w = h.headWidth, f = h.feedForward;
    const auto part = [&](std::int64_t first, std::int64_t storedRows) {
        plan.firstRow = first;
        plan.storedShape.front() = storedRows;
    };
    const auto ofHead = [&](std::int64_t which) {
        part(which * w, q + 2 * kv);
        plan.groupRows = w;
        plan.groupStride = 3 * w;
    };
    switch (rows) {
    case Rows::AsStored:
    case Rows::Transposed:
        break;
    case Rows::InterleavedQueries:
    case Rows::InterleavedKeys:
        plan.groupRows = plan.groupStride = w;
        plan.interleaved = true;
        break;
    case Rows::Query:
    case Rows::TransposedQuery:
        return part(0, q + 2 * kv);
    case Rows::Key:
    case Rows::TransposedKey:
        return part(q, q + 2 * kv);
    case Rows::Value:
    case Rows::TransposedValue:
        return part(q + kv, q + 2 * kv);
    case Rows::QueryOfHead:
        return ofHead(0);
    case Rows::KeyOfHead:
        return ofHead(1);
    case Rows::ValueOfHead:
        return ofHead(2);
    case Rows::Gate:
        return part(0, 2 * f);
    case Rows::Up:
        return part(f, 2 * f);
    }
}

bool isTransposed(Rows rows) {
    return rows == Rows::Transposed || rows == Rows::TransposedQuery || rows == Rows::TransposedKey ||
           rows == Rows::TransposedValue;
}

TensorPlan planOf(const TensorRow& row, const std::string& storedPrefix, const std::string& canonicalPrefix,
                  const FamilyRow& family, const Hyperparameters& h) {
    TensorPlan plan;
    plan.stored = storedPrefix + row.stored;
    plan.canonical = canonicalPrefix + row.canonical;
    plan.shape.push_back(extent(row.out, h));
    if (row.in != Extent::None)
        plan.shape.push_back(extent(row.in, h));
    plan.storedShape = plan.shape;
    placeRows(plan, row.rows, h);
    plan.transposed = isTransposed(row.rows);
    if (plan.transposed)
        std::ranges::reverse(plan.storedShape);
    if (plan.canonical.ends_with("norm.weight"))
        plan.offset = family.normOffset;
    return plan;
}

std::string prefixOf(const FamilyRow& family, const HasTensor& has) {
    for (const char* prefix : family.prefixes)
        if (has(std::string(prefix) + family.outer.embedding))
            return prefix;
    return family.prefixes.front();
}

} // namespace

std::int64_t TensorPlan::storedRow(std::int64_t row) const {
    if (groupRows == 0)
        return firstRow + row;
    const auto group = row / groupRows, inside = row % groupRows, half = groupRows / 2;
    return firstRow + group * groupStride + (interleaved ? 2 * (inside % half) + inside / half : inside);
}

std::vector<TensorPlan> tensorPlan(const Hyperparameters& h, Container container, const HasTensor& has) {
    const auto* family = familyOf(h.family, container);
    std::vector<TensorPlan> plan;
    if (!family)
        return plan;
    const auto& outer = family->outer;
    const auto prefix = prefixOf(*family, has);
    const auto add = [&](const TensorRow& row, const std::string& stored, const std::string& canonical) {
        if (applies(row.when, h))
            plan.push_back(planOf(row, stored, canonical, *family, h));
    };
    add({outer.embedding, "embed.weight", Extent::Vocabulary, Extent::Width}, prefix, "");
    if (h.learnedPositions > 0)
        add({outer.positions, "positions.weight", Extent::Positions, Extent::Width}, prefix, "");
    add({".weight", "norm.weight", Extent::Width}, prefix + outer.norm, "");
    if (family->normBias)
        add({".bias", "norm.bias", Extent::Width}, prefix + outer.norm, "");
    if (!h.tiedHead) {
        const auto head = storedHead(h.family, container, has);
        add({head.c_str(), "head.weight", Extent::Vocabulary, Extent::Width}, "", "");
    }
    for (std::int64_t b = 0; b < h.blocks; ++b) {
        const auto number = std::to_string(b) + ".";
        for (const auto& group : family->block)
            for (const auto& row : group)
                add(row, prefix + outer.block + number, "blocks." + number);
    }
    return plan;
}

std::string storedHead(std::string_view familyName, Container container, const HasTensor& has) {
    const auto* family = familyOf(familyName, container);
    if (!family)
        return {};
    for (const char* name : family->outer.heads)
        if (*name != '\0' && has(name))
            return name;
    return {};
}

bool isIgnorable(const Hyperparameters& h, Container container, std::string_view stored) {
    const auto* family = familyOf(h.family, container);
    if (!family)
        return false;
    const auto among = [&](Names names, const auto& matches) {
        return std::ranges::any_of(names, [&](const char* name) { return *name != '\0' && matches(name); });
    };
    return among(family->ignorableStarts, [&](const char* name) { return stored.starts_with(name); }) ||
           among(family->ignorableEnds, [&](const char* name) { return stored.ends_with(name); }) ||
           (h.tiedHead && among(family->outer.heads, [&](const char* name) { return stored == name; }));
}

} // namespace azimuth
