// Edits: what a user does to a project, as values. An edit is applied to a view and yields the next one; the
// edit log holds it as JSON (FORMAT.md, "Log"), so that it is durable before a generation holds it. Undoing
// is another edit. Pure; safe from any thread.
//
// Errors: edit.missing (what is edited is not there), edit.value (it would make what the project cannot
// hold), json.* for JSON that is no edit.
#pragma once

#include "core/base/json.h"
#include "core/study/project_view.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace azimuth {

// A person's verdict on completions. No verdict withdraws what the same rater said before.
struct SetLabels {
    struct Item {
        Digest key{};
        std::optional<Verdict> verdict;
    };
    std::vector<Item> items;
    std::string rater;
};

struct SetNote {
    NoteSubject subject = NoteSubject::Project;
    std::string object, text;
};

// Names, order, deletions, prompts: everything that the study declares. A JSON Patch (RFC 6902) on its
// canonical JSON, with a test of each member that it changes: it fits the study that it was made from.
struct ChangeStudy {
    Json patch;
    // Of the new study's models, in order, as far as known: taking back a deletion gives the results back.
    std::vector<std::string> identities;
};

// The choice that counts from now on for its model and concept: a new one, or one that was made before.
struct RecordCalibration {
    Calibration calibration;
};

struct RecordJob { // one that left no shard: failed or cancelled
    JobRecord job;
};

// A published shard is part of the project: a project that lacks its job at the next start has lost it.
struct AttachShard {
    std::string job, file, sha256; // file: its name in the folder shards/
};

using Change = std::variant<SetLabels, SetNote, ChangeStudy, RecordCalibration, RecordJob, AttachShard>;

struct Edit {
    std::string text;   // what was done, for the menu and the record: "Label 3 completions"
    std::string author; // the user's name
    double time = 0;    // unix seconds
    Change change;
};

Json toJson(const Edit& edit);
Edit readEdit(const Json& json, const std::string& origin);

// The edit that leads from one study to another; nothing if they are equal.
std::optional<ChangeStudy> studyChange(const Study& from, const Study& to);

// The view with another study; models keep their identity where file, digest and precision are the
// same.
ProjectView withStudy(const ProjectView& view, const Study& study);

// The view after the edit. Labels of rules are not made here (core/results labels what is new).
ProjectView apply(const ProjectView& view, const Edit& edit);

// What leads back to `before` in what the change touches; nothing for what is only ever recorded.
std::optional<Change> inverse(const ProjectView& before, const Change& change);

} // namespace azimuth
