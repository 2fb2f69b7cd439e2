// Writes events as lines to one descriptor from a thread of its own, so that neither the engine nor the
// answer to a ping ever waits for a slow reader. Of progress and of each partial matrix the newest is kept
// and sent at most 20 (2) times a second; partial completions go at most 20 a second and are dropped when
// their job ends (the shard holds them). All else is sent at once, in order. Any thread may post. A closed
// pipe silently ends the writing.
#pragma once

#include "core/protocol/events.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace azimuth::worker {

class EventWriter {
public:
    explicit EventWriter(int descriptor);
    ~EventWriter(); // what is queued is written first, for at most half a second
    EventWriter(const EventWriter&) = delete;
    EventWriter& operator=(const EventWriter&) = delete;

    void post(const Event& value);

private:
    using Clock = std::chrono::steady_clock;
    struct Matrix {
        event::PartialMatrix value;
        bool fresh = false;
        Clock::time_point next{};
    };
    void run();
    std::optional<std::string> takeLine(Clock::time_point now);
    std::optional<std::string> takePaced(Clock::time_point now);
    std::optional<std::string> takeMatrix(Clock::time_point now);
    Clock::time_point nextTime() const;
    bool writeLine(const std::string& line);

    int m_descriptor;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<std::string> m_lines; // urgent
    std::optional<event::Progress> m_progress;
    std::map<std::string, Matrix> m_matrices;
    std::deque<event::PartialCompletion> m_completions;
    Clock::time_point m_nextPaced{};
    int m_turn = 0;
    bool m_closing = false, m_broken = false;
    std::thread m_thread;
};

} // namespace azimuth::worker
