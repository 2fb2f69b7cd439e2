// What every kind of job shares: its submission, its model, its events, cancelling. One job at a time, on the
// engine's thread.
#pragma once

#include "core/engine/generate/memory_need.h"
#include "core/engine/jobs/model_cache.h"
#include "core/protocol/events.h"
#include "core/study/project_view.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace azimuth {

class Job {
public:
    Job(const Submission& submission, ModelCache& models, const std::atomic<bool>& cancelled,
        std::function<void(const Event&)> emit);

    const Submission& submission() const { return m_submission; }
    const JobSpec& spec() const { return m_submission.job; }
    LoadedModel& model(); // opened when first asked for
    // With progress while it loads. Error memory.prediction before that if weights and plan do not fit. The
    // plan's shapes without threads.
    const Decoder& decoder(const MemoryPlan& plan);

    void emit(const Event& event) const { m_emit(event); }
    void log(const std::string& text) const;
    // At most 20 a second; the time left is extrapolated from this phase. False if the job was cancelled.
    bool progress(double done, double total, const char* unit, const std::string& phase);
    bool cancelled() const { return m_cancelled.load(std::memory_order_relaxed); }

    std::vector<RenderedPrompt> render(const std::vector<JobPrompt>& prompts);

    // The record of this job as done, for the shard.
    JobRecord record(std::int64_t results) const;

private:
    using Clock = std::chrono::steady_clock;
    const Submission& m_submission;
    ModelCache& m_models;
    LoadedModel* m_model = nullptr;
    const std::atomic<bool>& m_cancelled;
    std::function<void(const Event&)> m_emit;
    Clock::time_point m_started = Clock::now(), m_phaseStarted = m_started, m_lastProgress{};
    double m_startedUnix;
    std::string m_phase;
    double m_phaseFirst = 0;
};

// Each publishes its result at submission.out and returns the event. Errors are thrown.
event::Done runInspect(Job& job);
event::Done runTokens(Job& job);
event::Done runCapture(Job& job);
event::Done runExtract(Job& job);
event::Done runGenerate(Job& job);
event::Done runScore(Job& job);
event::Done runJob(Job& job); // by kind

// done{} of a file that is no shard: the digest of its bytes.
event::Done doneFile(const Job& job);
event::Done doneShard(const Job& job, const JobResult& result);
bool endsWith(const std::string& path, std::string_view ending);

// {"build", "torch", "isa", "threads", "device", "semantics"} as canonical JSON; goes into every result.
std::string environmentJson(const std::string& device);
std::string torchVersion();
std::vector<std::string> devices();

} // namespace azimuth
