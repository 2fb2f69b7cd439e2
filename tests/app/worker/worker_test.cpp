// The worker as a process, beside a fake engine or none: the conversation of PROTOCOL.md, its manners and its
// exit codes.
#include "app/worker/direction_file.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/container/safetensors.h"
#include "core/protocol/events.h"
#include "core/protocol/prompt_lines.h"

#include <QElapsedTimer>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <csignal>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

using namespace azimuth;

namespace {
const QString folder = QStringLiteral(AZIMUTH_BINARY_DIR "/bin/tests/");

class Conversation {
public:
    explicit Conversation(const QString& where = QStringLiteral("fake_engine")) {
        process.start(folder + where + QStringLiteral("/azimuth-worker"), {QStringLiteral("serve")});
    }
    ~Conversation() {
        process.kill();
        process.waitForFinished();
    }

    void send(const Command& command) { sendLine(toLine(command)); }
    void sendLine(const std::string& line) {
        process.write(QByteArray::fromStdString(line) + '\n');
        process.waitForBytesWritten(5000);
    }

    // The next event of one kind; others are kept in `seen`.
    template <class Kind> std::optional<Kind> next(int milliseconds = 5000) {
        QElapsedTimer timer;
        timer.start();
        do {
            while (process.canReadLine()) {
                auto line = process.readLine();
                line.chop(1);
                const auto value = readEvent(line.toStdString());
                seen.push_back(value);
                if (const auto* found = std::get_if<Kind>(&value))
                    return *found;
            }
            process.waitForReadyRead(20);
        } while (timer.elapsed() < milliseconds);
        return std::nullopt;
    }

    QProcess process;
    std::vector<Event> seen;
};

Submission submissionOf(std::uint64_t run, const std::string& name) {
    Submission submission;
    submission.run = run;
    submission.job.id = "job " + std::to_string(run);
    submission.job.model.reference = {name, name + ".gguf", std::nullopt, Precision::Fp32, true};
    submission.job.payload = TokensJob{{{"p", std::string("Hello")}}};
    return submission;
}

struct Ended {
    int code = -1;
    QString output, errors;
};

Ended runVerb(const QStringList& arguments, const QString& where = QStringLiteral("fake_engine")) {
    QProcess process;
    process.start(folder + where + QStringLiteral("/azimuth-worker"), arguments);
    process.waitForFinished(20000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            QString::fromUtf8(process.readAllStandardOutput()),
            QString::fromUtf8(process.readAllStandardError())};
}

void writeText(const QString& path, const QByteArray& text) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
}
} // namespace

class WorkerTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void saysHelloFirst() {
        Conversation talk;
        const auto hello = talk.next<event::Hello>(10000);
        QVERIFY(hello);
        QCOMPARE(talk.seen.size(), std::size_t(1));
        QCOMPARE(hello->oldest, 1);
        QCOMPARE(hello->newest, 1);
        QCOMPARE(hello->torch, std::string("0.0-fake"));
        QCOMPARE(hello->devices, std::vector<std::string>{"cpu"});
        QVERIFY(hello->problem.empty());
    }

    void withoutAnEngineItSaysSo() {
        Conversation talk(QStringLiteral("no_engine"));
        const auto hello = talk.next<event::Hello>();
        QVERIFY(hello && hello->torch.empty());
        QVERIFY(hello->problem.find("libazimuth-engine.so") != std::string::npos);
        talk.send(submissionOf(1, "ok"));
        const auto failed = talk.next<event::Failed>();
        QVERIFY(failed);
        QCOMPARE(failed->run, std::uint64_t(1));
        QCOMPARE(failed->code, std::string("engine.missing"));
        QVERIFY(failed->remedy.find("installer/setup") != std::string::npos);
    }

    void runsJobsOneAfterTheOther() {
        Conversation talk;
        for (std::uint64_t run = 1; run <= 5; ++run)
            talk.send(submissionOf(run, "ok"));
        for (std::uint64_t run = 1; run <= 5; ++run) {
            const auto done = talk.next<event::Done>();
            QVERIFY(done);
            QCOMPARE(done->run, run);
        }
        std::vector<std::uint64_t> order; // a job is accepted only after the one before has ended
        for (const auto& value : talk.seen) {
            if (const auto* accepted = std::get_if<event::Accepted>(&value))
                order.push_back(accepted->run);
            if (const auto* done = std::get_if<event::Done>(&value))
                order.push_back(done->run + 100);
        }
        QCOMPARE(order, (std::vector<std::uint64_t>{1, 101, 2, 102, 3, 103, 4, 104, 5, 105}));
    }

    void answersAPingWhileItComputes() {
        Conversation talk;
        talk.send(submissionOf(1, "slow"));
        QVERIFY(talk.next<event::Accepted>());
        talk.send(command::Ping{77});
        const auto pong = talk.next<event::Pong>(1000);
        QVERIFY(pong);
        QCOMPARE(pong->number, std::uint64_t(77));
    }

    void cancelsWhatRunsAndWhatWaits() {
        Conversation talk;
        talk.send(submissionOf(1, "slow"));
        talk.send(submissionOf(2, "ok"));
        talk.send(submissionOf(3, "ok"));
        QVERIFY(talk.next<event::Accepted>());
        talk.send(command::Cancel{2});
        auto cancelled = talk.next<event::Cancelled>(1000);
        QVERIFY(cancelled);
        QCOMPARE(cancelled->run, std::uint64_t(2));
        talk.send(command::Cancel{99}); // nothing of that number: no answer
        talk.send(command::Cancel{1});
        cancelled = talk.next<event::Cancelled>(1000);
        QVERIFY(cancelled);
        QCOMPARE(cancelled->run, std::uint64_t(1));
        const auto done = talk.next<event::Done>();
        QVERIFY(done);
        QCOMPARE(done->run, std::uint64_t(3));
    }

    void coalescesAFlood() {
        Conversation talk;
        QVERIFY(talk.next<event::Hello>());
        QElapsedTimer timer;
        timer.start();
        talk.send(submissionOf(1, "flood"));
        QVERIFY(talk.next<event::Done>(20000));
        const double seconds = static_cast<double>(timer.elapsed()) / 1000;
        int paced = 0, matrices = 0, completions = 0;
        for (const auto& value : talk.seen) {
            matrices += std::holds_alternative<event::PartialMatrix>(value);
            completions += std::holds_alternative<event::PartialCompletion>(value);
            paced += std::holds_alternative<event::Progress>(value);
        }
        QVERIFY2(paced + matrices + completions <= 20 * seconds + 2, qPrintable(QString::number(paced)));
        QVERIFY2(matrices <= 2 * seconds + 2, qPrintable(QString::number(matrices)));
        QVERIFY(paced >= 3 && matrices >= 1 && completions >= 3); // none starves another
    }

    void survivesLinesItDoesNotUnderstand() {
        Conversation talk;
        QVERIFY(talk.next<event::Hello>());
        for (const std::string& line :
             {std::string("nonsense"), std::string("{\"command\":\"dance\"}"), std::string(),
              std::string("\xff\xfe\x00", 3), std::string(100000, '[')}) {
            talk.sendLine(line);
            const auto failed = talk.next<event::Failed>();
            QVERIFY(failed);
            QCOMPARE(failed->run, std::uint64_t(0));
            QCOMPARE(failed->code, std::string("protocol.command"));
        }
        auto json = parseJson(toLine(Command(submissionOf(4, "ok"))),
                              "line"); // its run is told, so that somebody hears of it
        json["submission"]["device"] = "quantum";
        talk.sendLine(json.dump());
        const auto failed = talk.next<event::Failed>();
        QVERIFY(failed);
        QCOMPARE(failed->run, std::uint64_t(4));
        talk.send(submissionOf(5, "ok"));
        QVERIFY(talk.next<event::Done>());
        talk.send(submissionOf(5, "ok")); // a run is used once
        QCOMPARE(talk.next<event::Failed>()->code, std::string("protocol.run"));
    }

    void aCommandLineBeyondTheLimitIsDropped() {
        Conversation talk;
        QVERIFY(talk.next<event::Hello>());
        talk.sendLine(std::string(maximumCommandLine + 10, 'x'));
        const auto failed = talk.next<event::Failed>(20000);
        QVERIFY(failed);
        QCOMPARE(failed->code, std::string("protocol.size"));
        talk.send(command::Ping{1});
        QVERIFY(talk.next<event::Pong>());
    }

    void endsWithItsInput_data() {
        QTest::addColumn<QString>("how");
        QTest::addColumn<QString>("model");
        for (const QString& how :
             {QStringLiteral("close"), QStringLiteral("quit"), QStringLiteral("terminate")})
            for (const QString& model : {QString(), QStringLiteral("slow"), QStringLiteral("deaf")})
                QTest::newRow(qPrintable(how + QStringLiteral(" while ") +
                                         (model.isEmpty() ? QStringLiteral("idle") : model)))
                    << how << model;
    }
    void endsWithItsInput() {
        QFETCH(QString, how);
        QFETCH(QString, model);
        Conversation talk;
        QVERIFY(talk.next<event::Hello>());
        if (!model.isEmpty()) {
            talk.send(submissionOf(1, model.toStdString()));
            QVERIFY(talk.next<event::Accepted>());
        }
        QElapsedTimer timer;
        timer.start();
        if (how == QStringLiteral("close"))
            talk.process.closeWriteChannel();
        else if (how == QStringLiteral("quit"))
            talk.send(command::Quit{});
        else
            talk.process.terminate();
        QVERIFY(talk.process.waitForFinished(5000));
        QVERIFY2(timer.elapsed() <= 2200, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(talk.process.exitStatus(), QProcess::NormalExit);
        QCOMPARE(talk.process.exitCode(), 0);
    }

    void hasItsManners() {
        Conversation talk;
        QVERIFY(talk.next<event::Hello>());
        const auto pid = static_cast<pid_t>(talk.process.processId());
        QCOMPARE(getsid(pid), pid);
        errno = 0;
        QCOMPARE(getpriority(PRIO_PROCESS, static_cast<id_t>(pid)),
                 std::min(19, getpriority(PRIO_PROCESS, 0) + 5));
        QFile status(QStringLiteral("/proc/%1/status").arg(pid));
        QVERIFY(status.open(QIODevice::ReadOnly));
        const auto text = QString::fromUtf8(status.readAll());
        const auto at = text.indexOf(QStringLiteral("SigIgn:"));
        const auto ignored =
            text.mid(at + 7, 30).trimmed().section(QLatin1Char('\n'), 0, 0).toULongLong(nullptr, 16);
        QVERIFY(ignored & (1ULL << (SIGPIPE - 1)));
    }

    void verbsPrintWhatTheEngineWrote() {
        QTemporaryDir dir;
        writeText(dir.filePath(QStringLiteral("file.gguf")), "x");
        writeText(dir.filePath(QStringLiteral("p.jsonl")),
                  "{\"id\":\"a\",\"text\":\"x\"}\n\n{\"id\":\"b\",\"ids\":[1]}\n");
        const auto ended = runVerb({QStringLiteral("tokens"), dir.filePath(QStringLiteral("file.gguf")),
                                    QStringLiteral("--prompts"), dir.filePath(QStringLiteral("p.jsonl"))});
        QCOMPARE(ended.output, QStringLiteral("a\nb\n")); // and not what the library printed
        QCOMPARE(ended.code, 0);
    }

    void refusesBadInput_data() {
        QTest::addColumn<QByteArray>("prompts");
        QTest::addColumn<QString>("finding");
        const auto row = [](const char* name, const QByteArray& text, const char* finding) {
            QTest::newRow(name) << text << QString::fromUtf8(finding);
        };
        row("empty", "", "p.jsonl holds no prompt");
        row("blank lines", "\n \n", "p.jsonl holds no prompt");
        row("unknown key", "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"x\",\"role\":\"user\"}\n",
            "p.jsonl line 2: /role: this key is not known here");
        row("not UTF-8", "{\"id\":\"a\",\"text\":\"\xff\"}\n", "line 1 is not valid UTF-8");
        row("no id", "{\"text\":\"x\"}\n", "/id: missing");
        row("not an object", "7\n", "line 1");
        row("cut off", "{\"id\":\"a\",\"text\":\"x", "line 1");
        row("both", "{\"id\":\"a\",\"text\":\"x\",\"ids\":[1]}\n", "exactly one of");
        row("no ids", "{\"id\":\"a\",\"ids\":[]}\n", "/ids: empty");
        row("key twice", "{\"id\":\"a\",\"id\":\"b\",\"text\":\"x\"}\n", "line 1");
    }
    void refusesBadInput() {
        QFETCH(QByteArray, prompts);
        QFETCH(QString, finding);
        QTemporaryDir dir;
        writeText(dir.filePath(QStringLiteral("file.gguf")), "x");
        writeText(dir.filePath(QStringLiteral("p.jsonl")), prompts);
        const auto out = dir.filePath(QStringLiteral("c.jsonl"));
        const auto ended =
            runVerb({QStringLiteral("generate"), dir.filePath(QStringLiteral("file.gguf")),
                     QStringLiteral("--prompts"), dir.filePath(QStringLiteral("p.jsonl")),
                     QStringLiteral("--max-new-tokens"), QStringLiteral("4"), QStringLiteral("--out"), out});
        QVERIFY2(ended.errors.contains(finding), qPrintable(ended.errors));
        QCOMPARE(ended.errors.count(QStringLiteral("azimuth-worker:")), 1);
        QCOMPARE(ended.code, 2);
        QVERIFY(!QFile::exists(out));
    }

    void refusesCommandLines_data() {
        QTest::addColumn<QStringList>("arguments");
        const auto row = [](const char* name, const char* arguments) {
            QTest::newRow(name) << QString::fromLatin1(arguments).split(QLatin1Char(' '), Qt::SkipEmptyParts);
        };
        row("no verb", "");
        row("unknown verb", "train");
        row("unknown option", "inspect m.gguf --colour blue");
        row("neither model nor list", "inspect");
        row("no prompts", "tokens file.gguf");
        row("no such prompts", "tokens file.gguf --prompts missing.jsonl");
        row("precision", "inspect file.gguf --precision fp12");
        row("no tokens", "generate file.gguf --prompts p.jsonl --max-new-tokens 0 --out c.jsonl");
        row("k without direction",
            "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl --k-from 3");
        row("direction alone", "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl "
                               "--direction d.safetensors");
        row("add without strength",
            "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl --direction "
            "d.safetensors --op add --k-from 1 --k-to 1");
        row("ablate with strength",
            "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl --direction "
            "d.safetensors --op ablate --k-from 1 --k-to 1 --strength 2");
        row("ablate raw", "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl --direction "
                          "d.safetensors --op ablate --k-from 1 --k-to 1 --raw");
        row("k reversed", "generate file.gguf --prompts p.jsonl --max-new-tokens 4 --out c.jsonl --direction "
                          "d.safetensors --op add --k-from 2 --k-to 1 --strength 2");
        row("folder as model", "inspect .");
        row("engine's refusal", "tokens bad.gguf --prompts p.jsonl");
        row("capture into another kind of file", "capture file.gguf --prompts p.jsonl --out a.h5");
    }
    void refusesCommandLines() {
        QFETCH(QStringList, arguments);
        QTemporaryDir dir;
        writeText(dir.filePath(QStringLiteral("file.gguf")), "x");
        writeText(dir.filePath(QStringLiteral("bad.gguf")), "x");
        writeText(dir.filePath(QStringLiteral("p.jsonl")), "{\"id\":\"a\",\"text\":\"x\"}\n");
        {
            SafetensorsWriter writer(dir.filePath(QStringLiteral("d.safetensors")).toStdString(),
                                     {{"direction", DType::F32, {2}}});
            const std::vector<float> values{3, 4};
            writer.append("direction", std::span<const float>(values));
            writer.finish();
        }
        const auto before = QDir::current();
        QDir::setCurrent(dir.path());
        const auto ended = runVerb(arguments);
        QDir::setCurrent(before.path());
        QVERIFY2(ended.errors.contains(QStringLiteral("azimuth-worker: ")), qPrintable(ended.errors));
        QCOMPARE(ended.code, 2);
        QCOMPARE(ended.output, QString());
        QCOMPARE(QDir(dir.path()).entryList(QDir::Files).size(), 4); // what we wrote, nothing more
    }

    void aMissingEngineIsNotTheInputsFault() {
        QTemporaryDir dir;
        writeText(dir.filePath(QStringLiteral("file.gguf")), "x");
        const auto ended = runVerb({QStringLiteral("inspect"), dir.filePath(QStringLiteral("file.gguf"))},
                                   QStringLiteral("no_engine"));
        QCOMPARE(ended.code, 1);
        QVERIFY(ended.errors.contains(QStringLiteral("installer/setup")));
    }

    void aDirectionIsNormalisedInDouble() {
        QTemporaryDir dir;
        const auto path = dir.filePath(QStringLiteral("d.safetensors")).toStdString();
        const std::vector<float> values{3e-30F, 4e-30F, 0}; // squares vanish in float, not in double
        {
            SafetensorsWriter writer(path, {{"direction", DType::F32, {3}}});
            writer.append("direction", std::span<const float>(values));
            writer.finish();
        }
        const auto given = worker::readDirectionFile(path);
        QCOMPARE(given.unit, (std::vector<float>{0.6F, 0.8F, 0}));
        QVERIFY(std::abs(given.norm / 5e-30 - 1) < 1e-6);
        const auto digest = writeDirectionBlob(dir.path().toStdString(), given.unit);
        const auto blob = dir.path().toStdString() + "/" + digest + ".safetensors";
        QCOMPARE(toHex(sha256File(blob)), digest);
        QCOMPARE(SafetensorsFile::open(blob).floats("direction", {3}), given.unit);
    }

    void refusesDirectionFiles_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("type");
        QTest::addColumn<QList<qint64>>("shape");
        QTest::addColumn<float>("value");
        QTest::addColumn<QString>("code");
        QTest::newRow("name") << QStringLiteral("vector") << int(DType::F32) << QList<qint64>{2} << 1.F
                              << QStringLiteral("direction.file");
        QTest::newRow("type") << QStringLiteral("direction") << int(DType::I32) << QList<qint64>{2} << 1.F
                              << QStringLiteral("direction.file");
        QTest::newRow("shape") << QStringLiteral("direction") << int(DType::F32) << QList<qint64>{1, 2} << 1.F
                               << QStringLiteral("direction.file");
        QTest::newRow("zero") << QStringLiteral("direction") << int(DType::F32) << QList<qint64>{2} << 0.F
                              << QStringLiteral("direction.zero");
        QTest::newRow("nan") << QStringLiteral("direction") << int(DType::F32) << QList<qint64>{2} << NAN
                             << QStringLiteral("direction.finite");
        QTest::newRow("no values") << QStringLiteral("direction") << int(DType::F32) << QList<qint64>{0}
                                   << 0.F << QStringLiteral("direction.file");
    }
    void refusesDirectionFiles() {
        QFETCH(QString, name);
        QFETCH(int, type);
        QFETCH(QList<qint64>, shape);
        QFETCH(float, value);
        QFETCH(QString, code);
        QTemporaryDir dir;
        const auto path = dir.filePath(QStringLiteral("d.safetensors")).toStdString();
        SafetensorsWriter writer(
            path, {{name.toStdString(), static_cast<DType>(type), {shape.begin(), shape.end()}}});
        if (shape.last() > 0) {
            const std::vector<float> values{value, value};
            writer.append(name.toStdString(), std::span<const float>(values));
        }
        writer.finish();
        std::string found;
        try {
            worker::readDirectionFile(path);
        } catch (const Error& error) {
            found = error.code();
        }
        QCOMPARE(QString::fromStdString(found), code);
    }
};

QTEST_GUILESS_MAIN(WorkerTest)
#include "worker_test.moc"
