// Checks a file of Azimuth thoroughly and reports everything that is wrong, for `azimuth validate FILE` and
// for the child process that looks at files from elsewhere. Never throws for a bad file; a hostile one may
// crash HDF5, so call it in a child with limits.
#pragma once

#include "core/base/json.h"
#include "core/project/source_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct Finding {
    enum class Severity { Note, Problem };
    Severity severity = Severity::Problem;
    std::string place; // "/completions/parts/p000001/text_offsets"; empty: the file
    std::string text;
};

struct Validation {
    std::string path, kind; // project, result shard, activation cache; empty: not a file of Azimuth
    std::string projectUuid, creator, saved;
    std::string sha256; // of the content, as it was found; 64 hex digits
    std::uint64_t generation = 0, fileBytes = 0;
    struct Table {
        std::string path;
        std::uint64_t rows = 0;
    };
    std::vector<Table> tables;
    std::vector<Finding> findings;

    bool sound() const; // no problem; notes are allowed
};

Validation validateFile(const std::string& path);
// The same on a file that is open already. altered: its digest and length are not compared with what was
// written; everything else is.
Validation validateFile(const SourceFile& source, bool altered = false);
Json toJson(const Validation& validation);

} // namespace azimuth
