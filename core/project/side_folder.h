// The folder beside a project: study.h5 has study.h5.d/. Paths only; nothing here reads HDF5. Any thread.
#pragma once

#include <filesystem>
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
    std::string project;   // the project itself, a symbolic link followed
};

// The folders of a project; none is created. A symbolic link is followed, so that the folder lies beside the
// real file.
SideFolder sideFolder(const std::string& projectPath);

// What lies in a folder, sorted by name; nothing if there is no such folder. Error file.read: what cannot be
// listed is not the same as nothing.
std::vector<std::filesystem::directory_entry> entriesOf(const std::string& folder);
// Not a folder, a dangling link or gone. True where that cannot be told: reading it says why.
bool mayBeFile(const std::filesystem::directory_entry& entry);

// Creates a folder and what is missing above it, durably: what is published in it later cannot lose its
// folder in a power cut. Error file.create, file.sync.
void ensureFolder(const std::string& folder);

// Removes the unfinished files that killed processes left: everything in tmp/, and elsewhere in the side
// folder and beside the project what AtomicFile names so and nobody has written to for a minute before the
// lock was taken, for a worker of another window or machine may be publishing a shard. Only for the owner of
// the project's lock. Those in `except` stay. Never throws: what stays is not read.
void removeLeftovers(const std::string& projectPath, const std::vector<std::string>& except = {});

// The shards that lie in a project's side folder, sorted by name; hidden (unfinished) files are left out.
// Empty if there is none. Error file.read.
std::vector<std::string> shardFiles(const std::string& projectPath);

} // namespace azimuth
