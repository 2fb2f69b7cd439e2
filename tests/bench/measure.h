// What the bench programs share.
#pragma once

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <unistd.h>

namespace azimuth::bench {

inline double residentMegabytes() {
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

// A line of the table; `budget` may be empty.
inline void print(const char* what, double value, const char* unit, const char* budget) {
    std::printf("%-58s %10.1f %-5s %s\n", what, value, unit, budget);
    std::fflush(stdout);
}

// As after a restart of the machine, as far as one may: its pages leave the cache.
inline void forget(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
}

} // namespace azimuth::bench
