#include "app/worker/event_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <unistd.h>

namespace azimuth::worker {

namespace {
constexpr auto pace = std::chrono::milliseconds(50), matrixPace = std::chrono::milliseconds(500);
constexpr std::size_t mostWaiting = 20000; // lines; beyond, what is provisional is dropped
} // namespace

EventWriter::EventWriter(int descriptor) : m_descriptor(descriptor), m_thread([this] { run(); }) {}

EventWriter::~EventWriter() {
    {
        const std::lock_guard lock(m_mutex);
        m_closing = true;
    }
    m_changed.notify_all();
    m_thread.join();
}

void EventWriter::post(const Event& value) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_broken)
            return;
        if (const auto* progress = std::get_if<event::Progress>(&value)) {
            m_progress = *progress;
        } else if (const auto* matrix = std::get_if<event::PartialMatrix>(&value)) {
            auto& slot = m_matrices[matrix->name];
            slot.value = *matrix;
            slot.fresh = true;
        } else if (const auto* completion = std::get_if<event::PartialCompletion>(&value)) {
            if (m_completions.size() < mostWaiting)
                m_completions.push_back(*completion);
        } else {
            if (isTerminal(value)) {
                m_progress.reset();
                m_matrices.clear();
                m_completions.clear();
            }
            const bool provisional = std::holds_alternative<event::PartialToken>(value) ||
                                     std::holds_alternative<event::Log>(value);
            if (!provisional || m_lines.size() < mostWaiting)
                m_lines.push_back(toLine(value));
        }
    }
    m_changed.notify_all();
}

std::optional<std::string> EventWriter::takeMatrix(Clock::time_point now) {
    for (auto& [name, matrix] : m_matrices) {
        if (!matrix.fresh || now < matrix.next)
            continue;
        matrix.fresh = false;
        matrix.next = now + matrixPace;
        return toLine(matrix.value);
    }
    return std::nullopt;
}

// The three kinds in turn, so that none starves another.
std::optional<std::string> EventWriter::takePaced(Clock::time_point now) {
    std::optional<std::string> line;
    for (int tried = 0; tried < 3 && !line && now >= m_nextPaced; ++tried) {
        m_turn = (m_turn + 1) % 3;
        if (m_turn == 0 && m_progress) {
            line = toLine(*m_progress);
            m_progress.reset();
        } else if (m_turn == 1 && !m_completions.empty()) {
            line = toLine(m_completions.front());
            m_completions.pop_front();
        } else if (m_turn == 2) {
            line = takeMatrix(now);
        }
    }
    if (line)
        m_nextPaced = now + pace;
    return line;
}

std::optional<std::string> EventWriter::takeLine(Clock::time_point now) {
    if (m_lines.empty())
        return takePaced(now);
    auto line = std::move(m_lines.front());
    m_lines.pop_front();
    return line;
}

EventWriter::Clock::time_point EventWriter::nextTime() const {
    if (m_progress || !m_completions.empty())
        return m_nextPaced;
    auto next = Clock::time_point::max();
    for (const auto& [name, matrix] : m_matrices)
        if (matrix.fresh)
            next = std::min(next, std::max(m_nextPaced, matrix.next));
    return next;
}

void EventWriter::run() {
    std::unique_lock lock(m_mutex);
    while (!m_broken) {
        if (auto line = takeLine(Clock::now())) {
            lock.unlock();
            const bool written = writeLine(*line);
            lock.lock();
            m_broken = m_broken || !written;
        } else if (m_closing) {
            return;
        } else if (const auto next = nextTime(); next == Clock::time_point::max()) {
            m_changed.wait(lock);
        } else {
            m_changed.wait_until(lock, next);
        }
    }
}

bool EventWriter::writeLine(const std::string& line) {
    const std::string text = line + '\n';
    std::size_t done = 0;
    while (done < text.size()) { // pieces of PIPE_BUF do not block once poll says so
        pollfd ready{m_descriptor, POLLOUT, 0};
        if (poll(&ready, 1, 100) == 0) {
            const std::lock_guard lock(m_mutex);
            if (m_closing)
                return false; // nobody reads, and we are going
            continue;
        }
        const auto count =
            ::write(m_descriptor, text.data() + done, std::min<std::size_t>(text.size() - done, PIPE_BUF));
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return true;
}

} // namespace azimuth::worker
