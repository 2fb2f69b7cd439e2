// Completions and labels, as columns. A table never changes once it is shared; CompletionTable::Builder makes one.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/sha256.h"
#include "core/study/judge.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace azimuth {

enum class Finish : std::uint8_t { Stop, Length };
std::string toString(Finish finish);

struct Decoding {
    std::int64_t maximumNewTokens = 32;
    double temperature = 0; // 0: greedy
    std::int64_t topK = 0; // 0: off
    double topP = 1;
    std::uint64_t seed = 0; // 0 under greedy decoding
    std::int64_t rows = 32; // rows of one fixed batch

    friend bool operator==(const Decoding&, const Decoding&) = default;
};
Json toJson(const Decoding& decoding); // seed as a text
Decoding readDecoding(JsonObject& object);

struct Completion { // one row, by value
    Digest key{};
    std::string modelIdentity; // 64 hex
    std::string promptId; // 64 hex
    std::string armDigest; // 64 hex, of the interventions
    std::vector<std::int32_t> ids; // generated, including the end token
    std::string text; // without special tokens
    Finish finish = Finish::Length;
    double logProbability = 0; // sum over ids, natural logarithm; NaN if not measured
    std::int32_t promptTokens = 0;
    std::string jobId;
};

class CompletionTable {
public:
    std::size_t size() const { return m_rows.size(); }
    bool empty() const { return m_rows.empty(); }
    const Completion& row(std::size_t index) const { return *m_rows.at(index); }
    // Row of a key, or -1.
    std::int64_t find(const Digest& key) const;
    bool contains(const Digest& key) const { return find(key) >= 0; }

    // This table and the given rows; a key that is there already wins (merge is idempotent, first wins).
    CompletionTable with(const std::vector<Completion>& rows) const;
    CompletionTable with(std::vector<Completion>&& rows) const; // without copying them

private:
    struct KeyHash {
        std::size_t operator()(const Digest& digest) const;
    };
    std::vector<std::shared_ptr<const Completion>> m_rows;
    std::unordered_map<Digest, std::size_t, KeyHash> m_index;
};

// One judgement of one completion. Append-only; for a judge the newest counts, a human label before a rule's. Of
// one rater the newest counts; if that is retracted, the rater says nothing.
struct Label {
    enum class Source : std::uint8_t { Rule, Human, Import };
    Digest completionKey{};
    std::string judgeDigest; // 64 hex; empty for a human label
    Source source = Source::Rule;
    Verdict verdict = Verdict::Normal;
    bool behaves = false; // behaviour present, garbled or not
    std::string reason; // the garbled rule or behaviour rule that fired; empty if none
    std::string rater; // "rule", or who
    double time = 0; // unix seconds
    bool retracted = false; // of a human label
};

} // namespace azimuth
