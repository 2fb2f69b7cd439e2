// The scores that a study wants of one model, and the jobs for those that are missing; private to core/plan.
//
// After the evaluation: of each ScoreSet, every prompt of its set, under the control and every arm of the
// evaluation of its concept, with every continuation. Nothing is chosen from a score, so jobs are cut from
// what is missing, in that order, at most maximumJobRows rows each and whole prompts where they fit.
#pragma once

#include "core/plan/plan.h"

namespace azimuth {

struct ScorePlan {
    std::int64_t wanted = 0, present = 0;
    std::vector<PlannedJob> jobs;
};

// Error plan.direction, and those of transferRuns.
ScorePlan scorePlan(const ProjectView& view, const Model& model, const ModelReference& reference);

} // namespace azimuth
