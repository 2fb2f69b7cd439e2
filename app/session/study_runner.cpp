#include "app/session/study_runner.h"

#include "core/base/time.h"

#include <algorithm>

namespace azimuth {

namespace {
constexpr std::size_t shownPast = 50;

// These concern the worker, not the job: another job would fare no better.
bool endsTheRun(const std::string& code) {
    return code.rfind("worker.", 0) == 0 || code.rfind("protocol", 0) == 0 || code.rfind("engine.", 0) == 0;
}
} // namespace

StudyRunner::StudyRunner(ProjectSession& session, Options options, QObject* parent)
    : QObject(parent), m_session(session), m_options(std::move(options)), m_worker(m_options.worker, this) {
    connect(&m_worker, &WorkerClient::progressed, this, &StudyRunner::onProgress);
    connect(&m_worker, &WorkerClient::finished, this, &StudyRunner::onFinished);
    connect(&m_worker, &WorkerClient::completionCame, this,
            [this](const event::PartialCompletion& completion) {
                if (completion.run == m_run)
                    Q_EMIT partialCompletion(completion);
            });
    connect(&m_worker, &WorkerClient::matrixCame, this, [this](const event::PartialMatrix& matrix) {
        if (matrix.run == m_run)
            Q_EMIT partialMatrix(matrix);
    });
}

void StudyRunner::start() {
    if (isRunning() || !m_session.isOpen())
        return;
    m_failed.clear();
    m_past.clear();
    m_measured = m_estimated = 0;
    m_progress = {};
    m_lastStage.reset();
    setState(State::Running);
    next();
}

void StudyRunner::pause() {
    if (m_state == State::Running)
        setState(State::Pausing);
}

void StudyRunner::cancel() {
    if (!isRunning() || m_state == State::Cancelling)
        return;
    setState(State::Cancelling);
    if (m_run)
        m_worker.cancel(m_run);
}

void StudyRunner::cancelJob(const QString& id) {
    if (!isRunning())
        return;
    m_failed[id.toStdString()] = "It was cancelled.";
    if (m_run && m_current.spec.id == id.toStdString()) {
        m_worker.cancel(m_run);
    } else if (auto* job = row(id)) {
        job->state = RunJob::State::Cancelled;
        Q_EMIT jobsChanged();
    }
}

// Plans; records the choices that are due; saves at the end of a stage; makes the first job ready.
void StudyRunner::next() {
    m_session.perform(
        this,
        [failed = m_failed, last = m_lastStage](ProjectStore& store) {
            Step step;
            if (!last)
                store.judgeMissing();
            step.plan = store.plan(failed);
            for (int round = 0; round < 8 && !step.plan.calibrationsDue.empty(); ++round) {
                store.calibrate(step.plan.calibrationsDue);
                store.save();
                step.plan = store.plan(failed);
            }
            store.record(step.plan);
            const auto* first = step.plan.jobs.empty() ? nullptr : &step.plan.jobs.front();
            if (store.modified() && last && (!first || *last != std::pair(first->stage, first->modelName)))
                store.save();
            if (!first)
                return step;
            step.job = store.prepare(*first);
            step.shard = store.newShardPath(step.job->id);
            step.blobs = store.blobFolder();
            return step;
        },
        [this](Step step) { onStep(std::move(step)); }, [this](const Error& error) { endWith(error); });
}

void StudyRunner::onStep(Step step) {
    m_plan = step.plan;
    showPlan();
    if (m_state == State::Cancelling)
        return end(RunEnd::Kind::Cancelled);
    if (!step.job)
        return end(RunEnd::Kind::Complete);
    if (m_state == State::Pausing)
        return end(RunEnd::Kind::Paused);
    submit(std::move(step));
}

void StudyRunner::submit(Step step) {
    m_current = step.plan.jobs.front();
    if (m_failed.count(m_current.spec.id)) // cancelled while it was planned
        return next();
    m_current.spec = *step.job;
    m_currentShard = step.shard;
    m_started = utcNow();
    Submission submission;
    submission.job = std::move(*step.job);
    submission.out = step.shard;
    submission.project = m_session.view()->uuid;
    submission.blobs = step.blobs;
    for (const auto& folder : m_options.searchFolders)
        submission.searchFolders.push_back(folder.toStdString());
    submission.threads = m_options.threads;
    submission.device = m_options.device.toStdString();
    m_jobTime.start();
    if (auto* job = row(QString::fromStdString(m_current.spec.id))) {
        job->state = RunJob::State::Running;
        Q_EMIT jobsChanged();
    }
    try {
        m_run = m_worker.submit(std::move(submission), QString::fromStdString(m_current.title));
    } catch (const Error& error) {
        return endWith(error);
    }
    updateProgress(0, {});
}

void StudyRunner::onProgress(const event::Progress& progress) {
    if (!m_run || progress.run != m_run)
        return;
    auto phase = QString::fromStdString(progress.phase);
    const double fraction = progress.total > 0 ? std::clamp(progress.done / progress.total, 0.0, 1.0) : -1;
    if (progress.total > 0)
        phase += QStringLiteral(", %1 of %2 %3")
                     .arg(progress.done, 0, 'f', 0)
                     .arg(progress.total, 0, 'f', 0)
                     .arg(QString::fromStdString(progress.unit));
    if (auto* job = row(QString::fromStdString(m_current.spec.id))) {
        job->fraction = fraction;
        job->secondsLeft = progress.secondsLeft;
        job->phase = phase;
        Q_EMIT jobsChanged();
    }
    updateProgress(fraction, phase);
}

void StudyRunner::onFinished(std::uint64_t run, const Outcome& outcome) {
    if (!m_run || run != m_run)
        return;
    m_run = 0;
    if (const auto* done = std::get_if<event::Done>(&outcome))
        return onDone(*done);
    if (const auto* failed = std::get_if<event::Failed>(&outcome))
        return onJobFailed(*failed);
    onJobCancelled();
}

JobRecord StudyRunner::recordOf(JobState state, const std::string& error) const {
    JobRecord record;
    record.id = m_current.spec.id;
    record.kind = m_current.spec.kind();
    record.state = state;
    record.modelIdentity = m_current.spec.model.identity;
    record.started = m_started;
    record.ended = utcNow();
    record.seconds = static_cast<double>(m_jobTime.elapsed()) / 1000;
    record.environment = "{}";
    record.error = error;
    return record;
}

void StudyRunner::showEnd(RunJob::State state, const QString& failure) {
    if (auto* job = row(QString::fromStdString(m_current.spec.id))) {
        job->state = state;
        job->failure = failure;
        m_past.push_back(*job);
        Q_EMIT jobsChanged();
    }
}

void StudyRunner::onDone(const event::Done& done) {
    m_measured += static_cast<double>(m_jobTime.elapsed()) / 1000;
    m_estimated += m_current.seconds;
    m_session.perform(
        this,
        [path = m_currentShard, sha256 = done.sha256](ProjectStore& store) {
            return store.mergeShard(path, sha256);
        },
        [this](const View&) {
            m_lastStage = {m_current.stage, m_current.modelName};
            if (auto* job = row(QString::fromStdString(m_current.spec.id))) {
                job->state = RunJob::State::Done;
                job->fraction = 1;
                job->phase.clear();
                m_past.push_back(*job);
            }
            next();
        },
        [this](const Error& error) { endWith(error); });
}

// A job's end is shown when it is recorded. If that fails the run ends, and both failures are told.
void StudyRunner::onJobFailed(const event::Failed& failure) {
    const bool ends = endsTheRun(failure.code);
    if (!ends)
        m_failed[m_current.spec.id] = failure.text;
    const auto show = [this, failure] {
        showEnd(RunJob::State::Failed, QString::fromStdString(failure.text));
        Q_EMIT jobFailed(QString::fromStdString(m_current.title), failure);
    };
    m_session.perform(
        this,
        [record = recordOf(JobState::Failed, failure.code + ": " + failure.text)](ProjectStore& store) {
            return store.recordJob(record);
        },
        [this, ends, failure, show](const View&) {
            show();
            ends ? end(RunEnd::Kind::Failed, failure) : next();
        },
        [this, show](const Error& error) {
            show();
            endWith(error);
        });
}

void StudyRunner::onJobCancelled() {
    m_session.perform(
        this,
        [record = recordOf(JobState::Cancelled, {})](ProjectStore& store) { return store.recordJob(record); },
        [this](const View&) {
            showEnd(RunJob::State::Cancelled);
            m_state == State::Cancelling ? end(RunEnd::Kind::Cancelled) : next();
        },
        [this](const Error& error) { endWith(error); });
}

void StudyRunner::endWith(const Error& error) {
    end(RunEnd::Kind::Failed,
        event::Failed{0, error.code(), error.message(), error.remedy(), error.detail()});
}

// What has been merged since the last stage is published before the end is told.
void StudyRunner::end(RunEnd::Kind kind, std::optional<event::Failed> failure) {
    const auto tell = [this, kind, failure](std::optional<event::Failed> saving) {
        RunEnd result{saving ? RunEnd::Kind::Failed : kind, m_plan.blocked, failure ? failure : saving};
        m_lastStage.reset();
        for (auto& job : m_jobs)
            if (job.state == RunJob::State::Running)
                job.state = kind == RunEnd::Kind::Failed ? RunJob::State::Failed : RunJob::State::Cancelled;
        setState(State::Stopped);
        Q_EMIT jobsChanged();
        updateProgress(-1, {});
        Q_EMIT finished(result);
    };
    m_session.perform(
        this, [](ProjectStore& store) { return store.modified() ? store.save() : store.view(); },
        [tell](const View&) { tell({}); },
        [tell](const Error& error) {
            tell(event::Failed{0, error.code(), error.message(), error.remedy(), error.detail()});
        });
}

void StudyRunner::setState(State state) {
    if (m_state == state)
        return;
    m_state = state;
    Q_EMIT stateChanged();
}

RunJob* StudyRunner::row(const QString& id) {
    const auto it =
        std::find_if(m_jobs.rbegin(), m_jobs.rend(), [&](const RunJob& job) { return job.id == id; });
    return it == m_jobs.rend() ? nullptr : &*it;
}

// What is behind, then what is planned.
void StudyRunner::showPlan() {
    if (m_past.size() > shownPast)
        m_past.erase(m_past.begin(), m_past.end() - shownPast);
    m_jobs = m_past;
    const double pace = m_estimated > 0 ? m_measured / m_estimated : 0;
    for (const auto& planned : m_plan.jobs) {
        RunJob job;
        job.id = QString::fromStdString(planned.spec.id);
        job.title = QString::fromStdString(planned.title);
        job.secondsLeft = pace > 0 ? pace * planned.seconds : -1;
        m_jobs.push_back(job);
    }
    Q_EMIT jobsChanged();
}

void StudyRunner::updateProgress(double jobFraction, const QString& phase) {
    const bool busy = m_run != 0;
    m_progress.stage = busy ? QString::fromStdString(toString(m_current.stage)) : QString();
    m_progress.model = busy ? QString::fromStdString(m_current.modelName) : QString();
    m_progress.title = busy ? QString::fromStdString(m_current.title) : QString();
    m_progress.phase = phase;
    m_progress.jobFraction = jobFraction;
    m_progress.present = m_plan.present();
    m_progress.wanted = m_plan.wanted() + m_plan.later;
    const double part = busy ? std::max(jobFraction, 0.0) : 0;
    const auto done = static_cast<double>(m_progress.present) + part * static_cast<double>(m_current.missing);
    if (m_progress.wanted > 0) // what is wanted is partly a guess: the bar never goes back
        m_progress.fraction =
            std::clamp(done / static_cast<double>(m_progress.wanted), m_progress.fraction, 1.0);
    m_progress.secondsLeft = -1;
    if (m_estimated > 0 && !m_plan.jobs.empty()) {
        double rows = 0, rowSeconds = 0;
        for (const auto& job : m_plan.jobs)
            if (std::holds_alternative<GenerateJob>(job.spec.payload)) {
                rows += static_cast<double>(job.missing);
                rowSeconds += job.seconds;
            }
        const double later = rows > 0 ? rowSeconds / rows * static_cast<double>(m_plan.later) : 0;
        m_progress.secondsLeft =
            m_measured / m_estimated * (m_plan.seconds() - part * m_current.seconds + later);
    }
    Q_EMIT progressChanged(m_progress);
}

} // namespace azimuth
