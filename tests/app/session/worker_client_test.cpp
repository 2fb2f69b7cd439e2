// WorkerClient against a worker that misbehaves in every way: each submission has one outcome, with its text.
#include "app/session/worker_client.h"

#include <QSignalSpy>
#include <QtTest>

#include <csignal>

using namespace azimuth;

namespace {
WorkerClient::Options optionsFor(const char* mode) {
    WorkerClient::Options options;
    options.program = QStringLiteral(AZIMUTH_BINARY_DIR "/bin/tests/fake_worker");
    options.arguments = {QString::fromLatin1(mode)};
    options.helloMilliseconds = 1000;
    options.pingMilliseconds = 50;
    options.silentMilliseconds = 200;
    options.cancelMilliseconds = 200;
    options.terminateMilliseconds = 200;
    return options;
}

Submission submission() {
    Submission out;
    out.job.id = "j";
    out.job.model.reference = {"m", "m.gguf", std::nullopt, Precision::Fp32, true};
    out.job.payload = TokensJob{{{"p", std::string("Hello")}}};
    return out;
}

// Every outcome that a client reported.
struct Outcomes {
    explicit Outcomes(WorkerClient& client) {
        QObject::connect(
            &client, &WorkerClient::finished, &client,
            [this](std::uint64_t run, const Outcome& outcome) { list.emplace_back(run, outcome); });
    }
    bool wait(std::size_t count, int milliseconds = 8000) {
        return QTest::qWaitFor([&] { return list.size() >= count; }, milliseconds);
    }
    std::vector<std::pair<std::uint64_t, Outcome>> list;
};
} // namespace

class WorkerClientTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void hasOneOutcome_data() {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<QString>("code"); // empty: done
        QTest::addColumn<QString>("text");
        const auto row = [](const char* mode, const char* code, const char* text) {
            QTest::newRow(mode) << QString::fromLatin1(mode) << QString::fromLatin1(code)
                                << QString::fromLatin1(text);
        };
        row("ok", "", "");
        row("slow", "", "");
        row("large", "", "");
        row("flood", "", "");
        row("twice", "", "");
        row("other-run", "", "");
        row("done-then-crash", "", "");
        row("no-pong", "", "");
        row("failed", "model.missing", "x.gguf: no such file.");
        row("crash", "worker.died", "The worker ended (signal 11, SIGSEGV) while it ran the job.");
        row("half", "worker.died", "The worker ended (exit code 0) while it ran the job.");
        row("exit3", "worker.died", "The worker ended (exit code 3) while it ran the job.");
        row("dies-at-once", "worker.died", "The worker ended (exit code 7) while it ran the job.");
        row("too-large", "protocol", "The worker sent a line of more than 1048576 bytes.");
        row("endless", "protocol", "The worker sent a line of more than 1048576 bytes.");
        row("invalid", "protocol",
            "The worker sent a line that is not understood: Segmentation fault imminent");
        row("unknown", "protocol",
            "The worker sent a line that is not understood: {\"event\":\"applause\",\"run\":1}");
        row("early", "protocol", "The worker spoke before its hello.");
        row("no-hello", "worker.hello", "The worker did not answer within 1 s after its start.");
        row("newer", "worker.version",
            "The worker (build 9.0) is newer than this program: it speaks protocol 2 to 3, this program 1 to "
            "1.");
        row("older", "worker.version",
            "The worker (build 0.0.1) is older than this program: it speaks protocol 0 to 0, this program 1 "
            "to 1.");
    }
    void hasOneOutcome() {
        QFETCH(QString, mode);
        QFETCH(QString, code);
        QFETCH(QString, text);
        WorkerClient client(optionsFor(mode.toLatin1().constData()));
        Outcomes outcomes(client);
        const auto run = client.submit(submission(), QStringLiteral("the job"));
        QVERIFY(outcomes.list.empty()); // never from inside submit
        QVERIFY(outcomes.wait(1));
        QTest::qWait(300);
        QCOMPARE(outcomes.list.size(), std::size_t(1));
        QCOMPARE(outcomes.list[0].first, run);
        const auto* failed = std::get_if<event::Failed>(&outcomes.list[0].second);
        QCOMPARE(failed ? QString::fromStdString(failed->code) : QString(), code);
        if (failed)
            QCOMPARE(QString::fromStdString(failed->text), text);
        else
            QVERIFY(std::holds_alternative<event::Done>(outcomes.list[0].second));
        if (mode == QStringLiteral("exit3"))
            QVERIFY(failed->detail.find("out of cheese") != std::string::npos);
        QVERIFY(client.idle());
    }

    void aMissingProgramIsSaid() {
        auto options = optionsFor("ok");
        options.program = QStringLiteral("/nowhere/azimuth-worker");
        WorkerClient client(options);
        Outcomes outcomes(client);
        client.submit(submission());
        QVERIFY(outcomes.wait(1));
        const auto& failed = std::get<event::Failed>(outcomes.list[0].second);
        QCOMPARE(failed.code, std::string("worker.start"));
        QCOMPARE(failed.text, std::string("/nowhere/azimuth-worker could not be started."));
        QCOMPARE(client.state(), WorkerClient::State::Stopped);
    }

    void oneProcessRunsManyJobs() {
        WorkerClient client(optionsFor("ok"));
        Outcomes outcomes(client);
        QSignalSpy progress(&client, &WorkerClient::progressed);
        client.submit(submission());
        client.submit(submission());
        QVERIFY(outcomes.wait(2));
        const auto process = client.processId();
        client.submit(submission());
        QVERIFY(outcomes.wait(3));
        QCOMPARE(client.processId(), process);
        for (std::size_t i = 0; i < 3; ++i)
            QCOMPARE(outcomes.list[i].first, std::uint64_t(i + 1));
        QCOMPARE(progress.count(), 3);
        QCOMPARE(client.hello().torch, std::string("2.11.0"));
    }

    void aDeadWorkerIsStartedAgainOnDemand() {
        WorkerClient client(optionsFor("polite"));
        Outcomes outcomes(client);
        client.submit(submission(), QStringLiteral("the sweep"));
        QVERIFY(QTest::qWaitFor([&] { return client.state() == WorkerClient::State::Ready; }));
        const auto process = client.processId();
        ::kill(static_cast<pid_t>(process), SIGKILL);
        QVERIFY(outcomes.wait(1));
        QCOMPARE(std::get<event::Failed>(outcomes.list[0].second).text,
                 std::string("The worker ended (signal 9, SIGKILL) while it ran the sweep."));
        QTest::qWait(200);
        QCOMPARE(client.state(), WorkerClient::State::Stopped); // nothing runs by itself again
        const auto run = client.submit(submission());
        QVERIFY(QTest::qWaitFor([&] { return client.state() == WorkerClient::State::Ready; }));
        QVERIFY(client.processId() != process);
        client.cancel(run);
        QVERIFY(outcomes.wait(2));
        QVERIFY(std::holds_alternative<event::Cancelled>(outcomes.list[1].second));
    }

    void cancelEscalates_data() {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<bool>("survives");
        QTest::newRow("obeys") << QStringLiteral("polite") << true;
        QTest::newRow("ends on SIGTERM") << QStringLiteral("mute") << false;
        QTest::newRow("needs SIGKILL") << QStringLiteral("stubborn") << false;
    }
    void cancelEscalates() {
        QFETCH(QString, mode);
        QFETCH(bool, survives);
        WorkerClient client(optionsFor(mode.toLatin1().constData()));
        Outcomes outcomes(client);
        QSignalSpy accepted(&client, &WorkerClient::accepted);
        const auto run = client.submit(submission());
        QVERIFY(accepted.wait());
        client.cancel(run);
        client.cancel(run); // twice is once
        QVERIFY(outcomes.wait(1));
        QVERIFY(std::holds_alternative<event::Cancelled>(outcomes.list[0].second));
        QTest::qWait(500);
        QCOMPARE(outcomes.list.size(), std::size_t(1));
        QCOMPARE(client.state() == WorkerClient::State::Ready, survives);
    }

    void cancellingBeforeHelloCancels() {
        WorkerClient client(optionsFor("ok"));
        Outcomes outcomes(client);
        client.cancel(client.submit(submission()));
        QVERIFY(outcomes.list.empty());
        QVERIFY(outcomes.wait(1));
        QVERIFY(std::holds_alternative<event::Cancelled>(outcomes.list[0].second));
        client.submit(submission());
        QVERIFY(outcomes.wait(2));
        QVERIFY(std::holds_alternative<event::Done>(outcomes.list[1].second));
    }

    void silenceIsNoticedAndKillsNothing() {
        WorkerClient client(optionsFor("mute"));
        Outcomes outcomes(client);
        QSignalSpy responding(&client, &WorkerClient::respondingChanged);
        client.submit(submission());
        QVERIFY(responding.wait(3000));
        QVERIFY(!client.responding());
        QTest::qWait(500);
        QVERIFY(outcomes.list.empty());
        QVERIFY(client.state() == WorkerClient::State::Ready);
        client.stop();
        QVERIFY(outcomes.wait(1));
        QCOMPARE(std::get<event::Failed>(outcomes.list[0].second).code, std::string("worker.died"));
    }

    void aFloodLeavesTimeForOthers() {
        WorkerClient client(optionsFor("flood"));
        Outcomes outcomes(client);
        qint64 longest = 0;
        QElapsedTimer since;
        QTimer tick;
        connect(&tick, &QTimer::timeout, &tick, [&] { longest = std::max(longest, since.restart()); });
        since.start();
        tick.start(1);
        client.submit(submission());
        QVERIFY(outcomes.wait(1, 30000));
        QVERIFY2(longest < 200, qPrintable(QString::number(longest))); // shared machine: 8 ms are meant
    }

    void destructionEndsAStubbornWorker() {
        qint64 process = 0;
        {
            WorkerClient client(optionsFor("stubborn"));
            QSignalSpy accepted(&client, &WorkerClient::accepted);
            client.submit(submission());
            QVERIFY(accepted.wait());
            process = client.processId();
        }
        QCOMPARE(::kill(static_cast<pid_t>(process), 0), -1);
    }
};

QTEST_GUILESS_MAIN(WorkerClientTest)
#include "worker_client_test.moc"
