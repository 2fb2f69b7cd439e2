// Merging a job's result into a project, as a pure function on values: idempotent, first wins.
//   models by identity; banks, completions and scores by key; arms by digest; job records by id, start and state.
// A model whose name and precision are those of a study's model that is not resolved yet resolves it. Any
// thread.
#pragma once

#include "core/study/project_view.h"

namespace azimuth {

struct MergeCount {
    std::size_t models = 0, banks = 0, arms = 0, completions = 0, scores = 0, jobs = 0; // what was new
    bool nothing() const { return models + banks + arms + completions + scores + jobs == 0; }
};

// The view with the result in it; parts that did not change are shared with `view`. count, if given, receives
// what was new.
ProjectView merge(const ProjectView& view, const JobResult& result, MergeCount* count = nullptr);

// The same for many results in their order; one pass, so the time does not grow with results x rows.
ProjectView merge(const ProjectView& view, const std::vector<JobResult>& results,
                  MergeCount* count = nullptr);

} // namespace azimuth
