// The worker as a process with the real engine on SmolLM2 and Gemma 3: how soon it answers a cancel, wherever
// it is, how much memory it takes beside what was predicted, and that it computes at each precision.
#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/generate/memory_need.h"
#include "core/engine/generate/score.h"
#include "core/engine/methods/dim.h"
#include "core/protocol/events.h"
#include "tests/core/container/sparse_file.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"

#include <ATen/Parallel.h>
#include <QElapsedTimer>
#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QtTest>

#include <functional>
#include <sys/resource.h>

using namespace azimuth;

namespace {
const QString model = QStringLiteral(AZIMUTH_CACHE_DIR "/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const QString gemma = QStringLiteral(AZIMUTH_CACHE_DIR "/models/gemma-3-270m.Q4_K_M.gguf");

class Conversation {
public:
    explicit Conversation(const QString& cache = {}) { // a cache folder of its own remembers no digests
        if (!cache.isEmpty()) {
            auto environment = QProcessEnvironment::systemEnvironment();
            environment.insert(QStringLiteral("XDG_CACHE_HOME"), cache);
            process.setProcessEnvironment(environment);
        }
        process.start(QStringLiteral(AZIMUTH_BINARY_DIR "/bin/azimuth-worker"), {QStringLiteral("serve")});
    }
    ~Conversation() {
        process.kill();
        process.waitForFinished();
    }
    void send(const Command& command) {
        process.write(QByteArray::fromStdString(toLine(command)) + '\n');
        process.waitForBytesWritten(10000);
    }
    // The first event that the predicate takes, or nothing.
    std::optional<Event> until(const std::function<bool(const Event&)>& wanted, int milliseconds) {
        QElapsedTimer timer;
        timer.start();
        do {
            while (process.canReadLine()) {
                auto line = process.readLine();
                line.chop(1);
                auto value = readEvent(line.toStdString());
                if (wanted(value))
                    return value;
            }
            process.waitForReadyRead(5);
        } while (timer.elapsed() < milliseconds);
        return std::nullopt;
    }
    template <class Kind> bool untilKind(int milliseconds) {
        return until([](const Event& e) { return std::holds_alternative<Kind>(e); }, milliseconds)
            .has_value();
    }

    QProcess process;
};

std::vector<std::int32_t> idsOf(std::int64_t count, std::uint32_t seed) {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        ids.push_back(static_cast<std::int32_t>((seed >> 8) % 40000));
    }
    return ids;
}

std::vector<JobPrompt> promptsOf(std::uint32_t count, std::int64_t tokens) {
    std::vector<JobPrompt> prompts;
    for (std::uint32_t i = 0; i < count; ++i)
        prompts.push_back({"p" + std::to_string(i), idsOf(tokens, i)});
    return prompts;
}

GenerateJob generateOf(std::uint32_t rows, std::int64_t promptTokens, std::int64_t newTokens) {
    GenerateJob job;
    job.prompts = promptsOf(rows, promptTokens);
    job.arms = {{"control", {}}};
    job.decoding.rows = rows;
    job.decoding.maximumNewTokens = newTokens;
    for (std::uint32_t i = 0; i < rows; ++i)
        job.rows.push_back({sha256(std::to_string(i)), i, 0});
    return job;
}

ScoreJob scoreOf(std::uint32_t prompts, std::int64_t promptTokens, std::int64_t tokens) {
    ScoreJob job;
    job.prompts = promptsOf(prompts, promptTokens);
    job.arms = {{"control", {}}};
    job.reference = 0;
    for (std::uint32_t c = 0; c < 4; ++c)
        job.continuations.push_back({std::to_string(c), {"", false, idsOf(tokens, 100 + c)}});
    for (std::uint32_t p = 0; p < prompts; ++p)
        for (std::uint32_t c = 0; c < 4; ++c)
            job.rows.push_back({sha256(std::to_string(p * 4 + c)), p, c, 0});
    return job;
}

CaptureJob captureOf(std::uint32_t prompts, std::int64_t tokens) {
    CaptureJob job;
    job.prompts = promptsOf(prompts, tokens);
    return job;
}

ExtractJob extractOf(std::uint32_t prompts, std::int64_t tokens) {
    ExtractJob job;
    job.key = sha256("bank");
    job.conceptName = "concept";
    job.positive = promptsOf(prompts, tokens);
    job.negative = promptsOf(prompts, tokens + 1);
    return job;
}

// A Llama whose embedding and head are nearly all of 2 GiB, of which the disk holds nothing.
void writeSparseFolder(const QString& folder) {
    auto tiny = test::tinyLlama("model.", false);
    constexpr std::int64_t vocabulary = 1 << 23;
    tiny.config["vocab_size"] = vocabulary;
    tiny.shape("model.embed_tokens.weight") = {vocabulary, 32};
    tiny.shape("lm_head.weight") = {vocabulary, 32};
    Json header = Json::object();
    std::int64_t end = 0;
    for (const auto& [name, shape] : tiny.tensors) {
        std::int64_t bytes = 4;
        for (const auto extent : shape)
            bytes *= extent;
        header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
        end += bytes;
    }
    auto text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    QVERIFY(QDir().mkpath(folder));
    writeFileAtomically(folder.toStdString() + "/config.json", tiny.config.dump());
    const std::uint64_t size = text.size();
    const std::string beginning = std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
    QVERIFY(test::writeSparse(folder.toStdString() + "/model.safetensors", beginning,
                              beginning.size() + static_cast<std::uint64_t>(end)));
}

template <class Payload>
Submission submissionOf(std::uint64_t run, Payload payload, const std::string& out,
                        Precision precision = Precision::Fp32, const QString& find = model) {
    Submission submission;
    submission.run = run;
    submission.job.id = "job " + std::to_string(run);
    submission.job.model.reference = {"SmolLM2", find.toStdString(), std::nullopt, precision, true};
    submission.job.payload = std::move(payload);
    submission.out = out;
    return submission;
}

// High-water mark of the process's resident memory.
std::uint64_t peakOf(const QProcess& process) {
    QFile file(QStringLiteral("/proc/%1/status").arg(process.processId()));
    if (!file.open(QIODevice::ReadOnly))
        return 0;
    for (const auto& line : file.readAll().split('\n'))
        if (line.startsWith("VmHWM:"))
            return line.mid(6).simplified().split(' ').front().toULongLong() * 1024;
    return 0;
}
} // namespace

class SessionEngineTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string out(const char* name) const {
        return m_folder.filePath(QString::fromLatin1(name)).toStdString();
    }

    enum Work { Write, Capture, ReadToWrite, Score, ScoreShort, Extract, Inspect, ScoreOne };
    Submission workOf(int work, Precision precision, const QString& find) const {
        const auto shard = out("a.h5");
        switch (work) {
        case Write:
            return submissionOf(1, generateOf(32, 24, 2000), shard, precision, find);
        case Capture:
            return submissionOf(1, captureOf(128, 300), out("a.safetensors"), precision, find);
        case ReadToWrite:
            return submissionOf(1, generateOf(32, 1000, 8), shard, precision, find);
        case Score:
            return submissionOf(1, scoreOf(32, 600, 100), shard, precision, find);
        case ScoreShort:
            return submissionOf(1, scoreOf(24, 8, 60), shard, precision, find);
        case Extract:
            return submissionOf(1, extractOf(64, 300), shard, precision, find);
        default:
            return submissionOf(1, InspectJob{}, out("a.json"), precision, find);
        }
    }

    // What the worker says of a job under a real limit of the machine's; it must not publish.
    QString refusalOf(const JobSpec& spec, std::uint64_t limitBytes) const {
        const auto publish = out(spec.kind() == "capture" ? "b.safetensors" : "b.h5");
        writeFileAtomically(out("job.json"), toJson(spec).dump());
        QProcess process;
        process.setChildProcessModifier([limitBytes] {
            rlimit limit{};
            limit.rlim_cur = limit.rlim_max = limitBytes;
            ::setrlimit(RLIMIT_AS, &limit);
        });
        process.start(QStringLiteral(AZIMUTH_BINARY_DIR "/bin/azimuth-worker"),
                      {QStringLiteral("run"), QString::fromStdString(out("job.json")),
                       QStringLiteral("--out"), QString::fromStdString(publish)});
        if (!process.waitForFinished(100000) || process.exitCode() != 1 ||
            QFile::exists(QString::fromStdString(publish)))
            return QStringLiteral("not refused: ") + QString::fromUtf8(process.readAllStandardError());
        return QString::fromUtf8(process.readAllStandardError());
    }

    // Between what a pair takes that scoreOf(8, 8000, 101) scores, and what two take.
    static double gigabytesOfOneAndAHalf() {
        const auto checkpoint = Checkpoint::open(model.toStdString());
        const auto spec = architectureOf(checkpoint.hyperparameters());
        std::uint64_t sum = 0;
        for (const std::int64_t pairs : {1, 2})
            sum += memoryNeed(spec, at::kFloat, checkpoint.memoryBytes(at::kFloat),
                              {pairs, 8100, 8000, pairs, scoreBuffers(spec, pairs), 0, at::get_num_threads()})
                       .total();
        return static_cast<double>(sum) / 2e9;
    }

private Q_SLOTS:
    void initTestCase() {
        if (!QFile::exists(model) || !QFile::exists(gemma))
            QSKIP("the models are not in the cache");
        writeSparseFolder(m_folder.filePath(QStringLiteral("sparse")));
    }
    void cleanup() {
        for (const char* file : {"a.h5", "a.safetensors", "a.json"})
            QFile::remove(QString::fromStdString(out(file)));
    }

    void cancels_data() {
        QTest::addColumn<QString>("phase");
        QTest::addColumn<double>("done"); // progress at which cancel is sent
        QTest::addColumn<int>("work");
        QTest::addColumn<int>("precision");
        QTest::addColumn<QString>("find");
        QTest::newRow("hashing") << QStringLiteral("hashing") << 1.0 << int(Inspect) << int(Precision::Fp32)
                                 << m_folder.filePath(QStringLiteral("sparse"));
        const auto add = [](const char* phase, double done, Work work, Precision precision,
                            const QString& find = model) {
            const char* const names[] = {"write", "capture",     "read to write",
                                         "score", "score short", "extract"};
            QTest::addRow("%s: %s at %g, %s, %s", names[work], phase, done, toString(precision).c_str(),
                          find == model ? "SmolLM2" : "Gemma 3")
                << QString::fromLatin1(phase) << done << int(work) << int(precision) << find;
        };
        for (const auto& find : {model, gemma}) {
            add("loading", 1, Write, Precision::Fp32, find);
            for (const auto precision : {Precision::Fp32, Precision::Bf16}) {
                add("reading prompts", 0, Capture, precision, find);
                add("decoding", 0.02, Write, precision, find); // a few steps
                add("scoring", 0, Score, precision, find);
            }
            add("reading prompts", 0, Extract, Precision::Fp32, find);
            add("decoding", 0, ReadToWrite, Precision::Fp32, find);
            add("scoring", 2, ScoreShort, Precision::Fp32, find);
        }
        add("reading prompts", 0, Extract, Precision::Bf16);
        add("loading", 1, Write, Precision::Nf4B64);
    }
    void cancels() {
        QFETCH(QString, phase);
        QFETCH(double, done);
        QFETCH(int, work);
        QFETCH(int, precision);
        QFETCH(QString, find);
        qint64 best = -1;
        // The machine may be busy with other things: the best of three counts.
        for (int attempt = 0; attempt < 3 && (best < 0 || best > 500); ++attempt) {
            const QTemporaryDir cache;
            Conversation talk(work == Inspect ? cache.path() : QString());
            QVERIFY(talk.untilKind<event::Hello>(20000));
            talk.send(workOf(work, static_cast<Precision>(precision), find));
            const auto reached = talk.until(
                [&](const Event& e) {
                    const auto* progress = std::get_if<event::Progress>(&e);
                    return progress && progress->phase == phase.toStdString() && progress->done >= done;
                },
                300000);
            QVERIFY(reached);
            const auto& at = std::get<event::Progress>(*reached);
            QVERIFY2(at.done < at.total, "it had ended already");
            QElapsedTimer timer;
            timer.start();
            talk.send(command::Cancel{1});
            QVERIFY(talk.untilKind<event::Cancelled>(20000));
            best = best < 0 ? timer.elapsed() : std::min(best, timer.elapsed());
            for (const char* file : {"a.h5", "a.safetensors", "a.json"})
                QVERIFY(!QFile::exists(QString::fromStdString(out(file))));
            // It works on: the next job is accepted and ends.
            talk.send(submissionOf(2, InspectJob{}, out("m.json")));
            QVERIFY(talk.untilKind<event::Done>(60000));
        }
        qInfo("cancelled after %lld ms", best);
        QVERIFY2(best <= 500, qPrintable(QStringLiteral("%1 ms").arg(best)));
    }

    void memory_data() {
        QTest::addColumn<int>("precision");
        QTest::addColumn<int>("job");
        for (const auto precision : {Precision::Fp32, Precision::Bf16})
            for (const auto& [job, name] :
                 {std::pair(Write, "generate"), {Capture, "capture"}, {Score, "score"}, {Extract, "extract"}})
                QTest::addRow("%s %s", toString(precision).c_str(), name) << int(precision) << int(job);
    }
    // design 12: at most idle worker + 1.25 x weights at run precision + predicted KV and activations.
    void memory() {
        QFETCH(int, precision);
        QFETCH(int, job);
        const auto compute = static_cast<Precision>(precision);
        const auto checkpoint = Checkpoint::open(model.toStdString());
        const auto spec = architectureOf(checkpoint.hyperparameters());
        const auto weights = checkpoint.memoryBytes(scalarType(compute));
        const auto threads = static_cast<std::int64_t>(at::get_num_threads());
        MemoryShape shape;
        Conversation talk;
        QVERIFY(talk.untilKind<event::Hello>(20000));
        const auto idle = peakOf(talk.process);
        if (job == Write) {
            shape = {32, 200 + 16, 2048, 32, 0, 0, threads};
            talk.send(submissionOf(1, generateOf(32, 200, 16), out("a.h5"), compute));
        } else if (job == Capture) {
            shape = {0, 200, 1024, 0, 0, std::uint64_t{40} * 31 * 576 * 4, threads};
            talk.send(submissionOf(1, captureOf(40, 200), out("a.safetensors"), compute));
        } else if (job == Extract) {
            shape = {0, 201, 1024, 0, 0, differenceInMeansBytes(spec, 1, 40), threads};
            talk.send(submissionOf(1, extractOf(20, 200), out("a.h5"), compute));
        } else {
            shape = {16, 200 + 49, 2048, 16, scoreBuffers(spec, 16), 0, threads};
            talk.send(submissionOf(1, scoreOf(16, 200, 50), out("a.h5"), compute));
        }
        const auto ended = talk.until([](const Event& e) { return isTerminal(e); }, 300000);
        QVERIFY(ended && std::holds_alternative<event::Done>(*ended));
        const auto peak = peakOf(talk.process);
        const auto need = memoryNeed(spec, scalarType(compute), weights, shape);
        const auto allowed = idle + weights + weights / 4 + need.total() - need.weights;
        const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
        qInfo("peak %.0f MiB; idle %.0f, weights %.0f, cache %.0f, activations %.0f, logits %.0f, buffers "
              "%.0f, results "
              "%.0f: allowed %.0f",
              mib(peak), mib(idle), mib(weights), mib(need.cache), mib(need.activations), mib(need.logits),
              mib(need.buffers), mib(need.results), mib(allowed));
        QVERIFY(idle > 0 && peak > idle);
        QVERIFY(peak <= allowed);
    }

    // The job is refused before anything is loaded, with both numbers and the largest setting that fits.
    void refusesWhatDoesNotFit_data() {
        QTest::addColumn<int>("work");
        QTest::addColumn<int>("precision");
        QTest::addColumn<QString>("remedy"); // an expression
        const auto row = [](const char* name, Work work, Precision precision, const char* remedy) {
            QTest::newRow(name) << int(work) << int(precision) << QString::fromLatin1(remedy);
        };
        row("generate", Write, Precision::Fp32, "The largest that fits is [1-9][0-9]* decoding rows\\.");
        row("score", Score, Precision::Fp32, "The largest that fits is [1-9][0-9]* pairs of prompt and arm");
        row("capture", Capture, Precision::Fp32,
            "The largest that fits is [1-9][0-9]? prompts in one capture\\."); // of 100
        row("extract", Extract, Precision::Fp32, "The largest that fits is 2 prompts of each class\\.");
        row("in bf16 only", ReadToWrite, Precision::Fp32, "It fits in bf16\\.");
        row("score, one pair beside the reference", ScoreOne, Precision::Fp32,
            "The largest that fits is bf16 with [2-7] pairs of prompt and arm"); // of 8
        row("simulated", ReadToWrite, Precision::Nf4B64, "The model itself fits: use shorter prompts");
    }
    void refusesWhatDoesNotFit() {
        QFETCH(int, work);
        QFETCH(int, precision);
        QFETCH(QString, remedy);
        constexpr std::uint64_t limit = std::uint64_t{6} << 30;
        const auto specOf = [&](auto payload) {
            return submissionOf(1, std::move(payload), {}, static_cast<Precision>(precision)).job;
        };
        QString text;
        if (work == Write)
            text = refusalOf(specOf(generateOf(256, 1000, 7000)), limit);
        else if (work == Score) {
            auto job = scoreOf(256, 5000, 500);
            job.batch = 256;
            text = refusalOf(specOf(job), limit);
        } else if (work == Capture) {
            auto job = captureOf(100, 300);
            job.allPositions = true;
            job.sites = {"resid", "resid_mid", "attn_out", "mlp_out"};
            text = refusalOf(specOf(job), limit);
        } else if (work == Extract) {
            auto job = extractOf(4, 20);
            job.negative[2] = {"long", idsOf(300000, 1)};
            text = refusalOf(specOf(job), limit);
        } else {
            const auto refusal = refusalOf(specOf(generateOf(256, 1000, 7000)), limit);
            QVERIFY2(!refusal.startsWith(QStringLiteral("not refused")), qPrintable(refusal));
            const auto free = QRegularExpression(QStringLiteral("; ([0-9.]+) GB are free"))
                                  .match(refusal)
                                  .captured(1)
                                  .toDouble();
            QVERIFY(free > 1 && free < 6.5);
            const auto underFree = [&](const JobSpec& spec, double gigabytes) {
                return refusalOf(spec, limit - static_cast<std::uint64_t>((free - gigabytes) * 1e9));
            };
            // One row of the model's whole context takes 1.2 GB, in bf16 half of that.
            text = work == ReadToWrite ? underFree(specOf(generateOf(1, 8100, 90)), 0.85)
                                       : underFree(specOf(scoreOf(8, 8000, 101)), gigabytesOfOneAndAHalf());
        }
        QVERIFY2(!text.startsWith(QStringLiteral("not refused")), qPrintable(text));
        QVERIFY2(text.contains(QStringLiteral("SmolLM2 needs ")) &&
                     text.contains(QStringLiteral(" are free. ")) &&
                     text.contains(QRegularExpression(remedy)),
                 qPrintable(text));
        QVERIFY2(precision == int(Precision::Fp32) || !text.contains(QStringLiteral("bf16")),
                 qPrintable(text));
    }

    // Each precision generates, with tokens of its own where it rounds much, and says in the shard what it
    // is.
    void generatesAtEachPrecision() {
        std::map<Precision, std::vector<std::int32_t>> ids;
        Conversation talk;
        QVERIFY(talk.untilKind<event::Hello>(20000));
        std::uint64_t run = 0;
        for (const auto precision :
             {Precision::Fp32, Precision::Int8RtnRow, Precision::Int4RtnG64, Precision::Nf4B64}) {
            const auto file = out("g.jsonl");
            talk.send(submissionOf(++run, generateOf(2, 24, 12), file, precision));
            const auto ended = talk.until([](const Event& e) { return isTerminal(e); }, 120000);
            QVERIFY(ended && std::holds_alternative<event::Done>(*ended));
            const auto text = readFile(file, 1 << 20);
            const auto first = parseJson(text.substr(0, text.find('\n')), "line");
            ids[precision] = first["ids"].get<std::vector<std::int32_t>>();
            QCOMPARE(ids[precision].size(), std::size_t{12});
        }
        QVERIFY(ids[Precision::Int4RtnG64] != ids[Precision::Fp32]);
        QVERIFY(ids[Precision::Nf4B64] != ids[Precision::Int4RtnG64]);
    }
};

QTEST_GUILESS_MAIN(SessionEngineTest)
#include "session_engine_test.moc"
