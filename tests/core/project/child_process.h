// Runs a piece of a test in a forked child with limits, so that a crash or a hang is a result and not the end
// of the test.
#pragma once

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace azimuth {

struct ChildLimits {
    rlim_t fileBytes = RLIM_INFINITY; // a write beyond fails with EFBIG
    rlim_t memoryBytes = RLIM_INFINITY;
    rlim_t cpuSeconds = 20;
};

// What the child did: its exit code as a text, or the name of the signal that ended it.
inline std::string inChild(const ChildLimits& limits, const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto limit = [](auto what, rlim_t value) {
            const struct rlimit both { value, value };
            ::setrlimit(what, &both);
        };
        for (const int crash : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
            ::signal(crash, SIG_DFL); // not QtTest's handlers, which fork
        ::signal(SIGXFSZ, SIG_IGN);
        ::alarm(60);
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_CPU, limits.cpuSeconds);
        limit(RLIMIT_FSIZE, limits.fileBytes);
#ifndef __SANITIZE_ADDRESS__ // which reserves terabytes of address space
        limit(RLIMIT_AS, limits.memoryBytes);
#endif
        const int code = body();
        std::exit(code); // with exit handlers: HDF5's own must not crash either
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        return strsignal(WTERMSIG(status));
    return std::to_string(WEXITSTATUS(status));
}

} // namespace azimuth
