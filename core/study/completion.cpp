#include "core/study/completion.h"

#include "core/study/names.h"

#include <cstring>

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

std::size_t CompletionTable::KeyHash::operator()(const Digest& digest) const {
    std::size_t value = 0; // the key is a hash already
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

std::int64_t CompletionTable::find(const Digest& key) const {
    const auto found = m_index.find(key);
    return found == m_index.end() ? -1 : static_cast<std::int64_t>(found->second);
}

CompletionTable CompletionTable::with(std::vector<Completion>&& rows) const {
    CompletionTable table = *this;
    table.m_rows.reserve(m_rows.size() + rows.size());
    table.m_index.reserve(m_rows.size() + rows.size());
    for (auto& row : rows)
        if (table.m_index.emplace(row.key, table.m_rows.size()).second)
            table.m_rows.push_back(std::make_shared<const Completion>(std::move(row)));
    return table;
}

CompletionTable CompletionTable::with(const std::vector<Completion>& rows) const {
    CompletionTable table = *this;
    table.m_rows.reserve(m_rows.size() + rows.size());
    for (const auto& row : rows)
        if (table.m_index.emplace(row.key, table.m_rows.size()).second)
            table.m_rows.push_back(std::make_shared<const Completion>(row));
    return table;
}

} // namespace azimuth
