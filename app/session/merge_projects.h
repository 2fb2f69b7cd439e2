// Merging projects and result shards into a project on disk: what `azimuth merge` does. Plain C++ over core;
// one thread, which uses HDF5. The rules are those of core/project/merge.h.
//
// All or nothing: the target is published once, as its next generation, after everything was read and fits
// together; until then it is as it was, and so it stays after an error or a kill. The other files are only
// read; projects with their shards and edits that are not saved yet. If nothing is new nothing is published.
#pragma once

#include "core/project/merge.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct MergedSource {
    std::string path, kind; // kind: project, result shard
    std::string title;      // of a project
    MergeCount count;       // what was new in the target
    // Completions that came and that the target's study does not ask for: another prompt, model, rendering or
    // decoding. They are kept, and count once the study asks for them.
    std::size_t outsideStudy = 0;
    std::vector<std::string> notes; // shards of the source that could not be read, choices that stayed
};

struct MergeReport {
    std::string project;
    std::uint64_t generation = 0; // of the target now
    bool published = false;
    std::vector<MergedSource> sources;
    std::vector<std::string> notes; // about the target: shards of its own that were taken, and the like
    MergeCount total() const;
};

// Error merge.conflict, merge.self, project.kind, project.readonly (another process has the target), and
// whatever reading or saving gives.
MergeReport mergeProjects(const std::string& project, const std::vector<std::string>& from);

} // namespace azimuth
