// The Study: the declaration of everything to be measured. Paths never enter result keys.
#pragma once

#include "core/base/json.h"
#include "core/study/calibration.h"
#include "core/study/completion.h"
#include "core/study/concept.h"
#include "core/study/direction.h"
#include "core/study/intervention.h"
#include "core/study/model.h"
#include "core/study/rendering.h"
#include "core/study/score.h"

#include <string>
#include <vector>

namespace azimuth {

// Continuations to score after the prompts of one set, under the control and every arm of the evaluation.
struct ScoreSet {
    std::string name; // unique in the study
    std::string conceptName;
    PromptRole role = PromptRole::TestInduce;
    std::vector<Continuation> continuations; // at least one, all different
    bool kl = false; // with the divergence from the control, over the whole vocabulary

    friend bool operator==(const ScoreSet&, const ScoreSet&) = default;
};

struct Study {
    std::string title, description;
    std::vector<ModelReference> models; // at least one, names unique
    std::vector<Concept> concepts; // at least one, names unique
    Rendering rendering;
    std::vector<Method> methods{Method::Dim};
    SweepGrid sweep;
    Decoding decoding;
    bool transfer = true; // measure every ordered pair of calibrated targets
    std::vector<ScoreSet> scores;

    const ModelReference* model(const std::string& name) const;
    const Concept* concept_(const std::string& name) const;
};

// {"azimuth": "study", "version": 1, ...}. Error json.* with every finding.
Study readStudy(const Json& json, const std::string& origin);
Study readStudyFile(const std::string& path);
Json toJson(const Study& study);

} // namespace azimuth
