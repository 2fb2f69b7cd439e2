// Rates of coherent, garbled and normal completions with Wilson 95 % intervals, and the labels they are
// computed from. This folder is the only place where a rate is computed; everything in it is a pure function
// of a ProjectView and safe from any thread. A completion counts only if its key is that of the study's
// rendering and decoding; the label that counts is the newest human one, else the newest of the concept's
// judge. Rates of different judges are never joined.
#pragma once

#include "core/study/project_view.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace azimuth {

// value is NaN and the interval 0 to 1 for n = 0. Error stats.count unless 0 <= count <= n.
Rate rateOf(std::int64_t count, std::int64_t n);

// The label that counts for each completion, for one judge.
class LabelIndex {
public:
    LabelIndex(const ProjectView& view, const std::string& judgeDigest);
    const Label* find(const Digest& completionKey) const; // lives as long as the view

private:
    struct KeyHash {
        std::size_t operator()(const Digest& digest) const;
    };
    std::unordered_map<Digest, const Label*, KeyHash> m_labels;
};

struct RateRow { // one model, arm and prompt set, by one judge
    std::string modelIdentity, modelName;
    std::string armDigest, armName;
    std::string conceptName;
    PromptRole role = PromptRole::Calibration;
    std::string judgeDigest;
    std::int64_t prompts = 0;     // in the set
    std::int64_t completions = 0; // there
    std::int64_t labelled = 0;    // of them; n of the rates
    std::int64_t byHand = 0;      // labels of a person
    Rate coherent, garbled, normal, behaves;
};

// Rows in the order of the study's models, concepts and roles, arms as they first appear among the
// completions; only combinations of which at least one completion is there.
std::vector<RateRow> rateTable(const ProjectView& view);

// Rule labels for the completions that the judge of their concept has not judged yet; a prompt of two
// concepts gets one of each judge. time: unix seconds. Error judge.regex.
std::vector<Label> labelMissing(const ProjectView& view, double time);

} // namespace azimuth
