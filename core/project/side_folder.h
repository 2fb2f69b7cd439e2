// The folder beside a project: study.h5 has study.h5.d/. Paths only; nothing here reads HDF5. Any thread.
#pragma once

#include <string>
#include <vector>

namespace azimuth {

struct SideFolder {
    std::string root;      // <project>.d
    std::string shards;    // results of the worker that are not merged yet, *.h5
    std::string blobs;     // directions for jobs, <sha256>.safetensors
    std::string jobs;      // job specifications of a bundle
    std::string cache;     // activation caches, regenerable
    std::string previous;  // earlier generations: prev
    std::string temporary; // files of this session: tmp
};

// The folders of a project; none is created. A symbolic link is followed, so that the folder lies beside the
// real file.
SideFolder sideFolder(const std::string& projectPath);

// Creates a folder and what is missing above it, durably: what is published in it later cannot lose its
// folder in a power cut. Error file.create, file.sync.
void ensureFolder(const std::string& folder);

// Removes the unfinished files that killed processes left: everything in tmp/, and elsewhere in the side
// folder and beside the project what AtomicFile names so and nobody has written to for a minute before the
// lock was taken, for a worker of another window or machine may be publishing a shard. Only for the owner of
// the project's lock. Never throws: what stays is not read.
void removeLeftovers(const std::string& projectPath);

// The shards that lie in a project's side folder, sorted by name; hidden (unfinished) files are left out.
// Empty if there is none.
std::vector<std::string> shardFiles(const std::string& projectPath);

} // namespace azimuth
