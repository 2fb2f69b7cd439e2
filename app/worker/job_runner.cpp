#include "app/worker/job_runner.h"

#include "app/worker/manners.h"
#include "core/base/error.h"
#include "core/base/units.h"

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace azimuth::worker {

namespace {
void showProgress(const event::Progress& progress) {
    if (!isatty(STDERR_FILENO))
        return;
    std::string text = "\r\x1b[K" + progress.phase;
    if (progress.total > 0)
        text += " " + percentText(progress.done / progress.total);
    if (progress.secondsLeft >= 0)
        text += ", " + durationText(progress.secondsLeft) + " left";
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

void clearProgress() {
    if (isatty(STDERR_FILENO))
        std::fputs("\r\x1b[K", stderr);
}
} // namespace

struct JobRunner::State {
    std::mutex mutex;
    std::function<void(const Event&)> onEvent;
    std::optional<Event> terminal;
    int ended = eventfd(0, EFD_CLOEXEC);

    void onLine(std::string_view line) noexcept {
        try {
            const auto value = readEvent(line);
            const std::lock_guard lock(mutex);
            if (const auto* progress = std::get_if<event::Progress>(&value))
                showProgress(*progress);
            if (const auto* log = std::get_if<event::Log>(&value);
                log && log->level != "debug" && log->level != "info")
                std::fprintf(stderr, "azimuth-worker: %s\n", log->text.c_str());
            if (onEvent)
                onEvent(value);
            if (isTerminal(value)) {
                terminal = value;
                const std::uint64_t one = 1;
                [[maybe_unused]] const auto count = ::write(ended, &one, sizeof one);
            }
        } catch (const std::exception& failure) {
            std::fprintf(stderr, "azimuth-worker: an event of the engine was dropped: %s\n", failure.what());
        }
    }
};

JobRunner::JobRunner() : m_state(std::make_unique<State>()), m_signals(stopSignals()) {
    m_engine = std::make_unique<Engine>(
        m_library, [state = m_state.get()](std::string_view line) { state->onLine(line); });
}

JobRunner::~JobRunner() {
    m_engine.reset();
    close(m_state->ended);
    close(m_signals);
}

event::Done JobRunner::run(Submission submission, const std::function<void(const Event&)>& onEvent) {
    submission.run = ++m_run;
    {
        const std::lock_guard lock(m_state->mutex);
        m_state->onEvent = onEvent;
        m_state->terminal.reset();
    }
    m_engine->submit(submission);
    bool interrupted = false;
    for (;;) {
        pollfd sources[] = {{m_state->ended, POLLIN, 0}, {interrupted ? -1 : m_signals, POLLIN, 0}};
        poll(sources, 2, -1);
        if (sources[1].revents) {
            interrupted = true;
            m_engine->cancel(submission.run);
        }
        if (sources[0].revents)
            break;
    }
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(m_state->ended, &count, sizeof count);
    clearProgress();
    const std::lock_guard lock(m_state->mutex);
    m_state->onEvent = {};
    if (const auto* failed = std::get_if<event::Failed>(&*m_state->terminal))
        throw Error(failed->code, failed->text, failed->remedy, failed->detail);
    if (std::holds_alternative<event::Cancelled>(*m_state->terminal))
        throw Interrupted();
    return std::get<event::Done>(*m_state->terminal);
}

} // namespace azimuth::worker
