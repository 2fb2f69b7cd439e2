#include "core/project/throwaway_process.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace azimuth {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int interval = 50; // ms between two questions whether to go on
constexpr std::size_t mostErrors = 4096;
constexpr int firstFree = 10; // above everything that the child's own descriptors are put on

struct Descriptor {
    int value = -1;
    Descriptor() = default;
    explicit Descriptor(int owned) : value(owned) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    void close() {
        if (value >= 0)
            ::close(std::exchange(value, -1));
    }
};

struct Pipe {
    Descriptor reading, writing;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw systemError("start", "the checking process", errno);
        const Descriptor lowReading(ends[0]), lowWriting(ends[1]);
        reading.value = ::fcntl(ends[0], F_DUPFD_CLOEXEC, firstFree);
        writing.value = ::fcntl(ends[1], F_DUPFD_CLOEXEC, firstFree);
        if (reading.value < 0 || writing.value < 0)
            throw systemError("start", "the checking process", errno);
    }
};

class Child {
public:
    Child(const std::vector<std::string>& arguments, int given, int output, int errors) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
        posix_spawn_file_actions_adddup2(&actions, given, givenDescriptor);
        posix_spawn_file_actions_addclosefrom_np(&actions, givenDescriptor + 1);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<char*> words;
        for (const auto& argument : arguments)
            words.push_back(const_cast<char*>(argument.c_str()));
        words.push_back(nullptr);
        const int failure = ::posix_spawn(&m_process, words[0], &actions, &attributes, words.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        if (failure != 0) {
            m_process = -1;
            throw Error("check.start", arguments[0] + " could not be started: " + errnoText(failure) + ".",
                        "");
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (m_process > 0) {
            kill();
            wait();
        }
    }

    void kill() const { ::kill(m_process, SIGKILL); }
    int wait() { // the status
        int status = 0;
        while (::waitpid(m_process, &status, 0) < 0 && errno == EINTR) {
        }
        m_process = -1;
        return status;
    }
    bool hasEnded() const { // it stays to be waited for
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(m_process), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid != 0;
    }

private:
    pid_t m_process = -1;
};

void take(Descriptor& from, std::string& into, std::size_t most) {
    std::array<char, 1 << 16> buffer;
    const auto count = ::read(from.value, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
        return;
    if (count <= 0)
        return from.close(); // the end of the stream
    into.append(buffer.data(), std::min(static_cast<std::size_t>(count), most - std::min(most, into.size())));
}

} // namespace

ThrowawayEnd runThrowaway(const std::vector<std::string>& arguments, int descriptor, double seconds,
                          std::size_t mostOutput, const std::function<void()>& keepGoing) {
    const Descriptor given(::fcntl(descriptor, F_DUPFD_CLOEXEC, firstFree));
    if (given.value < 0)
        throw systemError("start", "the checking process", errno);
    Pipe output, errors;
    ThrowawayEnd end;
    Child child(arguments, given.value, output.writing.value, errors.writing.value);
    output.writing.close();
    errors.writing.close();
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    const auto stop = [&](ThrowawayEnd::Kind kind) {
        child.kill();
        child.wait();
        end.kind = kind;
        return end;
    };
    while (output.reading.value >= 0 || errors.reading.value >= 0 || !child.hasEnded()) {
        if (Clock::now() > deadline)
            return stop(ThrowawayEnd::Kind::OutOfTime);
        if (keepGoing)
            keepGoing();
        pollfd waiting[2] = {{output.reading.value, POLLIN, 0}, {errors.reading.value, POLLIN, 0}};
        if (output.reading.value < 0 && errors.reading.value < 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        else if (::poll(waiting, 2, interval) <= 0)
            continue;
        if (output.reading.value >= 0 && waiting[0].revents != 0)
            take(output.reading, end.output, mostOutput + 1);
        if (errors.reading.value >= 0 && waiting[1].revents != 0)
            take(errors.reading, end.errors, mostErrors);
        if (end.output.size() > mostOutput)
            return stop(ThrowawayEnd::Kind::TooMuchOutput);
    }
    const int status = child.wait();
    end.kind = WIFSIGNALED(status) ? ThrowawayEnd::Kind::Signalled : ThrowawayEnd::Kind::Exited;
    end.value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return end;
}

} // namespace azimuth
