// The completions and labels of one study, found by what they are: model, prompt, arm. Private to
// core/results.
#pragma once

#include "core/results/rates.h"
#include "core/study/keys.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct StudyRow {
    std::int64_t row = -1; // of view.completions; -1: not there
    const Label* label = nullptr;
};

// One arm on one model over one prompt set, in the set's order.
struct ArmOutcome {
    std::vector<StudyRow> rows;
    std::int64_t missing = 0, unlabelled = 0;
    std::int64_t coherent = 0, garbled = 0, normal = 0, behaves = 0, byHand = 0;

    std::int64_t n() const { return coherent + garbled + normal; }
    bool complete() const { return missing == 0 && unlabelled == 0; }
    bool isCoherent(std::size_t prompt) const {
        return rows[prompt].label && rows[prompt].label->verdict == Verdict::Coherent;
    }
};

class StudyRows {
public:
    StudyRows(const ProjectView& view, const Study& study, const std::string& judgeDigest)
        : m_view(view), m_keys(study.rendering, study.decoding), m_labels(view, judgeDigest) {}

    StudyRow find(const std::string& modelIdentity, const std::string& promptId,
                  const std::string& armDigest) const;
    ArmOutcome outcome(const std::string& modelIdentity, const PromptSet& set,
                       const std::string& armDigest) const;
    const ProjectView& view() const { return m_view; }

private:
    const ProjectView& m_view;
    CompletionKeys m_keys;
    LabelIndex m_labels;
};

} // namespace azimuth
