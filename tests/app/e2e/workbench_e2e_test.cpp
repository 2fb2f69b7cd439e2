// The main job through the real window and the real worker on a real model, killed in the middle:
// data/demo/small.json is opened and run, the worker dies by SIGKILL, the failure is shown, the run goes on,
// the project is saved, read by a new process, and compared by token ids with a run that nobody disturbed.
#include "app/workbench/bottom_pane.h"
#include "app/workbench/navigator.h"
#include "app/workbench/pages/layers_page.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/workbench.h"
#include "core/project/project.h"
#include "resources/resources.h"
#include "tests/app/e2e/project_rows.h"

#include <csignal>
#include <QApplication>
#include <QProcess>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {
constexpr int longWait = 400000; // ms; a shared machine may be slow
}

class WorkbenchE2eTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theWholeJobKilledInTheMiddle() {
        QTemporaryDir folder;
        const QString project = folder.filePath(QStringLiteral("study.h5"));
        QStringList saved;
        Selection place;
        {
            Workbench workbench(*Theme::instance(), options());
            workbench.show();
            killInTheMiddle(workbench);
            goOn(workbench);
            saved = save(workbench, project);
            place = leaveAtLayers(workbench);
        }
        QVERIFY(saved.size() > 150);
        QCOMPARE(e2e::rowsInNewProcess(project), saved);
        reopen(project, place);
        compareWithUndisturbed(project, folder.filePath(QStringLiteral("undisturbed.h5")));
    }

private:
    static StudyRunner::Options options() {
        StudyRunner::Options options;
        options.worker.program = e2e::program("azimuth-worker");
        return options;
    }

    // Opens the study; kills the worker while the first sweep is being decoded.
    void killInTheMiddle(Workbench& workbench) {
        QSignalSpy failures(&workbench.runner(), &StudyRunner::jobFailed);
        QSignalSpy ends(&workbench.runner(), &StudyRunner::finished);
        workbench.open(e2e::demoStudy("small.json"));
        QTRY_VERIFY_WITH_TIMEOUT(workbench.runner().progress().stage == QLatin1String("sweep") &&
                                     workbench.runner().progress().phase.contains(QLatin1String("decod")),
                                 longWait);
        QVERIFY(workbench.window().activity().running);
        const auto worker = workbench.runner().worker().processId();
        QVERIFY(worker > 0);
        QCOMPARE(::kill(static_cast<pid_t>(worker), SIGKILL), 0);
        QTRY_COMPARE_WITH_TIMEOUT(ends.count(), 1, 30000);
        QVERIFY(!workbench.runner().isRunning());
        QCOMPARE(failures.count(), 1);
        const auto failure = failures.front().at(1).value<event::Failed>();
        QCOMPARE(failure.code, std::string("worker.died"));
        QVERIFY2(failure.text.find("signal 9") != std::string::npos, failure.text.c_str());
        // It is shown, with what to do, and what was finished is there.
        auto* pane = workbench.window().bottomPane();
        QCOMPARE(pane->notificationCount(), 1);
        QVERIFY(pane->logText().contains(QLatin1String("signal 9")));
        QVERIFY(workbench.session().view()->banks.size() >= 1);
    }

    void goOn(Workbench& workbench) {
        QSignalSpy ends(&workbench.runner(), &StudyRunner::finished);
        const auto before = e2e::idsByKey(*workbench.session().view());
        workbench.window().action(QStringLiteral("run"))->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(ends.count(), 1, longWait);
        QCOMPARE(ends.front().at(0).value<RunEnd>().kind, RunEnd::Kind::Complete);
        const auto view = workbench.session().view();
        for (const auto& [key, ids] : before)
            QCOMPARE(e2e::idsByKey(*view).at(key), ids);
        QCOMPARE(view->banks.size(), std::size_t{3});
        QCOMPARE(view->calibrations.size(), std::size_t{2});
        QCOMPARE(view->labels.size(), view->completions->size());
    }

    QStringList save(Workbench& workbench, const QString& project) {
        QSignalSpy saves(&workbench.session(), &ProjectSession::saved);
        workbench.session().saveAs(project);
        [&] { QTRY_VERIFY_WITH_TIMEOUT(saves.count() >= 1, 60000); }();
        return e2e::rowsOf(*workbench.session().view());
    }

    // Where the user is when the window is closed.
    Selection leaveAtLayers(Workbench& workbench) {
        Q_EMIT workbench.window().navigator()->pageRequested(QStringLiteral("layers"));
        Selection there = workbench.window().selection()->current();
        there.k = 18;
        there.position = -2;
        workbench.window().selection()->set(there);
        return workbench.window().selection()->current();
    }

    // Everything is shown again without a worker or a model.
    void reopen(const QString& project, const Selection& place) {
        StudyRunner::Options nothing;
        nothing.worker.program = QStringLiteral("/nonexistent/azimuth-worker");
        Workbench workbench(*Theme::instance(), nothing);
        workbench.show();
        workbench.open(project);
        QTRY_VERIFY_WITH_TIMEOUT(workbench.window().view() != nullptr, 60000);
        QTRY_COMPARE_WITH_TIMEOUT(workbench.window().selection()->current().page, QStringLiteral("layers"),
                                  10000);
        const auto& now = workbench.window().selection()->current();
        QCOMPARE(now.k, place.k);
        QCOMPARE(now.position, place.position);
        QCOMPARE(now.model, place.model);
        QVERIFY(!workbench.window().currentPage()->inspector().empty());
        for (const char* page : {"overview", "apply", "transfer"}) {
            Q_EMIT workbench.window().navigator()->pageRequested(QString::fromLatin1(page));
            QCOMPARE(workbench.window().currentPage()->id(), QString::fromLatin1(page));
        }
        QCOMPARE(workbench.runner().worker().processId(), qint64{0});
    }

    void compareWithUndisturbed(const QString& project, const QString& undisturbed) {
        QProcess run;
        run.start(e2e::program("azimuth"),
                  {QStringLiteral("run"), e2e::demoStudy("small.json"), QStringLiteral("-o"), undisturbed});
        QVERIFY(run.waitForFinished(longWait));
        QVERIFY2(run.exitCode() == 0, run.readAllStandardError().constData());
        const auto ours = e2e::idsByKey(openProject(project.toStdString()));
        const auto theirs = e2e::idsByKey(openProject(undisturbed.toStdString()));
        QVERIFY(ours.size() >= 100);
        QVERIFY(ours == theirs);
    }
};

int main(int argc, char** argv) {
    e2e::dumpIfAsked(argc, argv);
    QTemporaryDir home; // settings and unsaved projects of this test only
    qputenv("XDG_CONFIG_HOME", home.path().toUtf8());
    qputenv("XDG_DATA_HOME", home.path().toUtf8());
    QCoreApplication::setOrganizationName(QStringLiteral("azimuth"));
    QCoreApplication::setApplicationName(QStringLiteral("azimuth-e2e"));
    initResources();
    QApplication application(argc, argv);
    Theme theme(application);
    WorkbenchE2eTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "workbench_e2e_test.moc"
