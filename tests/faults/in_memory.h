// A project as the property test has it in memory: what counts of it, and what edits make of it.
#pragma once

#include "core/study/edit.h"
#include "core/study/project_view.h"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace azimuth {

// What an undo takes back: the newest word of each rater and of each note, the study, which choice counts.
struct Edited {
    std::map<std::pair<Digest, std::string>, Verdict> labels;
    std::map<std::pair<NoteSubject, std::string>, std::string> notes;
    std::string study;
    std::map<std::pair<std::string, std::string>, std::string> counted; // calibrations by model and concept
    bool operator==(const Edited&) const = default;
};

// What counts of a project: that, and what is only ever recorded.
struct InMemory : Edited {
    std::map<Digest, std::string> completions; // with the checksum of their content
    std::map<std::string, std::string> banks;  // likewise
    std::set<std::string> jobs, failures;
    std::map<std::string, std::string> choices; // calibrations and their banks
    bool operator==(const InMemory&) const = default;

    std::string difference(const InMemory& other) const; // what is not the same; empty: nothing
};

InMemory inMemory(const ProjectView& view);
// The model's own idea of an edit.
InMemory after(InMemory model, const Change& change);

} // namespace azimuth
