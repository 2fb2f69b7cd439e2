#include "core/engine/jobs/job_context.h"

#include "core/base/atomic_file.h"
#include "core/base/sha256.h"
#include "core/base/time.h"
#include "core/engine/jobs/environment.h"
#include "core/project/shard.h"

namespace azimuth {
namespace {
constexpr std::chrono::milliseconds progressInterval{50};
} // namespace

JobContext::JobContext(const Submission& submission, ModelStore& store, const std::atomic<bool>& cancelled,
                       EmitEvent emit)
    : m_submission(submission), m_store(store), m_cancelled(cancelled), m_emit(std::move(emit)),
      m_started(utcNow()), m_start(Clock::now()) {}

const LoadedModel& JobContext::model() {
    throwIfCancelled();
    return m_store.open(m_submission, [this](double done, double total, const char* unit, const char* phase) {
        return progress(done, total, unit, phase);
    });
}

const Decoder& JobContext::decoder() {
    throwIfCancelled();
    return m_store.decoder(m_submission,
                           [this](double done, double total, const char* unit, const char* phase) {
                               return progress(done, total, unit, phase);
                           });
}

void JobContext::throwIfCancelled() const {
    if (isCancelled())
        throw Error("cancelled", "The job was cancelled.", "");
}

bool JobContext::progress(double done, double total, const char* unit, const char* phase) {
    const auto now = Clock::now();
    if (m_phase != phase) {
        m_phase = phase;
        m_phaseStart = now;
        m_nextProgress = now;
    }
    if (now >= m_nextProgress || done >= total) {
        m_nextProgress = now + progressInterval;
        const double seconds = std::chrono::duration<double>(now - m_phaseStart).count();
        event::Progress value{run(), done, total, unit, phase, -1};
        if (done > 0 && total > 0 && seconds > 0.2)
            value.secondsLeft = seconds * (total - done) / done;
        m_emit(value);
    }
    return !isCancelled();
}

void JobContext::log(const char* level, const std::string& text) const {
    m_emit(event::Log{run(), level, text});
}

JobRecord JobContext::record(std::int64_t results) const {
    JobRecord record;
    record.id = spec().id;
    record.kind = spec().kind();
    record.modelIdentity = spec().model.identity;
    record.started = m_started;
    record.ended = utcNow();
    record.seconds = std::chrono::duration<double>(Clock::now() - m_start).count();
    record.results = results;
    record.environment = environmentOf(m_submission);
    return record;
}

event::Done JobContext::publish(const JobResult& result) const {
    if (!outEndsWith(".h5"))
        refuseOut();
    throwIfCancelled();
    return {run(), m_submission.out, publishShard(m_submission.out, result, m_submission.project)};
}

event::Done JobContext::publishText(const std::string& content) const {
    throwIfCancelled();
    writeFileAtomically(m_submission.out, content);
    return {run(), m_submission.out, toHex(sha256(content))};
}

void JobContext::refuseOut() const {
    throw Error("job.out",
                "A job of kind " + spec().kind() + " does not write a file like \"" + m_submission.out +
                    "\".",
                "See PROTOCOL.md, submissions, for the endings of each kind.");
}

} // namespace azimuth
