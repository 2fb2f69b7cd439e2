// A program that is run for one answer and may die of it: it gets one open file and nothing else of this
// process, what it prints is taken up to a limit, and it is killed when its time is over. Signals, hangs and
// floods are answers, not errors. Any thread; blocks until the process is gone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace azimuth {

inline constexpr int givenDescriptor = 3; // where the child finds the open file

struct ThrowawayEnd {
    enum class Kind { Exited, Signalled, OutOfTime, TooMuchOutput };
    Kind kind = Kind::Exited;
    int value = 0;              // exit code, or the signal
    std::string output, errors; // standard output; the beginning of standard error
};

// arguments[0] is the program's path. keepGoing is asked about every 50 ms and may throw, which kills the
// child first. Error check.start if the program cannot be started.
ThrowawayEnd runThrowaway(const std::vector<std::string>& arguments, int descriptor, double seconds,
                          std::size_t mostOutput, const std::function<void()>& keepGoing = {});

} // namespace azimuth
