// Files far larger than what they hold, and what reading them costs.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace azimuth::test {

// `beginning`, then zeros up to `size` that take no room on the disk.
inline bool writeSparse(const std::string& path, const std::string& beginning, std::uint64_t size) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << beginning;
    file.close();
    return file && ::truncate(path.c_str(), static_cast<off_t>(size)) == 0;
}

// The most that this process ever had in memory, file pages too.
inline std::uint64_t peakBytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

} // namespace azimuth::test
