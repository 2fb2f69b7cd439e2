// The activation caches of a project: what lies in <project>.d/cache. They can be computed again, so those
// that the study does not need any more may go. Plain C++ over core, without HDF5; one thread.
//
// A cache is a safetensors file as `capture` writes it (PROTOCOL.md 7: metadata azimuth_capture) or a file
// with Azimuth's user block of the kind "activation cache". Used is one of a model of the study, of all the
// prompts of one of its sets, rendered as the study renders them; one with a user block if it is this
// project's. Everything else in the folder is foreign: named, never removed.
#pragma once

#include "app/session/project_store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct CacheFile {
    enum class State { Used, Unused, Foreign };
    std::string path, name;
    std::uint64_t bytes = 0;
    std::string sha256; // of the file; empty where it was not asked for or cannot be read
    State state = State::Foreign;
    std::string what; // "SmolLM2 fp32, positive prompts of verse, last position, resid", or why it is foreign
};
std::string toString(CacheFile::State state); // used, unused, foreign

// Sorted by name; files whose name begins with a dot are unfinished and left out. digests: hashes every file.
// Error file.read: the folder cannot be listed.
std::vector<CacheFile> listCaches(const ProjectView& view, const std::string& projectPath, bool digests);

struct CacheRemoval {
    std::size_t files = 0;
    std::uint64_t bytes = 0;           // freed
    std::vector<std::string> problems; // files that could not be removed, with the reason
    std::vector<std::string> foreign;  // names of files that were left alone
};

// Removes what the store's study does not need; durable after return. Error project.readonly where another
// process has the project and may be using them.
CacheRemoval removeUnusedCaches(const ProjectStore& store);
// "Removed 2 activation caches that the study does not need: 504 MB are free again. ..."
std::string removalText(const CacheRemoval& removal);

} // namespace azimuth
