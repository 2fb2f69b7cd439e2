// The engine behind the C boundary: one job at a time on a thread of its own, in the order of submission.
// Every submission ends with exactly one terminal event. events are sent from that thread; `failed` for a
// submission that cannot be read is sent from submit, and `cancelled` for one that still waits from cancel.
// Any thread may call any method.
#pragma once

#include "core/engine/jobs/job_context.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>

namespace azimuth {

class Engine {
public:
    explicit Engine(EmitEvent emit); // emit must not throw
    ~Engine();                       // cancels what is there and waits
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void submit(std::string_view submissionJson) noexcept;
    void cancel(std::uint64_t run) noexcept;
    void wait(); // until nothing is under way

private:
    void loop();
    void runJob(const Submission& submission) noexcept;
    Event outcome(const Submission& submission);

    EmitEvent m_emit;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Submission> m_waiting;
    std::uint64_t m_running = 0;
    bool m_busy = false, m_closing = false;
    std::atomic<bool> m_cancelled{false};
    ModelStore m_store; // the job thread's
    std::thread m_thread;
};

} // namespace azimuth
