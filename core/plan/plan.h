// From a study and the results that are there to the jobs that are missing. Pure functions of values.
//
// Stages: inspect (find each model) -> extract (a bank per model, concept and method) -> sweep (control and
// every setting of the grid on the calibration prompts, models with `calibrate` only) -> calibrate (a choice
// to record; the caller computes it) -> evaluate (control, own and foreign arms on the evaluation prompts of
// each target) -> score (the study's continuations under the same arms). plan -> run
// -> plan is repeated until finished(). Evaluation begins when nothing before it can still be done, so that
// its key list is whole when it is cut.
//
// Batches (contracts 2): the keys of one model and stage that no recorded batch holds are cut, in the stage's
// order, into new batches; a recorded batch with a missing key is run again whole, under its own id. So a
// study that was killed and resumed computes the same rows in the same batches as one that was not. A job's
// id is the digest of its key list, so planning twice gives the same jobs.
#pragma once

#include "core/protocol/job.h"
#include "core/study/project_view.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace azimuth {

enum class Stage { Inspect, Extract, Sweep, Calibrate, Evaluate, Score };
std::string toString(Stage stage); // inspect, extract, sweep, calibrate, evaluate, score

struct PlannedJob {
    Stage stage = Stage::Inspect;
    JobSpec spec; // of generate: blobs is empty until the directions are written, except in recorded ones
    std::string modelName;             // the study's
    std::string title;                 // "SmolLM2: sweep, 64 completions"
    std::int64_t results = 0;          // keys of the job
    std::int64_t missing = 0;          // of them; fewer than results in a recorded batch that others overlap
    bool recorded = false;             // its specification is in the jobs folder
    std::vector<Direction> directions; // that its arms need
    double seconds = 0;                // estimate, see estimate.h
    std::uint64_t memoryBytes = 0;     // weights and cache at most
};

struct CalibrationDue {
    std::string modelIdentity, modelName, conceptName;
};

struct Blocked { // what cannot be done now, and why
    Stage stage = Stage::Inspect;
    std::string modelName, conceptName; // concept empty: all
    std::string reason;                 // one sentence
};

struct StageCount { // results of one model and stage as far as they are known now
    Stage stage = Stage::Inspect;
    std::string modelName;
    std::int64_t wanted = 0, present = 0;
};

struct Plan {
    std::vector<PlannedJob> jobs; // that can run now, in the order in which they should
    std::vector<CalibrationDue> calibrationsDue;
    std::vector<Blocked> blocked;
    std::vector<StageCount> counts;
    std::int64_t later = 0; // completions of stages that cannot be cut yet, guessed for a progress bar

    bool finished() const { return jobs.empty() && calibrationsDue.empty(); }
    double seconds() const; // of all jobs
    std::int64_t wanted() const;
    std::int64_t present() const;
};

// Batches that were recorded before they first ran, in any order.
using RecordedJobs = std::vector<std::shared_ptr<const JobSpec>>;
// Jobs that failed in this run, with the text of the failure: they are not planned again but reported as
// blocked.
using FailedJobs = std::map<std::string, std::string>;

// The view's study must have its banks' tensors (Error direction.* otherwise).
Plan plan(const ProjectView& view, const RecordedJobs& recorded = {}, const FailedJobs& failed = {});

} // namespace azimuth
