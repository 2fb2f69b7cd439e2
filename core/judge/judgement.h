// Applies a Judge (core/study/judge.h) to a text. Works on code points with Python's str semantics (strip,
// lower, split, isalnum), so that study-2026 gives what its published Python gives. Linear in the length of
// the text. Pure; one CompiledJudge may be used from many threads.
//
// verdict: coherent = behaviour present and not garbled; garbled = a garbled rule fired; normal = neither.
#pragma once

#include "core/study/judge.h"

#include <memory>
#include <string>
#include <string_view>

namespace azimuth {

struct Judgement {
    Verdict verdict = Verdict::Normal;
    bool behaves = false; // behaviour present, garbled or not
    std::string reason;   // the garbled rule that fired, else the behaviour rule; empty if none
    friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Compiles the rules once; use it for many texts.
class CompiledJudge {
public:
    // Error judge.regex names the pattern, judge.parameter a garbled rule's number that makes no sense.
    explicit CompiledJudge(const Judge& judge);
    ~CompiledJudge();
    CompiledJudge(CompiledJudge&&) noexcept;
    CompiledJudge& operator=(CompiledJudge&&) noexcept;

    // text as decoded, without special tokens. Error text.utf8 if it is not UTF-8.
    Judgement operator()(std::string_view text) const;

private:
    struct Rules;
    std::unique_ptr<Rules> m_rules;
};

Judgement judge(std::string_view text, const Judge& judge);

} // namespace azimuth
