// libazimuth-engine.so, loaded at run time from the folder of the program (core/protocol/engine_abi.h).
#pragma once

#include "core/protocol/engine_abi.h"
#include "core/protocol/job.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth::worker {

class EngineLibrary {
public:
    // Never throws: if the library cannot be loaded, problem() says why and torch() is empty.
    EngineLibrary();

    bool present() const { return m_problem.empty(); }
    const std::string& problem() const { return m_problem; }
    const std::string& torch() const { return m_torch; }
    const std::vector<std::string>& devices() const { return m_devices; }
    Error missing() const; // engine.missing, for a job that cannot run

private:
    friend class Engine;
    void load(const std::string& path);
    void readDescription(const char* text);

    std::string m_problem, m_torch;
    std::vector<std::string> m_devices;
    azimuth_engine_open_function m_open = nullptr;
    azimuth_engine_submit_function m_submit = nullptr;
    azimuth_engine_cancel_function m_cancel = nullptr;
    azimuth_engine_wait_function m_wait = nullptr;
    azimuth_engine_close_function m_close = nullptr;
};

// One engine, which computes one job at a time on its own thread. onEvent is called from that thread and must
// not throw.
class Engine {
public:
    using OnEvent = std::function<void(std::string_view line)>;
    Engine(const EngineLibrary& library, OnEvent onEvent); // Error engine.missing, engine.memory
    ~Engine();                                             // cancels, waits
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void submit(const Submission& submission);
    void cancel(std::uint64_t run); // any thread
    void wait();

private:
    const EngineLibrary& m_library;
    OnEvent m_onEvent;
    azimuth_engine* m_engine = nullptr;
};

// The folder of the running program.
std::string programFolder();

} // namespace azimuth::worker
