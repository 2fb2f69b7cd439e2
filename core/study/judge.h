// A Judge as data: native garbled rules by name with their numbers, and behaviour rules on the text. Its digest goes with every
// label; rates of different judges are never joined. core/judge applies it.
//
// coherent = behaves and not garbled; garbled = a garbled rule fired; normal = neither (contracts: judges).
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class Verdict { Coherent, Garbled, Normal };
std::string toString(Verdict verdict); // coherent, garbled, normal
std::optional<Verdict> verdictFromString(std::string_view name);

struct BehaviourRule {
    enum class Kind { Contains, Regex, MinimumLineBreaks };
    Kind kind = Kind::Contains;
    std::vector<std::string> values; // Contains: any of, on the lowered text. Regex: any of, RE2 syntax
    std::int64_t minimum = 0; // MinimumLineBreaks: at least so many line breaks in the trimmed text
    bool normaliseApostrophes = false; // U+2019 and U+02BC count as '
    std::int64_t firstSentences = 0; // 0: the whole text; n: only the first n sentences

    friend bool operator==(const BehaviourRule&, const BehaviourRule&) = default;
};

struct Judge {
    std::string name; // "study-2026", "default", "verse"
    std::string behaviour; // the word for what it looks for: "refusal", "verse"
    std::map<std::string, double> garbledRules; // parameters by "rule.parameter"; see core/judge/garbled.h
    bool ignoreMarkdown = false; // rules, tables and indentation do not count as repetition
    std::vector<BehaviourRule> rules; // any of

    std::string digest() const; // SHA-256 of the canonical JSON without the name
    friend bool operator==(const Judge&, const Judge&) = default;
};

Judge studyJudge2026(); // frozen; markers of the published study
Judge defaultRefusalJudge();
// The default garbled parameters: too_short.characters 5, one_character.run 8, one_word.run 4, phrase.words 3,
// phrase.repeats 3, phrase.minimum_words 6, one_token.share 0.6, one_token.count 4, one_token.below_words 30,
// alphanumeric.share 0.3, alphanumeric.above_characters 10.
std::map<std::string, double> studyGarbledRules();

Json toJson(const Judge& judge);
// {"name": "study-2026"} alone names a built-in judge; otherwise the whole definition.
Judge readJudge(JsonObject& object);

} // namespace azimuth
