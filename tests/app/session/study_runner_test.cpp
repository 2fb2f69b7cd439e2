// A study from nothing to a reopened project, with a worker that makes results up: interrupted, killed,
// extended, paused.
#include "app/session/study_runner.h"
#include "core/project/project.h"
#include "core/results/sweep.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {
PromptSet promptsOf(PromptRole role, const std::string& name, int count) {
    PromptSet set;
    set.role = role;
    for (int i = 0; i < count; ++i)
        set.prompts.push_back(Prompt::of(name + " " + std::to_string(i)));
    return set;
}

Study studyOf() {
    Study study;
    study.title = "roses";
    study.models = {{"Small", "small.gguf", std::nullopt, Precision::Fp32, true},
                    {"Small bf16", "small.gguf", std::nullopt, Precision::Bf16, true},
                    {"Wide", "wide.gguf", std::nullopt, Precision::Fp32, false}};
    Concept roses;
    roses.name = "roses";
    roses.sets[PromptRole::Positive] = promptsOf(PromptRole::Positive, "rose", 4);
    roses.sets[PromptRole::Negative] = promptsOf(PromptRole::Negative, "stone", 4);
    roses.sets[PromptRole::Calibration] = promptsOf(PromptRole::Calibration, "question", 12);
    roses.sets[PromptRole::TestInduce] = promptsOf(PromptRole::TestInduce, "test", 10);
    roses.induce.name = "roses";
    roses.induce.behaviour = "roses";
    roses.induce.garbledRules = studyGarbledRules();
    roses.induce.rules.push_back({BehaviourRule::Kind::Contains, {"roses"}, 0, false, 0});
    study.concepts = {roses};
    study.sweep.ks = {1, 2, 3};
    study.sweep.strengths = {0.4, 0.8, 1.2};
    study.decoding.maximumNewTokens = 8;
    study.decoding.rows = 8;
    return study;
}

WorkerClient::Options workerOptions(const QStringList& arguments = {}, const QString& mode = {}) {
    WorkerClient::Options options;
    options.program = QStringLiteral(AZIMUTH_BINARY_DIR "/bin/tests/study_worker");
    options.arguments = arguments;
    options.environment = {QStringLiteral("STUDY_WORKER=") + mode};
    options.cancelMilliseconds = options.terminateMilliseconds = 200;
    return options;
}

// A session with its runner; every answer is waited for.
struct Bench {
    explicit Bench(const WorkerClient::Options& worker = workerOptions())
        : runner(session, {worker, {}, 0, QStringLiteral("cpu")}) {
        QObject::connect(
            &session, &ProjectSession::failed, &session, [this](const QString& action, const Error& error) {
                failures << action + QStringLiteral(": ") + QString::fromStdString(error.message());
            });
        QObject::connect(&session, &ProjectSession::noted, &session,
                         [this](const QString& text) { notes << text; });
        QObject::connect(&runner, &StudyRunner::finished, &session,
                         [this](const RunEnd& value) { end = value; });
        QObject::connect(
            &runner, &StudyRunner::jobFailed, &session,
            [this](const QString& title, const event::Failed& failure) {
                recordedBefore =
                    recordedBefore &&
                    std::any_of(view().jobs.begin(), view().jobs.end(), [&](const JobRecord& job) {
                        return job.state == JobState::Failed && job.error.ends_with(failure.text);
                    });
                jobFailures << title + QStringLiteral(": ") + QString::fromStdString(failure.text);
            });
    }
    bool openOrCreate(const QString& path, const Study& study) {
        QSignalSpy opened(&session, &ProjectSession::opened);
        session.openOrCreate(path, study);
        return opened.wait(10000);
    }
    bool open(const QString& path) {
        QSignalSpy opened(&session, &ProjectSession::opened);
        session.open(path);
        return opened.wait(10000);
    }
    bool run(int milliseconds = 60000) {
        end.reset();
        runner.start();
        return QTest::qWaitFor([this] { return end.has_value(); }, milliseconds);
    }
    const ProjectView& view() const { return *session.view(); }

    ProjectSession session;
    StudyRunner runner;
    std::optional<RunEnd> end;
    QStringList failures, notes, jobFailures;
    bool recordedBefore = true; // each failure of a job was in the project when it was told
};

// Completions by key, as far as they must be equal.
std::map<Digest, std::vector<std::int32_t>> idsOf(const ProjectView& view) {
    std::map<Digest, std::vector<std::int32_t>> out;
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        out[view.completions->row(i).key] = view.completions->row(i).ids;
    return out;
}

QStringList shards(const QString& path) {
    return QDir(path + QStringLiteral(".d/shards")).entryList({QStringLiteral("*.h5")}, QDir::Files);
}

constexpr std::size_t sweepRows = 2 * 12 * (1 + 9), evaluationRows = 2 * 10 * 3;
} // namespace

class StudyRunnerTest : public QObject {
    Q_OBJECT
private:
    QTemporaryDir m_folder;
    std::map<Digest, std::vector<std::int32_t>> m_undisturbed;
    QString pathOf(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)); }

private Q_SLOTS:
    void runsAStudyToItsEnd() {
        const auto path = pathOf("whole.h5");
        Bench bench;
        QVERIFY(bench.openOrCreate(path, studyOf()));
        QCOMPARE(bench.view().generation, std::uint64_t(1)); // the study is on disk before the first job
        std::vector<double> fractions;
        connect(&bench.runner, &StudyRunner::progressChanged, this,
                [&](const RunProgress& progress) { fractions.push_back(progress.fraction); });
        QVERIFY(bench.run());
        QCOMPARE(bench.failures, QStringList());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
        QVERIFY(bench.end->blocked.empty());
        const auto& view = bench.view();
        QCOMPARE(view.models.size(), std::size_t(3));
        QCOMPARE(view.banks.size(), std::size_t(3));
        QCOMPARE(view.completions->size(), sweepRows + evaluationRows);
        QCOMPARE(view.labels.size(), view.completions->size());
        QCOMPARE(view.calibrations.size(), std::size_t(2));
        const auto* choice = view.calibrations[0]->choice();
        QVERIFY(choice);
        QVERIFY(choice->alpha > 2 && choice->alpha <= 5); // roses, not garbled: as the worker makes them
        QVERIFY(fractions.size() > 10);
        QVERIFY(std::is_sorted(fractions.begin(), fractions.end()));
        QCOMPARE(fractions.back(), 1.0);
        QVERIFY(!bench.session.isModified());
        QCOMPARE(shards(path), QStringList());
        m_undisturbed = idsOf(view);

        const auto reopened = openProject(path.toStdString()); // by another route than the session
        QCOMPARE(idsOf(reopened), m_undisturbed);
        QCOMPARE(reopened.calibrations.size(), std::size_t(2));
        QCOMPARE(reopened.transfer.size(), std::size_t(9));
        QCOMPARE(reopened.uuid, view.uuid);
    }

    void aFinishedStudyNeedsNoWorker() {
        Bench bench(workerOptions({}, QStringLiteral("no worker is started")));
        QVERIFY(bench.open(pathOf("whole.h5")));
        const auto generation = bench.view().generation;
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
        QCOMPARE(bench.runner.worker().processId(), qint64(0));
        QCOMPARE(bench.view().generation, generation);
    }

    void aWorkerThatDiesIsShownAndTheStudyResumes() {
        Bench bench(workerOptions({pathOf("counter"), QStringLiteral("8"), QStringLiteral("12")}));
        QVERIFY(bench.openOrCreate(pathOf("died.h5"), studyOf()));
        for (int death = 0; death < 2; ++death) {
            QVERIFY(bench.run());
            QVERIFY(bench.end->kind == RunEnd::Kind::Failed);
            QCOMPARE(bench.end->failure->code, std::string("worker.died"));
            QCOMPARE(bench.jobFailures.size(), death + 1);
            QVERIFY2(bench.jobFailures.last().contains(QStringLiteral("SIGKILL")),
                     qPrintable(bench.jobFailures.last()));
            QVERIFY(!bench.view().completions->empty());
            QCOMPARE(bench.view().jobs.back().error.find("worker.died"), std::size_t(0));
        }
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
        QCOMPARE(idsOf(bench.view()), m_undisturbed); // the same batches, so the same ids
        QCOMPARE(idsOf(openProject(pathOf("died.h5").toStdString())), m_undisturbed);
    }

    void resultsOfACrashedWindowAreTakenFromTheShards() {
        const auto path = pathOf("crashed.h5");
        std::size_t before = 0;
        {
            Bench bench;
            QVERIFY(bench.openOrCreate(path, studyOf()));
            bench.runner.start();
            QVERIFY(QTest::qWaitFor([&] { return bench.view().completions->size() > 40; }, 30000));
            QVERIFY(bench.session.isModified());
            before = bench.view().completions->size();
        } // gone without saving
        QVERIFY(!shards(path).isEmpty());
        QVERIFY(openProject(path.toStdString()).completions->size() < before);
        Bench bench;
        QVERIFY(bench.open(path));
        QVERIFY(bench.view().completions->size() >= before);
        QCOMPARE(bench.notes.size(), 1);
        QVERIFY(bench.session.isModified());
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
        QCOMPARE(idsOf(bench.view()), m_undisturbed);
        QCOMPARE(shards(path), QStringList());
    }

    void aLargerGridComputesOnlyWhatIsNew() {
        const auto path = pathOf("larger.h5");
        QVERIFY(QFile::copy(pathOf("whole.h5"), path));
        auto study = studyOf();
        study.sweep.strengths.push_back(1.6);
        Bench bench;
        QVERIFY(bench.openOrCreate(path, study));
        QVERIFY(bench.session.isModified());
        std::int64_t computed = 0;
        const auto jobs = bench.view().jobs.size();
        QVERIFY(bench.run());
        for (std::size_t i = jobs; i < bench.view().jobs.size(); ++i)
            computed += bench.view().jobs[i].results;
        QCOMPARE(computed, std::int64_t(2 * 12 * 3)); // models x prompts x k
        for (const auto& [key, ids] : m_undisturbed)
            QCOMPARE(idsOf(bench.view()).at(key), ids);
        QCOMPARE(bench.view().calibrations.size(), std::size_t(2));
        bench.session.renewCalibration(QStringLiteral("Small"), QStringLiteral("roses"));
        QVERIFY(QTest::qWaitFor([&] { return bench.view().calibrations.size() == 3; }));
        QCOMPARE(bench.view().calibrations.back()->points.size(), std::size_t(12));
        const auto chosen = bench.view().calibrations.back()->id;
        QCOMPARE(bench.session.undoText(), QStringLiteral("Choose again: Small, roses"));
        bench.session.undo();
        QVERIFY(QTest::qWaitFor([&] { return bench.view().calibrations.back()->id != chosen; }));
        QCOMPARE(bench.view().calibrations.size(), std::size_t(4));
        QCOMPARE(bench.view().calibrations.back()->points.size(), std::size_t(9));
        bench.session.redo();
        QVERIFY(QTest::qWaitFor([&] { return bench.view().calibrations.back()->id == chosen; }));
        const auto notes = bench.notes.size();
        bench.session.renewCalibration(QStringLiteral("Small"), QStringLiteral("roses")); // as it was
        QVERIFY(QTest::qWaitFor([&] { return bench.notes.size() == notes + 1; }));
        QCOMPARE(bench.view().calibrations.size(), std::size_t(5));
    }

    void aMissingModelBlocksOnlyItself() {
        auto study = studyOf();
        study.models[1].find = "missing.gguf";
        Bench bench;
        QVERIFY(bench.openOrCreate(pathOf("missing.h5"), study));
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
        QCOMPARE(bench.jobFailures, QStringList{QStringLiteral(
                                        "Small bf16: find the model: missing.gguf: no such model file.")});
        QVERIFY(bench.recordedBefore);
        QVERIFY(!bench.end->blocked.empty());
        QCOMPARE(bench.end->blocked[0].modelName, std::string("Small bf16"));
        QCOMPARE(bench.end->blocked[0].reason, std::string("missing.gguf: no such model file."));
        QCOMPARE(bench.view().completions->size(),
                 std::size_t(12 * 10 + 10 * 2)); // its own sweep, own and control
    }

    void pausesAndCancels() {
        Bench bench(workerOptions({}, QStringLiteral("slow")));
        QVERIFY(bench.openOrCreate(pathOf("paused.h5"), studyOf()));
        bench.runner.start();
        QVERIFY(QTest::qWaitFor(
            [&] { return bench.view().models.size() == 1 && !bench.runner.worker().idle(); }));
        bench.runner.pause();
        QVERIFY(QTest::qWaitFor([&] { return bench.end.has_value(); }));
        QVERIFY(bench.end->kind == RunEnd::Kind::Paused);
        QCOMPARE(bench.view().models.size(), std::size_t(2)); // the job under way was finished
        QVERIFY(!bench.session.isModified());
        bench.end.reset();
        bench.runner.start();
        QVERIFY(QTest::qWaitFor(
            [&] { return bench.runner.worker().processId() != 0 && !bench.runner.worker().idle(); }));
        bench.runner.cancel();
        QVERIFY(QTest::qWaitFor([&] { return bench.end.has_value(); }));
        QVERIFY(bench.end->kind == RunEnd::Kind::Cancelled);
        QVERIFY(bench.runner.state() == StudyRunner::State::Stopped);
        const auto saved = openProject(pathOf("paused.h5").toStdString());
        QVERIFY(saved.jobs.back().state == JobState::Cancelled);
        QVERIFY(saved.jobs.back().error.empty() && !saved.jobs.back().started.empty());
        QCOMPARE(std::count_if(saved.jobs.begin(), saved.jobs.end(),
                               [](const JobRecord& job) { return job.state == JobState::Cancelled; }),
                 std::ptrdiff_t(1));
    }

    void aDamagedShardEndsTheRunAndChangesNothing() {
        Bench bench(workerOptions({}, QStringLiteral("bad-shard")));
        QVERIFY(bench.openOrCreate(pathOf("damaged.h5"), studyOf()));
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Failed);
        QCOMPARE(bench.end->failure->code.rfind("project.", 0), std::size_t(0));
        QVERIFY(bench.view().models.empty());
    }

    void oneJobCanBeCancelled() {
        Bench bench(workerOptions({}, QStringLiteral("slow")));
        QVERIFY(bench.openOrCreate(pathOf("one.h5"), studyOf()));
        bench.runner.start();
        QVERIFY(QTest::qWaitFor([&] { return bench.runner.jobs().size() >= 3; }));
        bench.runner.cancelJob(bench.runner.jobs()[2].id); // finding Wide
        QVERIFY(QTest::qWaitFor([&] { return bench.view().banks.size() == 2; }, 20000));
        bench.runner.cancel();
        QVERIFY(QTest::qWaitFor([&] { return bench.end.has_value(); }));
        QCOMPARE(bench.view().models.size(), std::size_t(2));
    }

    void savesUnderAnotherName() {
        Bench bench;
        QVERIFY(bench.open(pathOf("whole.h5")));
        const auto uuid = bench.view().uuid;
        QSignalSpy saved(&bench.session, &ProjectSession::saved);
        bench.session.saveAs(pathOf("copy.h5"));
        QVERIFY(saved.wait(10000));
        QCOMPARE(bench.session.path(), pathOf("copy.h5"));
        QVERIFY(bench.view().uuid != uuid);
        QCOMPARE(idsOf(openProject(pathOf("copy.h5").toStdString())), m_undisturbed);
        QVERIFY(bench.run());
        QVERIFY(bench.end->kind == RunEnd::Kind::Complete);
    }

    void failuresAreToldAndLeaveTheProjectOpen() {
        Bench bench;
        QVERIFY(bench.open(pathOf("whole.h5")));
        QSignalSpy failed(&bench.session, &ProjectSession::failed);
        bench.session.open(pathOf("nowhere.h5"));
        QVERIFY(failed.wait(5000));
        QVERIFY(bench.session.isOpen());
        QCOMPARE(bench.session.path(), pathOf("whole.h5"));
        bench.session.create(pathOf("whole.h5"), studyOf()); // there already
        QVERIFY(failed.wait(5000));
        QCOMPARE(bench.failures.size(), 2);
    }
};

QTEST_GUILESS_MAIN(StudyRunnerTest)
#include "study_runner_test.moc"
