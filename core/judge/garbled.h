// The garbled rules, in the order in which they are tried. Each is a native rule with numeric parameters,
// named "rule.parameter" in Judge::garbledRules; a parameter that is missing or 0 turns its rule off. Words
// are those of str.lower().split().
//
//   too_short      fewer than `characters` code points after trimming
//   one_character  any code point but the line feed `run` times in a row
//   one_word       a word `run` times in a row
//   phrase         1 to `words` words `repeats` times in a row, in a text of at least `minimum_words` words
//   one_token      one word at least `count` times and more than `share` of all, in a text of fewer than
//   `below_words` words alphanumeric   beyond `above_characters` code points, fewer than `share` of them
//   alphanumeric
//
// The published text of the study leaves two things open; this is our reading: short words end below 30
// words, and blanks count as characters in the last rule.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace azimuth {

struct GarbledParameters {
    std::int64_t shortCharacters = 0;
    std::int64_t characterRun = 0;
    std::int64_t wordRun = 0;
    std::int64_t phraseWords = 0, phraseRepeats = 0, phraseMinimumWords = 0;
    double tokenShare = 0;
    std::int64_t tokenCount = 0, tokenBelowWords = 0;
    double alphanumericShare = 0;
    std::int64_t alphanumericAbove = 0;

    // Error judge.parameter for an unknown name, a number that is not whole where one is meant, one below 0
    // or too large (phrases of more than 64 words, shares above 1).
    static GarbledParameters of(const std::map<std::string, double>& rules);
};

// The rule that fires first, as "one word 4 times"; empty if none. repetitionText is what the three rules on
// repetition and one_token look at; it is text itself unless the judge ignores Markdown.
std::string garbledReason(std::string_view text, std::string_view repetitionText,
                          const GarbledParameters& parameters);

} // namespace azimuth
