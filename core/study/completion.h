// Completions and labels, as columns. A table never changes once it is shared; CompletionTable::Builder makes
// one. A table keeps of a row what is counted and looked up (about 90 bytes); its text and token ids are read
// from where they lie when somebody asks for them, so that a project of any length opens at once.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/sha256.h"
#include "core/study/judge.h"

#include <cstdint>
#include <memory>
#include <optional>
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
    std::int64_t topK = 0;  // 0: off
    double topP = 1;
    std::uint64_t seed = 0; // 0 under greedy decoding
    std::int64_t rows = 32; // rows of one fixed batch

    friend bool operator==(const Decoding&, const Decoding&) = default;
};
Json toJson(const Decoding& decoding); // seed as a text
Decoding readDecoding(JsonObject& object);

struct Completion { // one row, by value
    Digest key{};
    std::string modelIdentity;     // 64 hex
    std::string promptId;          // 64 hex
    std::string armDigest;         // 64 hex, of the interventions
    std::vector<std::int32_t> ids; // generated, including the end token
    std::string text;              // without special tokens
    Finish finish = Finish::Length;
    double logProbability = 0; // sum over ids, natural logarithm; NaN if not measured
    std::int32_t promptTokens = 0;
    std::string jobId;
};

// Where texts and token ids lie: a part of a project file, or memory. Safe from any thread.
class CompletionSource {
public:
    virtual ~CompletionSource() = default;
    virtual std::size_t rows() const = 0;
    // Error file.read, project.*: what lies there cannot be read any more.
    virtual std::string text(std::size_t row) const = 0;
    virtual std::vector<std::int32_t> ids(std::size_t row) const = 0;
    virtual std::string rowsDigest() const = 0; // rows_sha256 of FORMAT.md; empty: not known
    // The same without waiting for a disk: nothing if it is not in memory.
    virtual std::optional<std::string> textAtHand(std::size_t row) const = 0;
    virtual std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t row) const = 0;
};

struct CompletionHead { // a row without text and ids; refers into its table
    const Digest& key;
    const std::string &modelIdentity, &promptId, &armDigest, &jobId;
    Finish finish;
    double logProbability;
    std::int32_t promptTokens;
    std::uint32_t tokens; // number of ids
};

class CompletionTable {
public:
    class Builder;
    using Sources = std::vector<std::shared_ptr<const CompletionSource>>;

    std::size_t size() const { return m_entries.size(); }
    bool empty() const { return m_entries.empty(); }
    // Row of a key, or -1.
    std::int64_t find(const Digest& key) const;
    bool contains(const Digest& key) const { return find(key) >= 0; }

    // Error std::out_of_range beyond size(). One name has one address in a table: two rows of one model give
    // the same &modelIdentity.
    CompletionHead head(std::size_t index) const;
    const Digest& key(std::size_t index) const { return m_entries.at(index).key; }
    std::string text(std::size_t index) const;              // Error as the source's
    std::vector<std::int32_t> ids(std::size_t index) const; // likewise
    Completion row(std::size_t index) const;                // the whole, read at once; likewise
    std::optional<std::string> textAtHand(std::size_t index) const;
    std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t index) const;

    // This table and the given rows, in memory; a key that is there already wins (merge is idempotent, first
    // wins).
    CompletionTable with(std::vector<Completion> rows) const;

    // The same rows, the first of them now read from `parts` (perPart rows each, the last one fewer).
    CompletionTable storedIn(const Sources& parts, std::size_t perPart) const;
    // The source whose rows are exactly [begin, end) of this table in their order, or null.
    std::shared_ptr<const CompletionSource> sourceOf(std::size_t begin, std::size_t end) const;

private:
    struct Entry {
        Digest key{};
        std::uint32_t model = 0, prompt = 0, arm = 0, job = 0; // of m_names
        double logProbability = 0;
        std::int32_t promptTokens = 0;
        std::uint32_t tokens = 0;
        std::uint32_t source = 0, row = 0; // of m_sources, and there
        Finish finish = Finish::Length;
    };
    struct Names;

    std::vector<Entry> m_entries;
    std::vector<std::uint32_t> m_slots; // row + 1 by key, open addressing; 0: free
    std::shared_ptr<const Names> m_names;
    Sources m_sources;
};

// One thread.
class CompletionTable::Builder {
public:
    explicit Builder(const CompletionTable& base = {}, std::size_t more = 0); // more: rows that will come
    ~Builder();

    std::uint32_t name(std::string_view text); // for a Row
    struct Row {
        Digest key{};
        std::uint32_t model = 0, prompt = 0, arm = 0, job = 0; // names
        Finish finish = Finish::Length;
        double logProbability = 0;
        std::int32_t promptTokens = 0;
        std::uint32_t tokens = 0;
    };
    std::uint32_t addSource(std::shared_ptr<const CompletionSource> source);
    // False, and nothing is added, if the key is there. place: row of the source.
    bool add(const Row& row, std::uint32_t source, std::uint32_t place);
    bool add(const CompletionTable& other, std::size_t index); // a row of another table, from where it lies
    CompletionTable finish();

private:
    void growSlots(std::size_t rows);

    CompletionTable m_table;
    std::shared_ptr<Names> m_ownNames; // once there is a new one
    std::uint32_t m_last = 0;
    std::unordered_map<const CompletionSource*, std::uint32_t> m_known; // sources of other tables
};

// One judgement of one completion. Append-only; for a judge the newest counts, a human label before a rule's.
// Of one rater the newest counts; if that is retracted, the rater says nothing.
struct Label {
    enum class Source : std::uint8_t { Rule, Human, Import };
    Digest completionKey{};
    std::string judgeDigest; // 64 hex; empty for a human label
    Source source = Source::Rule;
    Verdict verdict = Verdict::Normal;
    bool behaves = false;   // behaviour present, garbled or not
    std::string reason;     // the garbled rule or behaviour rule that fired; empty if none
    std::string rater;      // "rule", or who
    double time = 0;        // unix seconds
    bool retracted = false; // of a human label
};

} // namespace azimuth
