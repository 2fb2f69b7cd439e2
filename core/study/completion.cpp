#include "core/study/completion.h"

#include "core/base/error.h"
#include "core/study/names.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <limits>

namespace azimuth {

std::string toString(Finish finish) { return finish == Finish::Stop ? "stop" : "length"; }

Json toJson(const Decoding& decoding) {
    return {{"maximum_new_tokens", decoding.maximumNewTokens},
            {"temperature", decoding.temperature},
            {"top_k", decoding.topK},
            {"top_p", decoding.topP},
            {"seed", std::to_string(decoding.seed)},
            {"rows", decoding.rows}};
}

Decoding readDecoding(JsonObject& object) {
    Decoding decoding;
    decoding.maximumNewTokens = object.integer("maximum_new_tokens", 1, 65536);
    decoding.temperature = object.number("temperature", 0);
    if (decoding.temperature < 0 || decoding.temperature > 100)
        object.fail("temperature", "expected a number from 0 to 100");
    decoding.topK = object.integer("top_k", 0, 1 << 24, 0);
    decoding.topP = object.number("top_p", 1);
    if (!(decoding.topP > 0 && decoding.topP <= 1))
        object.fail("top_p", "expected a number above 0, at most 1");
    decoding.seed = object.unsigned64("seed", 0);
    if (decoding.temperature == 0 && decoding.seed != 0)
        object.fail("seed", "greedy decoding (temperature 0) has the seed \"0\"");
    decoding.rows = object.integer("rows", 1, 4096, 32);
    return decoding;
}

namespace {

std::size_t slotOf(const Digest& key, std::size_t slots) {
    std::size_t value = 0; // the key is a hash already
    std::memcpy(&value, key.data(), sizeof value);
    return value & (slots - 1);
}

class MemorySource : public CompletionSource {
public:
    struct Content {
        std::vector<std::int32_t> ids;
        std::string text;
    };
    explicit MemorySource(std::vector<Content> rows) : m_rows(std::move(rows)) {}
    std::size_t rows() const override { return m_rows.size(); }
    std::string text(std::size_t row) const override { return m_rows.at(row).text; }
    std::vector<std::int32_t> ids(std::size_t row) const override { return m_rows.at(row).ids; }
    std::string rowsDigest() const override { return {}; }
    std::optional<std::string> textAtHand(std::size_t row) const override { return text(row); }
    std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t row) const override { return ids(row); }

private:
    std::vector<Content> m_rows;
};

} // namespace

// Identities, prompts, arms and jobs: few, and each in many rows.
struct CompletionTable::Names {
    std::deque<std::string> values; // stay where they are
    std::unordered_map<std::string_view, std::uint32_t> index;

    Names() = default;
    Names(const Names& other) : values(other.values) {
        index.reserve(values.size());
        for (const auto& value : values)
            index.emplace(value, static_cast<std::uint32_t>(index.size()));
    }
    Names& operator=(const Names&) = delete;
    std::uint32_t add(std::string_view text) {
        const auto number = static_cast<std::uint32_t>(values.size());
        index.emplace(values.emplace_back(text), number);
        return number;
    }
};

std::int64_t CompletionTable::find(const Digest& key) const {
    if (m_slots.empty())
        return -1;
    for (auto slot = slotOf(key, m_slots.size());; slot = (slot + 1) & (m_slots.size() - 1)) {
        const auto found = m_slots[slot];
        if (found == 0)
            return -1;
        if (m_entries[found - 1].key == key)
            return static_cast<std::int64_t>(found) - 1;
    }
}

CompletionHead CompletionTable::head(std::size_t index) const {
    const auto& entry = m_entries.at(index);
    const auto& names = m_names->values;
    return {entry.key,    names[entry.model],   names[entry.prompt], names[entry.arm], names[entry.job],
            entry.finish, entry.logProbability, entry.promptTokens,  entry.tokens};
}

std::string CompletionTable::text(std::size_t index) const {
    const auto& entry = m_entries.at(index);
    return m_sources[entry.source]->text(entry.row);
}

std::vector<std::int32_t> CompletionTable::ids(std::size_t index) const {
    const auto& entry = m_entries.at(index);
    return m_sources[entry.source]->ids(entry.row);
}

std::optional<std::string> CompletionTable::textAtHand(std::size_t index) const {
    const auto& entry = m_entries.at(index);
    return m_sources[entry.source]->textAtHand(entry.row);
}

std::optional<std::vector<std::int32_t>> CompletionTable::idsAtHand(std::size_t index) const {
    const auto& entry = m_entries.at(index);
    return m_sources[entry.source]->idsAtHand(entry.row);
}

Completion CompletionTable::row(std::size_t index) const {
    const auto of = head(index);
    return {of.key,      of.modelIdentity, of.promptId,       of.armDigest,    ids(index),
            text(index), of.finish,        of.logProbability, of.promptTokens, of.jobId};
}

CompletionTable CompletionTable::with(std::vector<Completion> rows) const {
    Builder builder(*this, rows.size());
    std::vector<MemorySource::Content> content;
    const auto source = static_cast<std::uint32_t>(m_sources.size());
    for (auto& row : rows)
        if (builder.add({row.key, builder.name(row.modelIdentity), builder.name(row.promptId),
                         builder.name(row.armDigest), builder.name(row.jobId), row.finish, row.logProbability,
                         row.promptTokens, static_cast<std::uint32_t>(row.ids.size())},
                        source, static_cast<std::uint32_t>(content.size())))
            content.push_back({std::move(row.ids), std::move(row.text)});
    if (!content.empty())
        builder.addSource(std::make_shared<const MemorySource>(std::move(content)));
    return builder.finish();
}

CompletionTable CompletionTable::storedIn(const Sources& parts, std::size_t perPart) const {
    CompletionTable table = *this;
    table.m_sources = parts;
    std::unordered_map<std::uint32_t, std::uint32_t> kept; // sources of the rows that are not in the parts
    const auto stored = std::min(size(), parts.size() * perPart);
    for (std::size_t i = 0; i < size(); ++i) {
        auto& entry = table.m_entries[i];
        const auto part = i / perPart;
        if (i < stored && i % perPart < parts[part]->rows()) {
            entry.source = static_cast<std::uint32_t>(part);
            entry.row = static_cast<std::uint32_t>(i % perPart);
            continue;
        }
        const auto [found, isNew] =
            kept.emplace(entry.source, static_cast<std::uint32_t>(table.m_sources.size()));
        if (isNew)
            table.m_sources.push_back(m_sources[entry.source]);
        entry.source = found->second;
    }
    return table;
}

std::shared_ptr<const CompletionSource> CompletionTable::sourceOf(std::size_t begin, std::size_t end) const {
    if (begin >= end || end > size())
        return {};
    const auto source = m_entries[begin].source;
    if (m_sources[source]->rows() != end - begin)
        return {};
    for (auto i = begin; i < end; ++i)
        if (m_entries[i].source != source || m_entries[i].row != i - begin)
            return {};
    return m_sources[source];
}

CompletionTable::Builder::Builder(const CompletionTable& base, std::size_t more) {
    const auto rows = base.size() + more;
    m_table.m_entries.reserve(rows);
    m_table.m_entries.insert(m_table.m_entries.end(), base.m_entries.begin(), base.m_entries.end());
    m_table.m_slots = base.m_slots;
    m_table.m_names = base.m_names;
    m_table.m_sources = base.m_sources;
    growSlots(rows);
}

CompletionTable::Builder::~Builder() = default;

// At most half of the slots are taken.
void CompletionTable::Builder::growSlots(std::size_t rows) {
    auto& slots = m_table.m_slots;
    const auto wanted = std::bit_ceil(std::max<std::size_t>(rows * 2, 16));
    if (slots.size() >= wanted)
        return;
    slots.assign(wanted, 0);
    for (std::size_t i = 0; i < m_table.m_entries.size(); ++i) {
        auto slot = slotOf(m_table.m_entries[i].key, wanted);
        while (slots[slot] != 0)
            slot = (slot + 1) & (wanted - 1);
        slots[slot] = static_cast<std::uint32_t>(i + 1);
    }
}

std::uint32_t CompletionTable::Builder::addSource(std::shared_ptr<const CompletionSource> source) {
    m_table.m_sources.push_back(std::move(source));
    return static_cast<std::uint32_t>(m_table.m_sources.size() - 1);
}

std::uint32_t CompletionTable::Builder::name(std::string_view text) {
    const Names* names = m_table.m_names.get();
    if (names && m_last < names->values.size() && names->values[m_last] == text)
        return m_last; // rows of one model and arm come together
    if (names)
        if (const auto found = names->index.find(text); found != names->index.end())
            return m_last = found->second;
    if (!m_ownNames) {
        m_ownNames = names ? std::make_shared<Names>(*names) : std::make_shared<Names>();
        m_table.m_names = m_ownNames;
    }
    return m_last = m_ownNames->add(text);
}

bool CompletionTable::Builder::add(const Row& row, std::uint32_t source, std::uint32_t place) {
    auto& entries = m_table.m_entries;
    growSlots(entries.size() + 1);
    auto& slots = m_table.m_slots;
    auto slot = slotOf(row.key, slots.size());
    while (slots[slot] != 0) {
        if (entries[slots[slot] - 1].key == row.key)
            return false;
        slot = (slot + 1) & (slots.size() - 1);
    }
    if (entries.size() >= std::numeric_limits<std::uint32_t>::max() - 1)
        throw Error("study.completions", "A project holds at most 4,294,967,294 completions.", "");
    slots[slot] = static_cast<std::uint32_t>(entries.size() + 1);
    entries.push_back({row.key, row.model, row.prompt, row.arm, row.job, row.logProbability, row.promptTokens,
                       row.tokens, source, place, row.finish});
    return true;
}

bool CompletionTable::Builder::add(const CompletionTable& other, std::size_t index) {
    const auto row = other.head(index);
    const auto& entry = other.m_entries[index];
    const auto& from = other.m_sources[entry.source];
    const auto known = m_known.find(from.get());
    const auto source =
        known != m_known.end() ? known->second : static_cast<std::uint32_t>(m_table.m_sources.size());
    if (!add({row.key, name(row.modelIdentity), name(row.promptId), name(row.armDigest), name(row.jobId),
              row.finish, row.logProbability, row.promptTokens, row.tokens},
             source, entry.row))
        return false;
    if (known == m_known.end())
        m_known.emplace(from.get(), addSource(from));
    return true;
}

CompletionTable CompletionTable::Builder::finish() { return std::move(m_table); }

} // namespace azimuth
