// The worker's verbs on SmolLM2 with the real engine: what other programs rely on, and what happens to bad
// input. Expected tokens: the model's own chat template and vocabulary (as its tokenizer.json gives them).
#include "core/base/json.h"
#include "core/container/safetensors.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>

using namespace azimuth;

namespace {
const QString model = QStringLiteral(AZIMUTH_CACHE_DIR "/models/SmolLM2-135M-Instruct.Q4_1.gguf");

struct Ended {
    int code = -1;
    QString output, errors;
};

Ended run(const QString& folder, const QStringList& arguments) {
    QProcess process;
    process.setWorkingDirectory(folder);
    process.start(QStringLiteral(AZIMUTH_BINARY_DIR "/bin/azimuth-worker"), arguments);
    process.waitForFinished(100000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            QString::fromUtf8(process.readAllStandardOutput()),
            QString::fromUtf8(process.readAllStandardError())};
}

void write(const QString& path, const QByteArray& text) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
}

std::vector<Json> lines(const QString& text) {
    std::vector<Json> out;
    for (const auto& line : text.split(QLatin1Char('\n'), Qt::SkipEmptyParts))
        out.push_back(parseJson(line.toStdString(), "line"));
    return out;
}

QString contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}
} // namespace

class VerbsEngineTest : public QObject {
    Q_OBJECT
private:
    QTemporaryDir m_folder;
    QString at(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)); }
    Ended verb(const char* arguments) const {
        auto list = QString::fromLatin1(arguments).split(QLatin1Char(' '), Qt::SkipEmptyParts);
        list.insert(1, model);
        return run(m_folder.path(), list);
    }

private Q_SLOTS:
    void initTestCase() {
        write(at("p.jsonl"),
              "{\"id\":\"a\",\"text\":\"Why is the sky blue?\"}\n{\"id\":\"b\",\"ids\":[1,2,3]}\n"
              "{\"id\":\"c\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n");
        write(at("outside.jsonl"), "{\"id\":\"a\",\"ids\":[1,49152]}\n");
        std::vector<float> values(576, 0.F);
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<float>(static_cast<int>(i * 7919 % 23) - 11);
        SafetensorsWriter writer(at("d.safetensors").toStdString(), {{"direction", DType::F32, {576}}});
        writer.append("direction", std::span<const float>(values));
        writer.finish();
        SafetensorsWriter narrow(at("narrow.safetensors").toStdString(), {{"direction", DType::F32, {640}}});
        narrow.append("direction", std::span<const float>(std::vector<float>(640, 1.F)));
        narrow.finish();
    }

    void inspects() {
        const auto ended = verb("inspect --json");
        QCOMPARE(ended.code, 0);
        const auto json = parseJson(ended.output.toStdString(), "inspect");
        QCOMPARE(json["family"].get<std::string>(), std::string("llama"));
        QCOMPARE(json["blocks"].get<int>(), 30);
        QCOMPARE(json["width"].get<int>(), 576);
        QCOMPARE(json["vocabulary"].get<int>(), 49152);
        QCOMPARE(json["has_template"].get<bool>(), true);
    }

    // --search names folders of models: they are listed, and models in them are found by name.
    void searchesFoldersThatAreGiven() {
        QVERIFY(QDir(m_folder.path()).mkpath(QStringLiteral("mine/deep")));
        QVERIFY(QDir(m_folder.path()).mkpath(QStringLiteral("others")));
        QVERIFY(QFile::link(model, at("mine/deep/own.gguf")));
        write(at("others/broken.gguf"), "GGUF");
        const auto listed =
            run(m_folder.path(), {QStringLiteral("inspect"), QStringLiteral("--list"),
                                  QStringLiteral("--json"), QStringLiteral("--search"),
                                  QStringLiteral("mine"), QStringLiteral("--search"), at("others")});
        QCOMPARE(listed.code, 0);
        const auto entries = parseJson(listed.output.toStdString(), "list")["models"];
        QVERIFY(entries.size() >= 2);
        QCOMPARE(QString::fromStdString(entries[0]["path"].get<std::string>()), at("mine/deep/own.gguf"));
        QCOMPARE(entries[0]["model"]["width"].get<int>(), 576);
        QCOMPARE(QString::fromStdString(entries[1]["path"].get<std::string>()), at("others/broken.gguf"));
        QVERIFY(entries[1]["model"].is_null() && !entries[1]["reason"].get<std::string>().empty());

        const QStringList named{QStringLiteral("own.gguf"), QStringLiteral("--search"),
                                QStringLiteral("others"), QStringLiteral("--search"), QStringLiteral("mine")};
        const auto with = [&](const QStringList& more) {
            return run(m_folder.path(), QStringList{more.front()} + named + more.mid(1));
        };
        const auto inspected = with({QStringLiteral("inspect"), QStringLiteral("--json")});
        QCOMPARE(inspected.code, 0);
        QCOMPARE(parseJson(inspected.output.toStdString(), "inspect")["blocks"].get<int>(), 30);
        const QStringList prompts{QStringLiteral("--prompts"), QStringLiteral("p.jsonl")};
        const auto tokens = with(QStringList{QStringLiteral("tokens")} + prompts);
        QCOMPARE(tokens.output, verb("tokens --prompts p.jsonl").output);
        for (const char* name : {"capture", "generate", "score"}) {
            const auto help = run(m_folder.path(), {QString::fromLatin1(name), QStringLiteral("--help")});
            QVERIFY2(help.output.contains(QStringLiteral("--search")), name);
        }
        const auto missing = run(m_folder.path(), {QStringLiteral("inspect"), QStringLiteral("own.gguf")});
        QCOMPARE(missing.code, 2);
        const auto nowhere = run(m_folder.path(), {QStringLiteral("inspect"), QStringLiteral("--list"),
                                                   QStringLiteral("--search"), QStringLiteral("nowhere")});
        QCOMPARE(nowhere.code, 2);
        QVERIFY2(nowhere.errors.contains(QStringLiteral("nowhere")), qPrintable(nowhere.errors));
    }

    void tokenises() {
        const auto ended = verb("tokens --prompts p.jsonl");
        QCOMPARE(ended.code, 0);
        const auto rows = lines(ended.output);
        QCOMPARE(rows.size(), std::size_t(3));
        const auto text = rows[0]["text"].get<std::string>();
        const std::string tail = "<|im_start|>user\nWhy is the sky blue?<|im_end|>\n<|im_start|>assistant\n";
        QVERIFY(text.size() > tail.size() && text.substr(text.size() - tail.size()) == tail);
        QVERIFY(rows[1]["text"].is_null());
        QCOMPARE(rows[1]["ids"].get<std::vector<int>>(), (std::vector<int>{1, 2, 3}));
        QCOMPARE(rows[1]["post_instruction"].get<std::vector<int>>(), std::vector<int>{2});
        // <|im_end|> \n <|im_start|> ass istant \n
        QCOMPARE(rows[2]["post_instruction"].get<std::vector<int>>().size(), std::size_t(6));
        const auto plain = lines(verb("tokens --prompts p.jsonl --no-template").output);
        QCOMPARE(plain[0]["text"].get<std::string>(), std::string("Why is the sky blue?"));
        QCOMPARE(plain[0]["post_instruction"].get<std::vector<std::size_t>>(),
                 std::vector<std::size_t>{plain[0]["ids"].size() - 1});
    }

    void rendersAsAFileSays() {
        write(at("r.json"), "{\"azimuth\":\"rendering\",\"version\":1,\"system\":\"Short.\",\"assistant_prefix\":\"Sure\"}");
        const auto ended = verb("tokens --prompts p.jsonl --rendering r.json");
        QCOMPARE(ended.code, 0);
        const auto rows = lines(ended.output);
        QCOMPARE(rows[0]["text"].get<std::string>(),
                 std::string("<|im_start|>system\nShort.<|im_end|>\n<|im_start|>user\nWhy is the sky blue?<|im_end|>\n"
                             "<|im_start|>assistant\nSure"));
        QCOMPARE(verb("tokens --prompts p.jsonl --no-template --rendering r.json").code, 2);
        write(at("wrong.json"), "{\"azimuth\":\"rendering\",\"version\":1,\"bos\":\"twice\"}");
        const auto wrong = verb("tokens --prompts p.jsonl --rendering wrong.json");
        QCOMPARE(wrong.code, 2);
        QVERIFY2(wrong.errors.contains(QStringLiteral("/bos")), qPrintable(wrong.errors));
        QVERIFY(verb("generate --prompts p.jsonl --rendering r.json --max-new-tokens 2 --out r.jsonl").code == 0);
    }

    // What greedy decoding writes is what scores best at each step; a longer text cannot be more probable than its beginning.
    void scoresContinuations() {
        QCOMPARE(verb("generate --prompts p.jsonl --max-new-tokens 4 --out greedy.jsonl").code, 0);
        const auto greedy = lines(contentOf(at("greedy.jsonl")));
        const auto ids = greedy[0]["ids"].get<std::vector<int>>();
        auto shorter = ids;
        shorter.resize(ids.size() - 1);
        auto other = ids;
        other.back() = other.back() == 7 ? 8 : 7;
        write(at("c.jsonl"), QByteArray::fromStdString(
                                 Json{{"id", "greedy"}, {"ids", ids}, {"prompt", "a"}}.dump() + "\n" +
                                 Json{{"id", "shorter"}, {"ids", shorter}, {"prompt", "a"}}.dump() + "\n" +
                                 Json{{"id", "other"}, {"ids", other}, {"prompt", "a"}}.dump() + "\n\n" +
                                 "{\"id\":\"text\",\"text\":\"The sky\"}\n" +
                                 "{\"id\":\"first\",\"text\":\"The sky\",\"first\":true}\n"));
        QCOMPARE(verb("score --prompts p.jsonl --continuations c.jsonl --out s.jsonl").code, 0);
        const auto rows = lines(contentOf(at("s.jsonl")));
        QCOMPARE(rows.size(), std::size_t(3 + 3 * 2));
        const auto sum = [&](std::size_t row) { return rows[row]["sum"].get<double>(); };
        const auto logs = [&](std::size_t row) { return rows[row]["log_probabilities"].get<std::vector<double>>(); };
        QCOMPARE(rows[0]["continuation"].get<std::string>(), std::string("greedy"));
        QVERIFY(sum(0) < sum(1) && sum(2) < sum(0));
        QVERIFY(std::abs(sum(0) - (logs(0)[0] + logs(0)[1] + logs(0)[2] + logs(0)[3])) <= 1e-12);
        for (std::size_t t = 0; t + 1 < ids.size(); ++t)
            QVERIFY(std::abs(logs(1)[t] - logs(0)[t]) <= 1e-5);
        QCOMPARE(rows[3]["prompt"].get<std::string>(), std::string("a"));
        QCOMPARE(rows[3]["ids"].get<std::vector<int>>().size(), std::size_t(2));
        QCOMPARE(rows[4]["ids"].get<std::vector<int>>(), std::vector<int>{rows[3]["ids"][0].get<int>()});
        QVERIFY(std::abs(sum(4) - logs(3)[0]) <= 1e-12);
        QCOMPARE(rows[5]["prompt"].get<std::string>(), std::string("b"));
        QVERIFY(!rows[0].contains("kl"));

        QCOMPARE(verb("score --prompts p.jsonl --continuations c.jsonl --out k.jsonl --kl --direction d.safetensors "
                      "--op affine --strength 9 --k-from 3 --k-to 5 --site mlp_out --scope generated")
                     .code,
                 0);
        const auto steered = lines(contentOf(at("k.jsonl")));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto kl = steered[i]["kl"].get<std::vector<double>>();
            QCOMPARE(kl.size(), rows[i]["ids"].size());
            QCOMPARE(kl[0], 0.0); // the last prompt token is not a generated one
            QVERIFY(kl.size() == 1 || kl[1] > 1e-9);
        }
        write(at("lost.jsonl"), "{\"id\":\"x\",\"text\":\"T\",\"prompt\":\"nowhere\"}\n");
        QCOMPARE(verb("score --prompts p.jsonl --continuations lost.jsonl --out s2.jsonl").code, 2);
        QCOMPARE(verb("score --prompts p.jsonl --continuations c.jsonl --out s2.jsonl --kl").code, 2);
        QVERIFY(!QFile::exists(at("s2.jsonl")));
    }

    void capturesInsideBlocks() {
        QCOMPARE(verb("capture --prompts p.jsonl --sites resid,resid_mid,attn_out,mlp_out --positions last "
                      "--out sites.safetensors")
                     .code,
                 0);
        const auto file = SafetensorsFile::open(at("sites.safetensors").toStdString());
        QCOMPARE(file.tensors().size(), std::size_t(2 + 31 + 3 * 30));
        for (const int k : {0, 17, 29}) {
            const auto rows = [&](const char* site, int index) {
                return file.floats("acts/" + std::string(site) + "/" + std::to_string(index), {3, 576});
            };
            const auto before = rows("resid", k), attention = rows("attn_out", k), middle = rows("resid_mid", k),
                       mlp = rows("mlp_out", k), after = rows("resid", k + 1);
            double errors = 0, norms = 0;
            for (std::size_t i = 0; i < after.size(); ++i) {
                const double toMiddle = double(before[i]) + attention[i] - middle[i],
                             toEnd = double(middle[i]) + mlp[i] - after[i];
                errors += toMiddle * toMiddle + toEnd * toEnd;
                norms += double(after[i]) * after[i];
            }
            QVERIFY(errors <= 1e-12 * norms);
        }
    }

    void capturesEveryTokenOrTheLast() {
        QCOMPARE(verb("capture --prompts p.jsonl --sites resid --positions all --out all.safetensors").code,
                 0);
        QCOMPARE(verb("capture --prompts p.jsonl --sites resid --positions last --out last.safetensors").code,
                 0);
        const auto all = SafetensorsFile::open(at("all.safetensors").toStdString());
        const auto last = SafetensorsFile::open(at("last.safetensors").toStdString());
        const auto offsets = all.integers("tokens/offsets");
        const auto ids = all.integers("tokens/ids");
        QCOMPARE(offsets.size(), std::size_t(4));
        QCOMPARE(offsets.back(), static_cast<std::int64_t>(ids.size()));
        for (const char* site : {"acts/resid/0", "acts/resid/15", "acts/resid/30"}) {
            const auto whole = all.floats(site, {static_cast<std::int64_t>(ids.size()), 576});
            const auto rows = last.floats(site, {3, 576});
            for (std::size_t prompt = 0; prompt < 3; ++prompt) {
                double difference = 0, norm = 0;
                for (std::size_t i = 0; i < 576; ++i) {
                    const double a = whole[static_cast<std::size_t>(offsets[prompt + 1] - 1) * 576 + i],
                                 b = rows[prompt * 576 + i];
                    difference += (a - b) * (a - b);
                    norm += a * a;
                }
                QVERIFY(difference <= 1e-8 * norm);
            }
        }
    }

    void addingNothingChangesNothing() {
        QCOMPARE(verb("generate --prompts p.jsonl --max-new-tokens 12 --out plain.jsonl").code, 0);
        QCOMPARE(verb("generate --prompts p.jsonl --max-new-tokens 12 --out zero.jsonl --direction "
                      "d.safetensors --op add "
                      "--strength 0 --k-from 0 --k-to 30")
                     .code,
                 0);
        QCOMPARE(verb("generate --prompts p.jsonl --max-new-tokens 12 --out far.jsonl --direction "
                      "d.safetensors --op add "
                      "--strength -400 --k-from 10 --k-to 12")
                     .code,
                 0);
        const auto plain = contentOf(at("plain.jsonl"));
        QCOMPARE(contentOf(at("zero.jsonl")), plain);
        QVERIFY(contentOf(at("far.jsonl")) != plain);
        const auto rows = lines(plain);
        QCOMPARE(rows.size(), std::size_t(3));
        for (const auto& row : rows) {
            const auto ids = row["ids"].get<std::vector<int>>();
            QVERIFY(!ids.empty() && ids.size() <= 12);
            QCOMPARE(row["finish"].get<std::string>() == "stop", ids.back() == 2); // <|im_end|>
            QVERIFY(row["text"].get<std::string>().find("<|im_end|>") == std::string::npos);
        }
    }

    void rawStrengthIsMultipliedByTheNorm() {
        double squares = 0;
        for (std::size_t i = 0; i < 576; ++i)
            squares += std::pow(static_cast<int>(i * 7919 % 23) - 11, 2);
        const auto alpha = std::to_string(0.25 * std::sqrt(squares));
        const std::string common =
            "generate --prompts p.jsonl --max-new-tokens 8 --direction d.safetensors --op add "
            "--k-from 12 --k-to 12 --out ";
        QCOMPARE(verb((common + "raw.jsonl --raw --strength 0.25").c_str()).code, 0);
        QCOMPARE(verb((common + "unit.jsonl --strength " + alpha).c_str()).code, 0);
        QCOMPARE(contentOf(at("raw.jsonl")), contentOf(at("unit.jsonl")));
    }

    void refuses_data() {
        QTest::addColumn<QString>("arguments");
        QTest::addColumn<QString>("finding");
        const QString steer =
            QStringLiteral("generate --prompts p.jsonl --max-new-tokens 4 --out x.jsonl --op ablate ");
        QTest::newRow("id outside the vocabulary, generate")
            << QStringLiteral("generate --prompts outside.jsonl --max-new-tokens 4 --out x.jsonl")
            << QStringLiteral("49152");
        QTest::newRow("id outside the vocabulary, capture")
            << QStringLiteral("capture --prompts outside.jsonl --out x.safetensors")
            << QStringLiteral("49152");
        QTest::newRow("id outside the vocabulary, tokens")
            << QStringLiteral("tokens --prompts outside.jsonl --out x.jsonl") << QStringLiteral("49152");
        QTest::newRow("k beyond L") << steer +
                                           QStringLiteral("--direction d.safetensors --k-from 0 --k-to 31")
                                    << QStringLiteral("R[30]");
        QTest::newRow("another width")
            << steer + QStringLiteral("--direction narrow.safetensors --k-from 0 --k-to 30")
            << QStringLiteral("640");
    }
    void refuses() {
        QFETCH(QString, arguments);
        QFETCH(QString, finding);
        const auto ended = verb(arguments.toLatin1().constData());
        QCOMPARE(ended.code, 2);
        QCOMPARE(ended.errors.count(QLatin1Char('\n')), 1);
        QVERIFY2(ended.errors.contains(finding), qPrintable(ended.errors));
        QVERIFY(!QFile::exists(at("x.jsonl")) && !QFile::exists(at("x.safetensors")));
    }
};

QTEST_GUILESS_MAIN(VerbsEngineTest)
#include "verbs_engine_test.moc"
