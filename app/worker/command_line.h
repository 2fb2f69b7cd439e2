// The command line of azimuth-worker. Exit codes: 0 done, 1 failed, 2 the input is at fault, 130 interrupted.
#pragma once

#include <string>

namespace azimuth::worker {

int mainOf(int argc, char** argv);

// Whether a failure's code means that something is wrong here (memory, disk, a defect) rather than with the
// input.
int exitCodeFor(const std::string& errorCode);

} // namespace azimuth::worker
