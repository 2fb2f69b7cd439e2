// Which file lies somewhere, and in which state. The number of its names and its place do not count: a save
// that keeps it as an earlier generation changes both. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace azimuth {

struct FileIdentity {
    std::uint64_t device = 0, inode = 0, bytes = 0;
    std::int64_t modifiedSeconds = 0, modifiedNanoseconds = 0;
    bool operator==(const FileIdentity&) const = default;
};
FileIdentity identityOf(int descriptor, const std::string& path);     // Error file.read
FileIdentity identityAt(const std::string& path);                     // Error file.read
std::optional<FileIdentity> identityIfThere(const std::string& path); // nothing: no file. Error file.read

} // namespace azimuth
