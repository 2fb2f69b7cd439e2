// The first 1,024 bytes of every file Azimuth publishes, readable without HDF5 (FORMAT.md, "User block"):
// what the file is, how long, which generation, and the SHA-256 of everything that follows. Bytes 0..1019 are
// protected by a CRC-32.
#pragma once

#include "core/base/sha256.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace azimuth {

inline constexpr std::size_t userBlockBytes = 1024;
inline constexpr std::uint32_t containerVersion = 1;
inline constexpr std::uint32_t formatVersion = 3;        // of the tables this program writes
inline constexpr std::uint32_t minimumReaderVersion = 1; // the oldest program that may open them

enum class FileKind : std::uint32_t { Project = 1, Shard = 2, Cache = 3 };
std::string toString(FileKind kind); // project, result shard, activation cache

struct UserBlock {
    FileKind kind = FileKind::Project;
    std::uint64_t fileBytes = 0;
    std::uint64_t generation = 0; // 0 for shards and caches
    std::uint64_t logSequence = 0; // number of the last edit of the log that a project holds
    std::string project;          // uuid, 36 characters; empty: belongs to no project
    std::string file;             // uuid of this very file
    Digest digest{};              // SHA-256 of bytes 1024 to the end
    std::uint32_t formatVersion = azimuth::formatVersion;
    std::uint32_t minimumReader = minimumReaderVersion;
    double saved = 0;    // unix seconds
    std::string creator; // program and version, at most 63 bytes
};

std::array<std::byte, userBlockBytes> encodeUserBlock(const UserBlock& block);

// Error project.foreign (not a file of Azimuth), project.damaged (its checksum), project.newer (container
// version).
UserBlock decodeUserBlock(const std::array<std::byte, userBlockBytes>& bytes, const std::string& path);

// The block alone, whatever the length of the file. Error file.read, project.foreign, project.truncated (not
// even a block), project.damaged, project.newer.
UserBlock readUserBlockAsWritten(int descriptor, const std::string& path);

// Reads the block and compares it with the file's length. Error file.open, project.foreign,
// project.truncated, project.damaged, project.newer. The content is not hashed.
UserBlock readUserBlock(const std::string& path);
UserBlock readUserBlock(int descriptor, const std::string& path);

// SHA-256 of bytes 1024 to fileBytes. pause, if given, is called after each MiB and may throw. Error
// file.read, project.damaged (the file is shorter).
Digest contentDigest(int descriptor, std::uint64_t fileBytes, const std::string& path,
                     const std::function<void()>& pause = {});
void requireKind(const UserBlock& block, FileKind kind, const std::string& path); // Error project.kind
void checkDigest(const UserBlock& block, const Digest& found,
                 const std::string& path); // Error project.damaged

// The same, then hashes bytes 1024 to the end of the same open file. Error project.damaged if the digest
// differs.
UserBlock verifyFile(int descriptor, const std::string& path);

} // namespace azimuth
