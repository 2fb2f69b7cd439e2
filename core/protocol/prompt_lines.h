// Files of JSON lines. P.jsonl: one prompt a line, as in a job (PROTOCOL.md, verbs). Blank lines are skipped.
#pragma once

#include "core/protocol/job.h"

#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

// Error prompts.empty, text.utf8, json.* naming file and line; file.*. At most 1 GiB a file, 64 MiB a line.
std::vector<JobPrompt> readPromptLines(const std::string& path);
std::vector<JobPrompt> parsePromptLines(std::string_view text, const std::string& origin);

// C.jsonl of the verb score: one continuation a line, {"id", "text" or "ids", "first", "prompt"}; the last
// two may be missing.
struct ContinuationLine {
    JobContinuation continuation; // ids are unique
    std::string prompt;           // id of the only prompt that it follows; empty: all
};
// Error continuations.empty, and as above.
std::vector<ContinuationLine> readContinuationLines(const std::string& path);
std::vector<ContinuationLine> parseContinuationLines(std::string_view text, const std::string& origin);

} // namespace azimuth
