// Merging results into a project, as pure functions on values: idempotent, first wins.
//   models by identity; banks, completions and scores by key; arms by digest; jobs by id, start and state;
//   calibrations by id and time; notes, figures and provenance records by all they say; labels by completion,
//   judge, source, rater, verdict, behaviour, retraction, reason and time - a rule's without the time, which
//   says nothing about it.
// So merging several projects gives the same set of rows in any order, unless two of them have something else
// under one key: then the first stays, the other is counted as differing, and its labels are left out,
// because they were given to another text. Any thread.
//
// Order. Rows are appended; labels and notes are put in by their time, each side keeping its own order,
// because the newest counts. A calibration of a model and concept that the project has chosen already comes
// before its own, unless the other project has the project's choice too and chose again: only a user
// re-chooses.
//
// A model whose name and precision are those of a study's model that is not resolved yet resolves it. The
// view's study stays: results that it does not ask for are kept and count once it does.
#pragma once

#include "core/study/project_view.h"

#include <string>

namespace azimuth {

struct MergeCount { // what was new
    std::size_t models = 0, banks = 0, arms = 0, completions = 0, scores = 0, jobs = 0, labels = 0, notes = 0,
                calibrations = 0, figures = 0, provenance = 0;
    std::size_t differing = 0; // results with a key that is there with another content; left out

    // Provenance comes along with what it is about and is nothing new by itself.
    bool nothing() const {
        return models + banks + arms + completions + scores + jobs + labels + notes + calibrations +
                   figures ==
               0;
    }
    MergeCount& operator+=(const MergeCount& other);
};

// The view with the result in it; parts that did not change are shared with `view`. count, if given, receives
// what was new.
ProjectView merge(const ProjectView& view, const JobResult& result, MergeCount* count = nullptr);

// The same for many results in their order; one pass, so the time does not grow with results x rows.
ProjectView merge(const ProjectView& view, const std::vector<JobResult>& results,
                  MergeCount* count = nullptr);

// The same for everything that another project holds but its study and its transfer snapshot. Its banks must
// have their tensors.
ProjectView merge(const ProjectView& view, const ProjectView& other, MergeCount* count = nullptr);

// Error merge.conflict, with every finding, where merging would put two things under one name of the view's
// study: another model under a model's name, directions from other prompts or another rendering, or a
// calibration by another judge, under a concept's. origin: the other file, for the message.
void checkMergeable(const ProjectView& view, const ProjectView& other, const std::string& origin);
void checkMergeable(const ProjectView& view, const JobResult& other, const std::string& origin);

} // namespace azimuth
