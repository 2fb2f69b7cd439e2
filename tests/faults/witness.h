// A clock that stands still when the whole machine does: a thread of its own counts. What passes on it
// between two turns of an event loop, the loop was blocked. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace azimuth {

class Witness {
public:
    Witness() : m_thread([this](const std::stop_token& stop) { count(stop); }) {}
    long long milliseconds() const { return m_microseconds.load() / 1000; }

private:
    void count(const std::stop_token& stop) {
        using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::steady_clock;
        constexpr microseconds most{20000}; // of one turn; more is the machine's
        for (auto last = steady_clock::now(); !stop.stop_requested();) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            const auto now = steady_clock::now();
            m_microseconds += std::min(duration_cast<microseconds>(now - last), most).count();
            last = now;
        }
    }

    std::atomic<long long> m_microseconds{0};
    std::jthread m_thread; // last: it counts as soon as it is there
};

} // namespace azimuth
