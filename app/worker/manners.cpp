#include "app/worker/manners.h"

#include "core/base/error.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace azimuth::worker {

int takeStandardOutput() {
    std::signal(SIGPIPE, SIG_IGN);
    const int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (output < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        throw systemError("open", "standard output", errno);
    return output;
}

void becomeServant() {
    setsid(); // fails only for a leader of a group, which then has a group of its own already
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    [[maybe_unused]] const int niceness = nice(5);
}

int stopSignals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0)
        throw systemError("open", "the signal queue", errno);
    return descriptor;
}

} // namespace azimuth::worker
