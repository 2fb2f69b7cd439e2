// The records that the tests of storage write, and the lines that acknowledge them. A line is a kind, the
// record's key and the CRC-32 of its content; verify.py computes the same from the files.
#pragma once

#include "core/plan/plan.h"
#include "core/study/edit.h"
#include "core/study/project_view.h"

#include <cstdint>
#include <string>

namespace azimuth::records {

// One job's result with `rows` completions and one bank, of random content; no key comes twice.
JobResult result(std::size_t rows);
Completion completion();
SetLabels labels(const ProjectView& view); // of one of its completions, by a rater of its own
SetNote note();                            // on a completion that no project has
JobRecord failedJob();
// Another name, another prompt, one concept more or one less; a model more or less.
Study changed(const Study& study);
std::string newText(const std::string& what); // that no other edit has
// A generation job with two directions of its own.
PlannedJob plannedJob(const Study& study);

std::string lineOf(const Completion& row); // "completion <key> <crc>"
std::string lineOf(const DirectionBank& bank);
std::string lineOf(const Label& label); // "label <sha256 of completion and rater> <crc>"
std::string lineOf(const Note& note);
std::string lineOf(const JobRecord& job);
std::string
lineOf(const ProvenanceRecord& edit);   // of a change of the study: "edit <sha256 of its text> <crc>"
std::string lineOf(const Study& study); // "study <crc>"
// Of what has no type of its own: "attached", "prepared" (a job by its id), "cache" (a file by its name).
std::string lineOf(const std::string& kind, const std::string& key, const std::string& content);

} // namespace azimuth::records
