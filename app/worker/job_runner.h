// Runs one job in this process for a verb: submit, wait for the terminal event, hand its result back.
#pragma once

#include "app/worker/engine_library.h"
#include "core/protocol/events.h"

#include <functional>
#include <memory>
#include <string>

namespace azimuth::worker {

// A job was stopped by SIGINT or SIGTERM.
class Interrupted : public Error {
public:
    Interrupted() : Error("cancelled", "Interrupted.", "") {}
};

class JobRunner {
public:
    // Progress goes to standard error if it is a terminal. Error engine.missing.
    JobRunner();
    ~JobRunner();

    // Blocks. Error as the job's failed event says, or Interrupted. onEvent (may be empty) sees every event,
    // on another thread.
    event::Done run(Submission submission, const std::function<void(const Event&)>& onEvent = {});

    const EngineLibrary& library() const { return m_library; }

private:
    struct State;
    EngineLibrary m_library;
    std::unique_ptr<State> m_state;
    std::unique_ptr<Engine> m_engine;
    std::uint64_t m_run = 0;
    int m_signals = -1;
};

} // namespace azimuth::worker
