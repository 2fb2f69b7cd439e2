// Lines of PROTOCOL.md, written out by hand, against the readers and writers; and hostile lines.
#include "core/base/error.h"
#include "core/protocol/events.h"
#include "tests/core/protocol/job_texts.h"

#include <QtTest>

#include <cmath>
#include <random>

using namespace azimuth;

namespace {
JobSpec readText(const std::string& text) { return readJobSpec(parseJson(text, "job"), "job"); }

Submission submissionOf(const std::string& job) {
    Submission submission;
    submission.run = 7;
    submission.job = readText(job);
    submission.out = "/tmp/x.h5";
    submission.project = "2f1c6d3e-0b1a-4c5d-8e9f-001122334455";
    submission.blobs = "/tmp/blobs";
    submission.searchFolders = {"/models", "/more models"};
    submission.threads = 2;
    return submission;
}

std::vector<Event> sampleEvents() {
    return {event::Hello{1, 1, "0.1.0", "2.11.0", "", {"cpu", "cuda:0"}},
            event::Pong{9},
            event::Accepted{7, "j1"},
            event::Progress{7, 3, 10, "completions", "decode", 4.5},
            event::PartialMatrix{7, "norm", 2, 2, 5, {1.5F, -0.1F, NAN, 0.F}},
            event::PartialCompletion{7, hexA, hexB, hexC, "text \xE2\x82\xAC", "stop"},
            event::PartialToken{7, 0, 42, " the"},
            event::Log{7, "warning", "slow"},
            event::Done{7, "/tmp/x.h5", hexA},
            event::Failed{7, "model.find", "Gemma: not found", "Look again.", "detail"},
            event::Cancelled{7}};
}

template <class Call> std::string codeOf(Call call, std::string* message = nullptr) {
    try {
        call();
    } catch (const Error& error) {
        if (message)
            *message = error.message() + "\n" + error.detail();
        return error.code();
    }
    return {};
}
} // namespace

class ProtocolTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void readsJobsOfEveryKind() {
        const std::vector<std::string> kinds{"inspect", "tokens", "capture", "extract", "generate", "score"};
        const auto texts = jobTexts();
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const auto spec = readText(texts[i]);
            QCOMPARE(spec.kind(), kinds[i]);
            QCOMPARE(spec.id, std::string("j1"));
            QCOMPARE(spec.model.reference.find, std::string("small.gguf"));
            const auto again = readJobSpec(toJson(spec), "again");
            QCOMPARE(toJson(again).dump(), toJson(spec).dump());
        }
        const auto generate = readText(texts[4]);
        const auto& job = std::get<GenerateJob>(generate.payload);
        QCOMPARE(job.prompts.size(), std::size_t(3));
        QCOMPARE(std::get<std::string>(job.prompts[0].content), std::string("Hello"));
        QCOMPARE(std::get<std::vector<std::int32_t>>(job.prompts[1].content),
                 (std::vector<std::int32_t>{1, 2}));
        QCOMPARE(std::get<std::vector<Message>>(job.prompts[2].content)[1].content, std::string("u"));
        QCOMPARE(job.arms[1].interventions[0].strength, 2.5);
        QCOMPARE(job.rows[1].arm, 1u);
        QCOMPARE(job.decoding.maximumNewTokens, std::int64_t(8));
        QCOMPARE(generate.keys().size(), std::size_t(2));
        QCOMPARE(toHex(generate.keys()[1]), hexB);
        QCOMPARE(std::get<CaptureJob>(readText(texts[2]).payload).allPositions, true);
        QCOMPARE(toHex(readText(texts[3]).keys().at(0)), hexA);
        const auto score = readText(texts[5]);
        const auto& scores = std::get<ScoreJob>(score.payload);
        QVERIFY(scores.continuations[0].content == (Continuation{"Yes", true, {}}));
        QVERIFY(scores.continuations[1].content == (Continuation{"", false, {4, 5}}));
        QCOMPARE(scores.reference.value(), 0u);
        QCOMPARE(scores.batch, std::int64_t(16));
        QCOMPARE(scores.rows[1].continuation, 1u);
        QVERIFY(scores.arms[1].interventions[0].site == Site::MlpOut);
        QCOMPARE(toHex(score.keys()[1]), hexB);
        QVERIFY(readText(texts[0]).keys().empty());
        QVERIFY(!std::get<InspectJob>(readText(texts[0]).payload).list);
        QVERIFY(std::get<InspectJob>(readText(jobText("inspect", "{\"list\":true}")).payload).list);
    }

    void refusesJobs_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("finding");
        const auto row = [](const char* name, const std::string& text, const char* finding) {
            QTest::newRow(name) << QString::fromStdString(text) << QString::fromLatin1(finding);
        };
        const auto changed = [](std::string text, const std::string& from, const std::string& to) {
            const auto at = text.find(from);
            return at == std::string::npos ? std::string("{}") : text.replace(at, from.size(), to);
        };
        const auto generate = jobText("generate", generatePayload());
        row("unknown key", changed(generate, R"("live")", R"("life")"), "/payload/life");
        row("unknown kind", changed(generate, R"("kind":"generate")", R"("kind":"train")"),
            "known are inspect");
        row("prompt out of range", changed(generate, R"("prompt":2)", R"("prompt":3)"), "prompt 3 of 3");
        row("arm out of range", changed(generate, R"("arm":1})", R"("arm":2})"), "arm 2 of 2");
        row("negative index", changed(generate, R"("prompt":2)", R"("prompt":-1)"), "/payload/rows/1/prompt");
        row("key twice", changed(generate, hexB, hexA), "is there twice");
        row("short key", changed(generate, hexB, "bb"), "expected 64 hexadecimal digits, found bb");
        row("no blob", changed(generate, "\"" + hexC + "\":\"" + hexA + "\"", ""), "no blob for direction");
        row("no rows",
            jobText("generate", R"({"prompts":[{"id":"p","text":"x"}],"arms":[],"rows":[],"decoding":{}})"),
            "expected 1 to");
        const auto score = jobText("score", scorePayload());
        row("continuation out of range", changed(score, R"("continuation":1)", R"("continuation":2)"),
            "continuation 2 of 2");
        row("score of an arm that is not there", changed(score, R"("arm":1})", R"("arm":7})"), "arm 7 of 2");
        row("reference out of range", changed(score, R"("reference":0)", R"("reference":2)"), "arm 2 of 2");
        row("continuation without a name", changed(score, R"("id":"given")", R"("id":"yes")"), "stands twice");
        row("text and ids of a continuation", changed(score, R"("first":true)", R"("ids":[1])"), "exactly one of");
        row("first of ids", changed(score, R"("ids":[4,5])", R"("ids":[4,5],"first":true)"), "scored as given");
        row("score twice", changed(score, R"("prompt":1,"continuation":1,"arm":1)", R"("prompt":0,"continuation":0,"arm":0)"),
            "is there twice");
        row("empty continuation", changed(score, R"("text":"Yes")", R"("text":"")"), "empty");
        row("no prompts", jobText("tokens", R"({"prompts":[]})"), "/payload/prompts: no prompt");
        row("text and ids", jobText("tokens", R"({"prompts":[{"id":"p","text":"x","ids":[1]}]})"),
            "exactly one of");
        row("neither", jobText("tokens", R"({"prompts":[{"id":"p"}]})"),
            "exactly one of text, messages, ids; found 0");
        row("negative token", jobText("tokens", R"({"prompts":[{"id":"p","ids":[-1]}]})"), "element 0");
        row("token too large", jobText("tokens", R"({"prompts":[{"id":"p","ids":[2147483648]}]})"),
            "element 0");
        row("broken token", jobText("tokens", R"({"prompts":[{"id":"p","ids":[1.5]}]})"), "element 0");
        row("empty ids", jobText("tokens", R"({"prompts":[{"id":"p","ids":[]}]})"),
            "/payload/prompts/0/ids: empty");
        row("no messages", jobText("tokens", R"({"prompts":[{"id":"p","messages":[]}]})"), "messages: empty");
        row("site",
            jobText("capture", R"({"prompts":[{"id":"p","text":"x"}],"positions":"last","sites":["mlp"]})"),
            "known are resid, resid_mid, attn_out, mlp_out");
        row("identity",
            changed(generate, R"("find":"small.gguf","precision":"fp32"})",
                    R"("find":"small.gguf","precision":"fp32"},"identity":"xyz")"),
            "/model/identity");
        row("precision", changed(generate, "fp32", "fp12"), "precision");
    }
    void refusesJobs() {
        QFETCH(QString, text);
        QFETCH(QString, finding);
        std::string message;
        const auto code = codeOf([&] { readText(text.toStdString()); }, &message);
        QCOMPARE(code, std::string("json.content"));
        QVERIFY2(message.find(finding.toStdString()) != std::string::npos, message.c_str());
    }

    void refusesOtherVersions() {
        auto text = jobText("inspect", "{}");
        text.replace(text.find("\"version\":1"), 11, "\"version\":2");
        QCOMPARE(codeOf([&] { readText(text); }), std::string("json.version"));
        QCOMPARE(codeOf([&] { readText("{}"); }), std::string("json.kind"));
        QCOMPARE(codeOf([&] { readText("[]"); }), std::string("json.content"));
    }

    void commandsAreThoseOfTheDocument() {
        QCOMPARE(toLine(Command(command::Ping{7})), std::string(R"({"command":"ping","number":7})"));
        QCOMPARE(toLine(Command(command::Cancel{3})), std::string(R"({"command":"cancel","run":3})"));
        QCOMPARE(toLine(Command(command::Quit{})), std::string(R"({"command":"quit"})"));
        QCOMPARE(std::get<command::Ping>(readCommand(R"({"command":"ping","number":7})")).number,
                 std::uint64_t(7));
        QCOMPARE(std::get<command::Cancel>(readCommand(R"({"run":3,"command":"cancel"})")).run,
                 std::uint64_t(3));
        QVERIFY(std::holds_alternative<command::Quit>(readCommand(R"({"command":"quit"})")));
        for (const auto& text : jobTexts()) {
            const auto submission = submissionOf(text);
            const auto line = toLine(Command(submission));
            QVERIFY(line.find('\n') == std::string::npos);
            const auto again = std::get<Submission>(readCommand(line));
            QCOMPARE(again.run, submission.run);
            QCOMPARE(again.searchFolders, submission.searchFolders);
            QCOMPARE(again.threads, 2);
            QCOMPARE(again.project, submission.project);
            QCOMPARE(again.device, std::string("cpu"));
            QCOMPARE(toLine(Command(again)), line);
        }
    }

    void refusesCommands_data() {
        QTest::addColumn<QString>("line");
        for (const char* line :
             {"", "{}", "null", "7", "[]", "{\"command\":\"start\"}", "{\"command\":7}",
              "{\"command\":\"ping\"}", "{\"command\":\"ping\",\"number\":-1}",
              "{\"command\":\"ping\",\"number\":1,\"more\":2}", "{\"command\":\"cancel\",\"run\":\"3\"}",
              "{\"command\":\"submit\"}", "{\"command\":\"submit\",\"submission\":{}}",
              "{\"command\":\"quit\"} x", "{\"command\":\"quit\",\"command\":\"quit\"}"})
            QTest::newRow(line) << QString::fromLatin1(line);
    }
    void refusesCommands() {
        QFETCH(QString, line);
        QCOMPARE(codeOf([&] { readCommand(line.toStdString()); }), std::string("protocol.command"));
    }

    void refusesHostileSubmissions() {
        auto submission = submissionOf(jobTexts()[0]);
        submission.device = "cuda:99999999999";
        QCOMPARE(codeOf([&] { readSubmission(toJson(submission), "s"); }), std::string("json.content"));
        submission.device = "cpu";
        submission.out = std::string("/tmp/a\0b", 8);
        QCOMPARE(codeOf([&] { readSubmission(toJson(submission), "s"); }), std::string("json.content"));
        submission.out = "/tmp/\xff";
        QCOMPARE(codeOf([&] { toLine(Command(submission)); }), std::string("protocol.utf8"));
    }

    void eventsAreThoseOfTheDocument() {
        QCOMPARE(toLine(sampleEvents()[3]),
                 std::string(R"({"done":3.0,"event":"progress","phase":"decode","run":7,"seconds_left":4.5,)"
                             R"("total":10.0,"unit":"completions"})"));
        QCOMPARE(toLine(sampleEvents()[4]),
                 std::string(R"({"columns":2,"event":"partial_matrix","n":5,"name":"norm","rows":2,"run":7,)"
                             R"("values":[1.5,-0.1,null,0.0]})"));
        for (const auto& value : sampleEvents()) {
            const auto again = readEvent(toLine(value));
            QCOMPARE(again.index(), value.index());
            QCOMPARE(toLine(again), toLine(value));
            QCOMPARE(isTerminal(value), value.index() >= 8);
        }
        const auto matrix = std::get<event::PartialMatrix>(readEvent(toLine(sampleEvents()[4])));
        QCOMPARE(matrix.values[1], -0.1F);
        QVERIFY(std::isnan(matrix.values[2]));
    }

    void aNewerHelloIsStillRead() {
        const auto hello = std::get<event::Hello>(
            readEvent(R"({"event":"hello","oldest":2,"newest":5,"build":"9.0","colour":"blue"})"));
        QCOMPARE(hello.oldest, 2);
        QCOMPARE(hello.newest, 5);
    }

    void refusesEvents_data() {
        QTest::addColumn<QString>("line");
        for (const char* line :
             {"", "{", "nonsense", "[1]", "{\"event\":\"explode\"}", "{\"event\":\"done\",\"run\":1}",
              "{\"event\":\"done\",\"run\":1,\"file\":\"x\",\"sha256\":\"\"}",
              "{\"event\":\"done\",\"run\":-1,\"file\":\"\",\"sha256\":\"\"}",
              "{\"event\":\"cancelled\",\"run\":1e300}", "{\"event\":\"hello\",\"oldest\":3,\"newest\":1}",
              "{\"event\":\"progress\",\"run\":1,\"done\":-1,\"total\":0,\"unit\":\"\",\"phase\":\"\"}",
              "{\"event\":\"partial_matrix\",\"run\":1,\"name\":\"n\",\"rows\":65536,\"columns\":65536,\"n\":"
              "1,\"values\":[]}",
              "{\"event\":\"partial_matrix\",\"run\":1,\"name\":\"n\",\"rows\":1,\"columns\":1,\"n\":1,"
              "\"values\":[\"x\"]}",
              "{\"event\":\"log\",\"run\":1,\"level\":\"loud\",\"text\":\"\"}",
              "{\"event\":\"pong\",\"number\":1,\"x\":1}"})
            QTest::newRow(line) << QString::fromLatin1(line);
    }
    void refusesEvents() {
        QFETCH(QString, line);
        QCOMPARE(codeOf([&] { readEvent(line.toStdString()); }), std::string("protocol.event"));
    }

    void anEventFitsItsLineWhateverItHolds() {
        const std::string hostile(8 << 20, '\x01');
        for (const Event& value :
             std::vector<Event>{event::Failed{1, "c", hostile, hostile, hostile},
                                event::Log{1, "info", "\xff\xfe" + hostile},
                                event::PartialCompletion{1, hexA, hexB, hexC, hostile, "stop"}}) {
            const auto line = toLine(value);
            QVERIFY2(line.size() <= maximumEventLine, std::to_string(line.size()).c_str());
            QCOMPARE(toLine(readEvent(line)), line);
        }
        QCOMPARE(codeOf([] { readEvent(std::string((std::size_t{1} << 20) + 1, ' ')); }),
                 std::string("protocol.size"));
    }

    void mutatedLinesNeverCrash() {
        std::vector<std::string> lines;
        for (const auto& value : sampleEvents())
            lines.push_back(toLine(value));
        for (const auto& text : jobTexts())
            lines.push_back(toLine(Command(submissionOf(text))));
        std::mt19937 random(20260314);
        const auto below = [&](std::size_t n) {
            return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1));
        };
        int understood = 0, refused = 0;
        for (int i = 0; i < 10000; ++i) {
            auto line = lines[below(lines.size())];
            for (std::size_t change = 1 + below(4); change-- > 0 && !line.empty();) {
                const auto at = below(line.size());
                switch (below(5)) {
                case 0:
                    line[at] = static_cast<char>(random());
                    break;
                case 1:
                    line.erase(at, 1 + below(8));
                    break;
                case 2:
                    line.insert(at, std::string(1 + below(3), "{}[]\",:0-e9\\"[below(12)]));
                    break;
                case 3:
                    line.resize(at);
                    break;
                default:
                    line.insert(at, line.substr(below(line.size()), below(40)));
                    break;
                }
            }
            const auto attempt = [&](auto call) {
                try {
                    call();
                    ++understood;
                } catch (const Error& error) {
                    QVERIFY(error.code().rfind("protocol.", 0) == 0);
                    ++refused;
                }
            };
            attempt([&] { toLine(readEvent(line)); });
            attempt([&] { toLine(readCommand(line)); });
        }
        QVERIFY(understood > 0 && refused > 10000);
    }
};

QTEST_GUILESS_MAIN(ProtocolTest)
#include "protocol_test.moc"
