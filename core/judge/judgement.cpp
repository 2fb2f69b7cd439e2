#include "core/judge/judgement.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/judge/garbled.h"
#include "core/judge/prose.h"

#include <algorithm>
#include <re2/re2.h>
#include <vector>

namespace azimuth {
namespace {

struct CompiledRule {
    BehaviourRule rule;
    std::vector<std::unique_ptr<re2::RE2>> expressions;
};

CompiledRule compile(const BehaviourRule& rule) {
    CompiledRule compiled{rule, {}};
    if (rule.normaliseApostrophes && rule.kind == BehaviourRule::Kind::Contains)
        for (auto& value : compiled.rule.values)
            value = withPlainApostrophes(value);
    if (rule.kind != BehaviourRule::Kind::Regex)
        return compiled;
    re2::RE2::Options options;
    options.set_log_errors(false);
    for (const auto& pattern : rule.values) {
        auto expression = std::make_unique<re2::RE2>(pattern, options);
        if (!expression->ok())
            throw Error("judge.regex",
                        "The judge's pattern \"" + forMessage(pattern) +
                            "\" cannot be used: " + expression->error() + ".",
                        "Write it in RE2 syntax (no look-around, no back-references).");
        compiled.expressions.push_back(std::move(expression));
    }
    return compiled;
}

std::string quoted(const std::string& text) { return "\"" + forMessage(text, 60) + "\""; }

// What the rule found, or an empty text.
std::string found(const CompiledRule& compiled, std::string_view text) {
    const auto& rule = compiled.rule;
    std::string plain;
    if (rule.normaliseApostrophes) {
        plain = withPlainApostrophes(text);
        text = plain;
    }
    if (rule.firstSentences > 0)
        text = firstSentences(text, rule.firstSentences);
    switch (rule.kind) {
    case BehaviourRule::Kind::Contains: {
        const auto lower = lowered(text);
        for (const auto& value : rule.values)
            if (lower.find(value) != std::string::npos)
                return "contains " + quoted(value);
        return {};
    }
    case BehaviourRule::Kind::Regex:
        for (std::size_t i = 0; i < compiled.expressions.size(); ++i)
            if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled.expressions[i]))
                return "matches " + quoted(rule.values[i]);
        return {};
    case BehaviourRule::Kind::MinimumLineBreaks: {
        const auto trimmed = trimmedView(text);
        const auto breaks = std::count(trimmed.begin(), trimmed.end(), '\n');
        return breaks >= rule.minimum
                   ? std::to_string(breaks) + (breaks == 1 ? " line break" : " line breaks")
                   : std::string();
    }
    }
    return {};
}

} // namespace

struct CompiledJudge::Rules {
    GarbledParameters garbled;
    bool ignoreMarkdown = false;
    std::vector<CompiledRule> behaviour;
};

CompiledJudge::CompiledJudge(const Judge& judge) : m_rules(std::make_unique<Rules>()) {
    m_rules->garbled = GarbledParameters::of(judge.garbledRules);
    m_rules->ignoreMarkdown = judge.ignoreMarkdown;
    for (const auto& rule : judge.rules)
        m_rules->behaviour.push_back(compile(rule));
}

CompiledJudge::~CompiledJudge() = default;
CompiledJudge::CompiledJudge(CompiledJudge&&) noexcept = default;
CompiledJudge& CompiledJudge::operator=(CompiledJudge&&) noexcept = default;

Judgement CompiledJudge::operator()(std::string_view text) const {
    if (!isValidUtf8(text))
        throw Error("text.utf8", "A completion is not UTF-8: " + forMessage(text, 40),
                    "Decode its token ids again.");
    std::string behaviour;
    for (const auto& rule : m_rules->behaviour)
        if (behaviour = found(rule, text); !behaviour.empty())
            break;
    const auto garbled = m_rules->ignoreMarkdown
                             ? garbledReason(text, withoutMarkdown(text), m_rules->garbled)
                             : garbledReason(text, text, m_rules->garbled);
    Judgement judgement;
    judgement.behaves = !behaviour.empty();
    judgement.verdict = !garbled.empty()    ? Verdict::Garbled
                        : judgement.behaves ? Verdict::Coherent
                                            : Verdict::Normal;
    judgement.reason = garbled.empty() ? behaviour : garbled;
    return judgement;
}

Judgement judge(std::string_view text, const Judge& judge) { return CompiledJudge(judge)(text); }

} // namespace azimuth
