#include "core/results/rates.h"

#include "core/judge/judgement.h"
#include "core/results/study_rows.h"
#include "core/stats/intervals.h"

#include <cstring>
#include <limits>
#include <set>

namespace azimuth {
namespace {

using ArmsOf =
    std::map<std::string, std::vector<std::string>>; // identity -> arm digests, in order of appearance

ArmsOf armsPresent(const ProjectView& view) {
    ArmsOf arms;
    std::set<std::pair<std::string, std::string>> seen;
    const std::string *model = nullptr, *arm = nullptr; // rows of one arm come together
    for (std::size_t i = 0; i < view.completions->size(); ++i) {
        const auto row = view.completions->head(i);
        if (&row.modelIdentity == model && &row.armDigest == arm)
            continue;
        model = &row.modelIdentity;
        arm = &row.armDigest;
        if (seen.emplace(row.modelIdentity, row.armDigest).second)
            arms[row.modelIdentity].push_back(row.armDigest);
    }
    return arms;
}

RateRow rateRow(const ArmOutcome& outcome) {
    RateRow row;
    row.prompts = static_cast<std::int64_t>(outcome.rows.size());
    row.completions = row.prompts - outcome.missing;
    row.labelled = outcome.n();
    row.byHand = outcome.byHand;
    row.coherent = rateOf(outcome.coherent, outcome.n());
    row.garbled = rateOf(outcome.garbled, outcome.n());
    row.normal = rateOf(outcome.normal, outcome.n());
    row.behaves = rateOf(outcome.behaves, outcome.n());
    return row;
}

} // namespace

Rate rateOf(std::int64_t count, std::int64_t n) {
    const auto interval = wilsonInterval(count, n);
    Rate rate;
    rate.count = count;
    rate.n = n;
    rate.value = n == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : static_cast<double>(count) / static_cast<double>(n);
    rate.low = interval.low;
    rate.high = interval.high;
    return rate;
}

std::size_t LabelIndex::KeyHash::operator()(const Digest& digest) const {
    std::size_t value = 0; // the key is a hash already
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

LabelIndex::LabelIndex(const ProjectView& view, const std::string& judgeDigest) {
    std::unordered_map<Digest, std::vector<const Label*>, KeyHash> people; // the newest of each rater
    for (const auto& label : view.labels) {
        if (label->source == Label::Source::Human) {
            auto& said = people[label->completionKey];
            std::erase_if(said, [&](const Label* other) { return other->rater == label->rater; });
            said.push_back(label.get());
        } else if (label->judgeDigest == judgeDigest) {
            m_labels[label->completionKey] = label.get();
        }
    }
    for (const auto& [key, said] : people)
        for (const auto* label : said)
            if (!label->retracted)
                m_labels[key] = label;
}

const Label* LabelIndex::find(const Digest& completionKey) const {
    const auto found = m_labels.find(completionKey);
    return found == m_labels.end() ? nullptr : found->second;
}

StudyRow StudyRows::find(const std::string& modelIdentity, const std::string& promptId,
                         const std::string& armDigest) const {
    const auto key = m_keys.of(modelIdentity, promptId, armDigest);
    StudyRow row;
    row.row = m_view.completions->find(key);
    if (row.row >= 0)
        row.label = m_labels.find(key);
    return row;
}

ArmOutcome StudyRows::outcome(const std::string& modelIdentity, const PromptSet& set,
                              const std::string& armDigest) const {
    ArmOutcome outcome;
    for (const auto& prompt : set.prompts) {
        const auto row = find(modelIdentity, prompt.id, armDigest);
        outcome.rows.push_back(row);
        if (row.row < 0)
            ++outcome.missing;
        else if (!row.label)
            ++outcome.unlabelled;
        if (!row.label)
            continue;
        outcome.coherent += row.label->verdict == Verdict::Coherent;
        outcome.garbled += row.label->verdict == Verdict::Garbled;
        outcome.normal += row.label->verdict == Verdict::Normal;
        outcome.behaves += row.label->behaves;
        outcome.byHand += row.label->source == Label::Source::Human;
    }
    return outcome;
}

std::vector<RateRow> rateTable(const ProjectView& view) {
    const auto& study = *view.study;
    const auto arms = armsPresent(view);
    std::map<std::string, std::string> armNames;
    for (const auto& arm : view.arms)
        armNames.emplace(arm->digest(), arm->name);
    std::vector<RateRow> table;
    for (const auto& value : study.concepts) {
        const auto judge = value.induce.digest();
        const StudyRows rows(view, study, judge);
        for (const auto& reference : study.models) {
            const auto* model = view.model(reference.name);
            const auto present = model ? arms.find(model->identity) : arms.end();
            if (present == arms.end())
                continue;
            for (const auto& [role, set] : value.sets)
                for (const auto& arm : present->second) {
                    auto row = rateRow(rows.outcome(model->identity, set, arm));
                    if (row.completions == 0)
                        continue;
                    row.modelIdentity = model->identity;
                    row.modelName = reference.name;
                    row.armDigest = arm;
                    row.armName = armNames.count(arm) ? armNames.at(arm) : std::string();
                    row.conceptName = value.name;
                    row.role = role;
                    row.judgeDigest = judge;
                    table.push_back(std::move(row));
                }
        }
    }
    return table;
}

std::vector<Label> labelMissing(const ProjectView& view, double time) {
    std::vector<Label> labels;
    for (const auto& value : view.study->concepts) {
        std::set<std::string> prompts;
        for (const auto& [role, set] : value.sets)
            for (const auto& prompt : set.prompts)
                prompts.insert(prompt.id);
        const auto digest = value.induce.digest();
        std::set<Digest> judged;
        for (const auto& label : view.labels)
            if (label->source == Label::Source::Rule && label->judgeDigest == digest)
                judged.insert(label->completionKey);
        for (const auto& label : labels) // two concepts with one judge
            if (label.judgeDigest == digest)
                judged.insert(label.completionKey);
        const CompiledJudge judge(value.induce);
        for (std::size_t i = 0; i < view.completions->size(); ++i) {
            const auto row = view.completions->head(i);
            if (!prompts.count(row.promptId) || judged.count(row.key))
                continue;
            const auto judgement = judge(view.completions->text(i));
            Label label;
            label.completionKey = row.key;
            label.judgeDigest = digest;
            label.verdict = judgement.verdict;
            label.behaves = judgement.behaves;
            label.reason = judgement.reason;
            label.rater = "rule";
            label.time = time;
            labels.push_back(std::move(label));
        }
    }
    return labels;
}

} // namespace azimuth
