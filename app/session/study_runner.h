// Runs a study to its end: plan -> submit -> merge -> label -> calibrate -> plan ... until nothing is
// missing. The window and `azimuth run` use the same one. Main thread; planning and merging happen on the
// session's I/O thread.
//
// A generation is published whenever a stage of a model is complete, after each choice, and at the end;
// between these, finished jobs lie in their shards, so that a crash loses at most the job under way. A job
// that fails by itself is reported and left out (what depends on it is blocked); if the worker dies or cannot
// be understood, the run ends, and start() goes on where it was.
#pragma once

#include "app/session/project_session.h"
#include "app/session/worker_client.h"

#include <QElapsedTimer>
#include <QObject>
#include <QStringList>
#include <vector>

namespace azimuth {

// One row of the Jobs pane.
struct RunJob {
    enum class State { Waiting, Running, Done, Failed, Cancelled };
    QString id, title, phase; // "SmolLM2: sweep, 64 completions"; "decode, 12 of 64 rows"
    State state = State::Waiting;
    double fraction = -1;    // negative: not known
    double secondsLeft = -1; // of a waiting one: how long it will take; negative: not known
    QString failure;
};

struct RunProgress {
    QString stage, model, title, phase; // of the job under way; empty between jobs. model: the study's name
    double jobFraction = -1;
    double fraction = 0;                  // of everything, as far as it is known
    double secondsLeft = -1;              // of everything, from what was measured in this run
    std::int64_t present = 0, wanted = 0; // results
};

struct RunEnd {
    enum class Kind { Complete, Paused, Cancelled, Failed };
    Kind kind = Kind::Complete;
    std::vector<Blocked> blocked; // what could not be done, with reasons; a complete run may have some
    std::optional<event::Failed> failure;
};

class StudyRunner : public QObject {
    Q_OBJECT
public:
    struct Options {
        WorkerClient::Options worker;
        QStringList searchFolders; // for models, before the worker's own default folders
        int threads = 0;
        QString device = QStringLiteral("cpu");
    };
    enum class State { Stopped, Running, Pausing, Cancelling };

    // The session must outlive the runner.
    StudyRunner(ProjectSession& session, Options options, QObject* parent = nullptr);

    State state() const { return m_state; }
    bool isRunning() const { return m_state != State::Stopped; }
    const std::vector<RunJob>& jobs() const { return m_jobs; }
    const RunProgress& progress() const { return m_progress; }
    WorkerClient& worker() { return m_worker; }
    void setSearchFolders(const QStringList& folders) { m_options.searchFolders = folders; }

    void start();                      // jobs that failed before are tried again
    void pause();                      // after the job under way
    void cancel();                     // the job under way too
    void cancelJob(const QString& id); // this one; the others go on

Q_SIGNALS:
    void stateChanged();
    void jobsChanged();
    void progressChanged(const azimuth::RunProgress& progress);
    void partialCompletion(const azimuth::event::PartialCompletion& completion); // provisional
    void partialMatrix(const azimuth::event::PartialMatrix& matrix);             // provisional
    void jobFailed(const QString& title, const azimuth::event::Failed& failure);
    void finished(const azimuth::RunEnd& end);

private:
    struct Step { // what to do next, decided on the I/O thread
        Plan plan;
        std::optional<JobSpec> job;
        std::string shard, blobs;
    };
    void next();
    void onStep(Step step);
    void submit(Step step);
    void onProgress(const event::Progress& progress);
    void onFinished(std::uint64_t run, const Outcome& outcome);
    void onDone(const event::Done& done);
    void onJobFailed(const event::Failed& failure);
    void onJobCancelled();
    JobRecord recordOf(JobState state, const std::string& error) const; // of the current job, which has ended
    void showEnd(RunJob::State state, const QString& failure = {});     // of the current job
    void end(RunEnd::Kind kind, std::optional<event::Failed> failure = {});
    void endWith(const Error& error);
    void setState(State state);
    void showPlan();
    void updateProgress(double jobFraction, const QString& phase);
    RunJob* row(const QString& id);

    ProjectSession& m_session;
    Options m_options;
    WorkerClient m_worker;
    State m_state = State::Stopped;
    FailedJobs m_failed;
    std::vector<RunJob> m_jobs, m_past;
    RunProgress m_progress;
    Plan m_plan;
    PlannedJob m_current;
    std::string m_currentShard, m_started;
    std::uint64_t m_run = 0; // 0: no job is submitted
    QElapsedTimer m_jobTime;
    double m_measured = 0, m_estimated = 0;                   // seconds of the jobs done in this run
    std::optional<std::pair<Stage, std::string>> m_lastStage; // of the job merged last, with its model
};

} // namespace azimuth
