// A shard: the content of one job's result as one immutable file (FORMAT.md). The worker publishes it, the
// window merges it. HDF5 is used on the calling thread only; call from one thread of a process (the worker's
// job thread, the window's I/O thread).
#pragma once

#include "core/project/file_checker.h"
#include "core/study/project_view.h"

#include <string>

namespace azimuth {

// Writes the shard completely, fsyncs and renames it into place: after return it survives a power cut; on an
// error nothing is left behind. projectUuid: 36 characters, or empty for a result that belongs to no project
// (verbs). Returns the digest in the shard's user block, 64 hex digits: the SHA-256 of bytes 1024 to the end
// of the file. The event done{shard, sha256} carries this one. Error file.*, project.write, project.value.
std::string publishShard(const std::string& path, const JobResult& result, const std::string& projectUuid);

struct ShardHeader {
    std::string sha256;      // of bytes 1024 to the end
    std::string projectUuid; // empty: belongs to no project
    std::uint64_t fileBytes = 0;
};

// The user block only: cheap, no HDF5; the digest is not verified. Error file.open, project.*.
ShardHeader readShardHeader(const std::string& path);

// Digest first, then every size before it is allocated. expectedSha256 (if given) is compared with the user
// block's. Error file.open, project.foreign, project.kind, project.truncated, project.damaged, project.newer,
// project.content, project.hdf5, file.read.
JobResult readShard(const std::string& path, const std::string& expectedSha256 = {});
// One that a FileChecker has admitted, from the same open file. Error also project.changing.
JobResult readShard(const CheckedFile& file);

} // namespace azimuth
