// System calls that fail on demand, inside this test program: its own open, pread and statvfs come before the
// C library's, so the real code runs and only the disk is another one. Any thread.
#pragma once

#include <string>

namespace azimuth::failing {

// Calls on files whose path contains `part` fail with this errno until clear(). Opening for writing fails
// only through openForWriting.
void open(const std::string& part, int error);
void openForWriting(const std::string& part, int error);
void read(const std::string& part, int error);
void fullDisk(); // no free space on any file system
void clear();

} // namespace azimuth::failing
