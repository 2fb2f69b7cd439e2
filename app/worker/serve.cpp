#include "app/worker/serve.h"

#include "app/worker/engine_library.h"
#include "app/worker/event_writer.h"
#include "app/worker/line_reader.h"
#include "core/base/error.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

#ifndef AZIMUTH_VERSION
#define AZIMUTH_VERSION "0"
#endif

namespace azimuth::worker {

namespace {
constexpr auto lastWait = std::chrono::milliseconds(1500), hardLimit = std::chrono::milliseconds(1900);

Event failedEvent(std::uint64_t run, const Error& error) {
    return event::Failed{run, error.code(), error.message(), error.remedy(), error.detail()};
}

// Which run a submission that could not be read was for, so that its client hears of it; 0 if that cannot be
// told.
std::uint64_t runOf(std::string_view line) {
    try {
        const auto json = parseJson(line, "command", JsonLimits{maximumCommandLine, 64});
        const auto pointer = Json::json_pointer("/submission/run");
        if (json.is_object() && json.contains(pointer) && json.at(pointer).is_number_unsigned())
            return json.at(pointer).get<std::uint64_t>();
    } catch (const std::exception&) { // the failure itself is reported by the caller
    }
    return 0;
}

class Server {
public:
    explicit Server(int output) : m_writer(std::make_unique<EventWriter>(output)) {
        m_writer->post(event::Hello{protocolOldest, protocolNewest, AZIMUTH_VERSION, m_library.torch(),
                                    m_library.problem(), m_library.devices()});
        if (m_library.present())
            m_engine =
                std::make_unique<Engine>(m_library, [this](std::string_view line) { onEngineEvent(line); });
    }

    void onCommand(std::string_view line) {
        try {
            std::visit([this](const auto& command) { onCommand(command); }, readCommand(line));
        } catch (const Error& error) {
            m_writer->post(failedEvent(runOf(line), error));
        }
    }

    void onTooLong() {
        m_writer->post(failedEvent(
            0, Error("protocol.size",
                     "A command line has more than " + std::to_string(maximumCommandLine) + " bytes.", "")));
    }

    bool quitting() const { return m_quitting; }

    // Cancels and waits a little, so that no temporary file stays; the caller leaves without destructors.
    void stop() {
        std::uint64_t running = 0;
        {
            const std::lock_guard lock(m_mutex);
            m_waiting.clear();
            running = m_running;
        }
        if (running && m_engine)
            m_engine->cancel(running);
        std::unique_lock lock(m_mutex);
        m_idle.wait_for(lock, lastWait, [this] { return m_running == 0; });
        lock.unlock();
        m_writer.reset();
    }

private:
    void onCommand(const command::Ping& ping) { m_writer->post(event::Pong{ping.number}); }
    void onCommand(const command::Quit&) { m_quitting = true; }

    void onCommand(const command::Cancel& cancel) {
        {
            const std::lock_guard lock(m_mutex);
            for (auto it = m_waiting.begin(); it != m_waiting.end(); ++it) {
                if (it->run != cancel.run)
                    continue;
                m_waiting.erase(it);
                m_writer->post(event::Cancelled{cancel.run});
                return;
            }
            if (m_running != cancel.run || !m_engine)
                return;
        }
        m_engine->cancel(cancel.run);
    }

    void onCommand(const Submission& submission) {
        if (!m_engine)
            return m_writer->post(failedEvent(submission.run, m_library.missing()));
        {
            const std::lock_guard lock(m_mutex);
            if (submission.run <= m_newest) {
                return m_writer->post(failedEvent(
                    submission.run, Error("protocol.run",
                                          "Run " + std::to_string(submission.run) +
                                              " is not above the last, " + std::to_string(m_newest) + ".",
                                          "")));
            }
            m_newest = submission.run;
            if (m_running || !m_waiting.empty()) { // between two jobs, those that wait still go first
                m_waiting.push_back(submission);
                return;
            }
            m_running = submission.run;
        }
        m_engine->submit(submission);
    }

    // On the engine's thread.
    void onEngineEvent(std::string_view line) noexcept {
        try {
            const auto value = readEvent(line);
            m_writer->post(value);
            if (isTerminal(value))
                startNext();
        } catch (const std::exception& failure) {
            m_writer->post(event::Log{0, "failure",
                                      std::string("An event of the engine was dropped: ") + failure.what()});
        }
    }

    // The engine's thread must not submit to itself: the thread that reads commands is woken to do it.
    void startNext() {
        const std::lock_guard lock(m_mutex);
        m_running = 0;
        m_idle.notify_all();
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto count = write(m_wake, &one, sizeof one);
    }

public:
    int wakeDescriptor() const { return m_wake; }

    void startWaiting() {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(m_wake, &count, sizeof count);
        Submission next;
        {
            const std::lock_guard lock(m_mutex);
            if (m_running || m_waiting.empty())
                return;
            next = std::move(m_waiting.front());
            m_waiting.pop_front();
            m_running = next.run;
        }
        m_engine->submit(next);
    }

private:
    EngineLibrary m_library;
    std::unique_ptr<EventWriter> m_writer;
    std::unique_ptr<Engine> m_engine;
    std::mutex m_mutex;
    std::condition_variable m_idle;
    std::deque<Submission> m_waiting;
    std::uint64_t m_running = 0, m_newest = 0;
    bool m_quitting = false;
    int m_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};
} // namespace

void serve(int output, int signals) {
    // Not destroyed: libraries may hold threads that never end.
    auto& server = *new Server(output);
    LineReader reader(
        maximumCommandLine, [&](std::string_view line) { server.onCommand(line); },
        [&] { server.onTooLong(); });
    std::array<char, 1 << 16> buffer{};
    while (!server.quitting()) {
        pollfd sources[] = {
            {STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}, {server.wakeDescriptor(), POLLIN, 0}};
        const int ready = poll(sources, 3, -1);
        if (ready < 0 && errno != EINTR)
            break;
        if (sources[1].revents)
            break;
        if (sources[0].revents) {
            const auto count = read(STDIN_FILENO, buffer.data(), buffer.size());
            if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
                break;
            if (count > 0)
                reader.feed({buffer.data(), static_cast<std::size_t>(count)});
        }
        server.startWaiting();
    }
    std::thread([] {
        std::this_thread::sleep_for(hardLimit);
        _exit(0);
    }).detach();
    server.stop();
    _exit(0);
}

} // namespace azimuth::worker
