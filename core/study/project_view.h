// Everything a project holds, as an immutable value that widgets, results and the planner read. An edit yields a new view that
// shares the parts that did not change. Safe from any thread.
#pragma once

#include "core/study/calibration.h"
#include "core/study/completion.h"
#include "core/study/direction.h"
#include "core/study/note.h"
#include "core/study/score.h"
#include "core/study/study.h"
#include "core/study/transfer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class JobState : std::uint8_t { Done, Failed, Cancelled };
std::string toString(JobState state);
std::optional<JobState> jobStateFromString(std::string_view name);

struct JobRecord {
    std::string id, kind; // id: digest of the key list
    JobState state = JobState::Done;
    std::string modelIdentity;
    std::string started, ended; // UTC
    double seconds = 0;
    std::int64_t results = 0;
    std::string environment; // canonical JSON: build, torch, ISA, threads, device, seeds
    std::string error; // code and text of a failed job
};

struct ProvenanceRecord {
    std::string time, actor, action, object, details; // details: canonical JSON
};

struct StoredFigure { // a Figure of the project: a view of results, regenerated from them
    std::string name, kind, specification; // canonical JSON
};

struct ProjectView {
    std::string uuid;
    std::string title;
    std::uint64_t generation = 0;
    std::string fileUuid; // of the very file that it was read from or saved as; empty: not known
    std::uint64_t logSequence = 0; // number of the last edit that this view holds
    std::string created, saved; // UTC
    std::shared_ptr<const Study> study; // never null
    std::vector<std::string> modelIdentities; // per study model; empty text: not resolved yet
    std::vector<std::shared_ptr<const Model>> models; // resolved ones
    std::vector<std::shared_ptr<const DirectionBank>> banks;
    std::vector<std::shared_ptr<const Arm>> arms; // by digest, every arm that a completion has
    std::shared_ptr<const CompletionTable> completions; // never null
    std::vector<std::shared_ptr<const Score>> scores; // each key once
    std::vector<std::shared_ptr<const Label>> labels; // append-only, in order of time
    std::vector<std::shared_ptr<const Note>> notes; // append-only, in order of time
    std::vector<std::shared_ptr<const Calibration>> calibrations; // append-only; the newest per model and concept counts
    std::vector<TransferCell> transfer; // snapshot
    std::vector<StoredFigure> figures;
    std::vector<JobRecord> jobs;
    std::vector<ProvenanceRecord> provenance;

    // The resolved model of a study's name, or null.
    const Model* model(const std::string& name) const;
    const Model* modelByIdentity(const std::string& identity) const;
    const DirectionBank* bank(const std::string& modelIdentity, const std::string& conceptName, Method method) const;
    const Arm* arm(const std::string& digest) const;
    const Calibration* calibration(const std::string& modelIdentity, const std::string& conceptName) const;
    // The newest note on it, or null.
    const Note* note(NoteSubject subject, const std::string& object) const;
    // The text of a prompt of the study, or null.
    const Prompt* prompt(const std::string& id) const;
};

// What one worker job yields; the content of a shard.
struct JobResult {
    JobRecord job;
    std::vector<Model> models;
    std::vector<DirectionBank> banks; // with tensors
    std::vector<Arm> arms;
    std::vector<Completion> completions;
    std::vector<Score> scores;
};

} // namespace azimuth
