// What a job sees of the world: its submission, the events it sends, the cancel flag, the model. One per job,
// on the engine's thread.
#pragma once

#include "core/base/error.h"
#include "core/engine/jobs/loaded_model.h"
#include "core/protocol/events.h"
#include "core/study/project_view.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

namespace azimuth {

using EmitEvent = std::function<void(const Event&)>;

class JobContext {
public:
    JobContext(const Submission& submission, ModelStore& store, const std::atomic<bool>& cancelled,
               EmitEvent emit);

    const Submission& submission() const { return m_submission; }
    const JobSpec& spec() const { return m_submission.job; }
    std::uint64_t run() const { return m_submission.run; }

    // Finds, hashes, checks identity and digest. Errors model.*, checkpoint.*, cancelled.
    const LoadedModel& model();
    // The same with its weights at the compute precision.
    const Decoder& decoder();

    bool isCancelled() const { return m_cancelled.load(std::memory_order_relaxed); }
    void throwIfCancelled() const; // Error "cancelled"
    // At most 20 a second are sent, and the last of a phase. Returns false once the job is cancelled.
    bool progress(double done, double total, const char* unit, const char* phase);
    void send(const Event& value) const { m_emit(value); }
    void log(const char* level, const std::string& text) const;

    // The record of this job for its shard, with `results` results.
    JobRecord record(std::int64_t results) const;
    // Publishes a shard of the submission's project. Error job.out if `out` does not end in .h5.
    event::Done publish(const JobResult& result) const;
    // Publishes text at `out`.
    event::Done publishText(const std::string& content) const;
    bool outEndsWith(const char* ending) const { return m_submission.out.ends_with(ending); }
    [[noreturn]] void refuseOut() const; // Error job.out: this kind does not write such a file

private:
    using Clock = std::chrono::steady_clock;
    const Submission& m_submission;
    ModelStore& m_store;
    const std::atomic<bool>& m_cancelled;
    EmitEvent m_emit;
    std::string m_started, m_phase;
    Clock::time_point m_start, m_phaseStart{}, m_nextProgress{};
};

} // namespace azimuth
