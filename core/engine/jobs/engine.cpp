// libazimuth-engine.so: the C boundary of core/protocol/engine_abi.h. Jobs wait in a queue and run on one
// thread.
#include "core/protocol/engine_abi.h"

#include "core/base/error.h"
#include "core/engine/jobs/job.h"

#include <ATen/Parallel.h>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <thread>

#define AZIMUTH_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using namespace azimuth;

event::Failed failedOf(std::uint64_t run, const Error& error) {
    return {run, error.code(), error.message(), error.remedy(), error.detail()};
}

// Whatever a job throws, as one of its terminal events.
Event terminalOf(std::uint64_t run, const std::function<event::Done()>& body) {
    try {
        return body();
    } catch (const Error& error) {
        if (error.code() == "cancelled")
            return event::Cancelled{run};
        return failedOf(run, error);
    } catch (const std::bad_alloc&) {
        return failedOf(run, Error("memory", "The machine's memory is used up.",
                                   "Close other programs, or use a smaller model, or bf16 instead of fp32."));
    } catch (const std::exception& failure) { // libtorch's own
        const std::string what = failure.what();
        return failedOf(run,
                        Error("engine.torch", "The computation failed: " + what.substr(0, what.find('\n')),
                              "Keep the log and report this.", what));
    } catch (...) {
        return failedOf(run, Error("engine.unknown", "The computation failed for an unknown reason.",
                                   "Keep the log and report this."));
    }
}

} // namespace

struct azimuth_engine {
    explicit azimuth_engine(azimuth_engine_callbacks callbacks)
        : m_callbacks(callbacks), m_thread([this] { work(); }) {}

    ~azimuth_engine() {
        {
            const std::lock_guard lock(m_mutex);
            m_closing = true;
            m_cancel = true;
            m_changed.notify_all();
        }
        m_thread.join();
    }

    void submit(std::string_view json) {
        std::uint64_t run = 0;
        try {
            const Json value = parseJson(json, "submission");
            if (value.contains("run") && value["run"].is_number_unsigned())
                run = value["run"].get<std::uint64_t>();
            auto submission = readSubmission(value, "submission");
            const std::lock_guard lock(m_mutex);
            m_queue.push_back(std::move(submission));
            m_changed.notify_all();
        } catch (const Error& error) {
            emit(failedOf(run, error));
        }
    }

    void cancel(std::uint64_t run) {
        {
            const std::lock_guard lock(m_mutex);
            if (m_running == run)
                m_cancel = true;
            const auto waiting =
                std::find_if(m_queue.begin(), m_queue.end(),
                             [run](const Submission& submission) { return submission.run == run; });
            if (waiting == m_queue.end())
                return;
            m_queue.erase(waiting);
            m_changed.notify_all();
        }
        emit(event::Cancelled{run});
    }

    void wait() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_queue.empty() && !m_busy; });
    }

private:
    void emit(const Event& event) const {
        const auto line = toLine(event);
        m_callbacks.on_event(m_callbacks.context, line.data(), line.size());
    }

    void run(const Submission& submission) {
        emit(event::Accepted{submission.run, submission.job.id});
        const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
        at::set_num_threads(submission.threads > 0 ? submission.threads : cores);
        const auto last = terminalOf(submission.run, [&] {
            Job job(submission, m_models, m_cancel, [this](const Event& event) { emit(event); });
            return runJob(job);
        });
        emit(last);
    }

    void work() {
        for (;;) {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, [this] { return m_closing || !m_queue.empty(); });
            if (m_closing) {
                const auto dropped = std::move(m_queue);
                lock.unlock();
                for (const auto& submission : dropped)
                    emit(event::Cancelled{submission.run});
                return;
            }
            const Submission submission = std::move(m_queue.front());
            m_queue.pop_front();
            m_running = submission.run;
            m_busy = true;
            m_cancel = false;
            lock.unlock();
            run(submission);
            lock.lock();
            m_busy = false;
            m_running = 0;
            m_changed.notify_all();
        }
    }

    azimuth_engine_callbacks m_callbacks;
    ModelCache m_models; // used on the thread only
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Submission> m_queue;
    std::uint64_t m_running = 0;
    bool m_busy = false, m_closing = false;
    std::atomic<bool> m_cancel{false};
    std::thread m_thread; // last: everything above exists before it starts
};

AZIMUTH_EXPORT int32_t azimuth_engine_abi(void) { return AZIMUTH_ENGINE_ABI; }

AZIMUTH_EXPORT const char* azimuth_engine_description(void) {
    static const std::string text = [] {
        try {
            return canonicalJson({{"torch", torchVersion()}, {"devices", devices()}});
        } catch (const std::exception&) {
            return std::string("{\"devices\":[\"cpu\"],\"torch\":\"\"}");
        }
    }();
    return text.c_str();
}

AZIMUTH_EXPORT azimuth_engine* azimuth_engine_open(azimuth_engine_callbacks callbacks) {
    try {
        return new azimuth_engine(callbacks);
    } catch (const std::exception&) {
        return nullptr;
    }
}

AZIMUTH_EXPORT void azimuth_engine_submit(azimuth_engine* engine, const char* json, size_t size) {
    engine->submit(std::string_view(json, size));
}

AZIMUTH_EXPORT void azimuth_engine_cancel(azimuth_engine* engine, uint64_t run) { engine->cancel(run); }
AZIMUTH_EXPORT void azimuth_engine_wait(azimuth_engine* engine) { engine->wait(); }
AZIMUTH_EXPORT void azimuth_engine_close(azimuth_engine* engine) { delete engine; }
