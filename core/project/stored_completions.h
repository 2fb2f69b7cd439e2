// /completions of a file as a CompletionTable whose texts and token ids stay there. Private to core/project.
#pragma once

#include "core/project/read_file.h"
#include "core/study/completion.h"

namespace azimuth::h5 {

// What is counted and looked up is read and checked now, the rest when it is asked for: its chunks against
// their checksums, each text as UTF-8. The table keeps the file open. Error project.content.
CompletionTable readCompletions(const ReadFile& file);

// The same rows, read from this file from now on: it has just been written from this table.
CompletionTable storedIn(const ReadFile& file, const CompletionTable& table);

} // namespace azimuth::h5
