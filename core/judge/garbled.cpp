#include "core/judge/garbled.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

namespace azimuth {
namespace {

constexpr double maximumCount = 1e6, maximumPhrase = 64;

Error unusable(const std::string& name, double value, const std::string& expected) {
    return Error("judge.parameter",
                 "The garbled rule parameter " + name + " is " + numberText(value, 6) + ", expected is " +
                     expected + ".",
                 "Change it in the concept's judge.");
}

std::int64_t whole(const std::string& name, double value, double maximum) {
    if (!(value >= 0 && value <= maximum) || std::floor(value) != value)
        throw unusable(name, value,
                       "a whole number from 0 to " + std::to_string(static_cast<std::int64_t>(maximum)));
    return static_cast<std::int64_t>(value);
}

double share(const std::string& name, double value) {
    if (!(value >= 0 && value <= 1))
        throw unusable(name, value, "a number from 0 to 1");
    return value;
}

// Longest run of equal neighbours at distance `period`: 1 + how many times in a row values[i] == values[i +
// period].
template <class T, class Counts>
std::size_t longestEcho(const std::vector<T>& values, std::size_t period, Counts counts) {
    std::size_t run = 0, longest = 0;
    for (std::size_t i = 0; i + period < values.size(); ++i) {
        run = values[i] == values[i + period] && counts(values[i]) ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

std::string times(const std::string& what, std::int64_t count) {
    return what + " " + std::to_string(count) + " times";
}

using Words = std::vector<std::int32_t>; // equal words, equal numbers

Words wordsOf(std::string_view text) {
    const auto words = splitOnSpace(lowered(text));
    std::unordered_map<std::string_view, std::int32_t> numbers;
    Words out;
    out.reserve(words.size());
    for (const auto& word : words)
        out.push_back(numbers.emplace(word, static_cast<std::int32_t>(numbers.size())).first->second);
    return out;
}

bool repeatsPhrase(const Words& words, const GarbledParameters& p) {
    if (p.phraseWords == 0 || p.phraseRepeats == 0 ||
        static_cast<std::int64_t>(words.size()) < p.phraseMinimumWords)
        return false;
    for (std::int64_t n = 1; n <= p.phraseWords; ++n) {
        const auto period = static_cast<std::size_t>(n);
        const auto needed = static_cast<std::size_t>(n * (p.phraseRepeats - 1));
        if (words.size() >= needed + period &&
            longestEcho(words, period, [](auto) { return true; }) >= needed)
            return true;
    }
    return false;
}

bool oneTokenRules(const Words& words, const GarbledParameters& p) {
    if (p.tokenCount == 0 || words.empty() || static_cast<std::int64_t>(words.size()) >= p.tokenBelowWords)
        return false;
    std::vector<std::int64_t> counts(words.size());
    for (const auto word : words)
        ++counts[static_cast<std::size_t>(word)];
    const auto top = *std::max_element(counts.begin(), counts.end());
    return top >= p.tokenCount && static_cast<double>(top) > p.tokenShare * static_cast<double>(words.size());
}

bool fewAlphanumeric(const std::vector<char32_t>& text, const GarbledParameters& p) {
    if (static_cast<std::int64_t>(text.size()) <= p.alphanumericAbove)
        return false;
    const auto count = std::count_if(text.begin(), text.end(), isAlphanumeric);
    return static_cast<double>(count) < p.alphanumericShare * static_cast<double>(text.size());
}

} // namespace

GarbledParameters GarbledParameters::of(const std::map<std::string, double>& rules) {
    GarbledParameters p;
    const std::map<std::string, std::int64_t*> counts{
        {"too_short.characters", &p.shortCharacters},
        {"one_character.run", &p.characterRun},
        {"one_word.run", &p.wordRun},
        {"phrase.repeats", &p.phraseRepeats},
        {"phrase.minimum_words", &p.phraseMinimumWords},
        {"one_token.count", &p.tokenCount},
        {"one_token.below_words", &p.tokenBelowWords},
        {"alphanumeric.above_characters", &p.alphanumericAbove}};
    for (const auto& [name, value] : rules) {
        if (const auto found = counts.find(name); found != counts.end())
            *found->second = whole(name, value, maximumCount);
        else if (name == "phrase.words")
            p.phraseWords = whole(name, value, maximumPhrase);
        else if (name == "one_token.share")
            p.tokenShare = share(name, value);
        else if (name == "alphanumeric.share")
            p.alphanumericShare = share(name, value);
        else
            throw Error("judge.parameter",
                        "\"" + forMessage(name, 60) + "\" is no parameter of a garbled rule.",
                        "Change it in the concept's judge.");
    }
    return p;
}

std::string garbledReason(std::string_view text, std::string_view repetitionText,
                          const GarbledParameters& p) {
    const auto trimmed = toCodePoints(trimmedView(text));
    if (static_cast<std::int64_t>(trimmed.size()) < p.shortCharacters)
        return "too short";
    if (p.characterRun > 0) {
        const auto characters = toCodePoints(trimmedView(repetitionText));
        const bool any =
            std::any_of(characters.begin(), characters.end(), [](char32_t c) { return c != U'\n'; });
        const auto run = longestEcho(characters, 1, [](char32_t c) { return c != U'\n'; }) + (any ? 1 : 0);
        if (static_cast<std::int64_t>(run) >= p.characterRun)
            return times("one character", p.characterRun);
    }
    const auto words = wordsOf(repetitionText);
    if (p.wordRun > 0 && !words.empty() &&
        static_cast<std::int64_t>(longestEcho(words, 1, [](auto) { return true; })) + 1 >= p.wordRun)
        return times("one word", p.wordRun);
    if (repeatsPhrase(words, p))
        return times("one phrase", p.phraseRepeats);
    if (oneTokenRules(words, p))
        return "one token over " + percentText(p.tokenShare);
    if (fewAlphanumeric(trimmed, p))
        return "under " + percentText(p.alphanumericShare) + " alphanumeric";
    return {};
}

} // namespace azimuth
