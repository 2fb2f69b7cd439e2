// The demo models against the gguf package (every tensor bit for bit, digests of the metadata) and against
// transformers' loader (every parameter by canonical name, bit for bit). Asked of the peers now:
// tests/peers/describe_gguf.py.
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/engine/checkpoint/dequantise.h"
#include "core/engine/checkpoint/identity.h"

#include <cmath>
#include <QDir>
#include <QFileInfo>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {

QString python() {
    const auto given = qEnvironmentVariable("AZIMUTH_PEER_BASE");
    return given.isEmpty() ? QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python") : given;
}

void compareRope(const RopeParameters& gguf, const RopeParameters& folder) {
    QCOMPARE(gguf.width, folder.width);
    QVERIFY(std::fabs(gguf.theta - folder.theta) <= 1e-6 * folder.theta);
    if (folder.scaling == RopeScaling::Llama3) { // GGUF holds what the scaling comes to
        QCOMPARE(gguf.divisors.size(), static_cast<std::size_t>(folder.width / 2));
        return;
    }
    QCOMPARE(gguf.scaling, folder.scaling);
    QVERIFY(std::fabs(gguf.factor - folder.factor) <= 1e-6);
    QVERIFY(std::fabs(gguf.attentionFactor - folder.attentionFactor) <= 1e-6);
    QCOMPARE(gguf.originalContext, folder.originalContext);
    QCOMPARE(gguf.divisors, folder.divisors);
    QCOMPARE(gguf.longDivisors, folder.longDivisors);
}

void compareNumbers(const Hyperparameters& gguf, const Hyperparameters& folder) {
    compareRope(gguf.rope, folder.rope);
    compareRope(gguf.windowRope, folder.windowRope);
    auto same = gguf;
    same.rope = folder.rope;
    same.windowRope = folder.windowRope;
    QVERIFY(std::fabs(gguf.normEpsilon - folder.normEpsilon) <= 1e-6 * folder.normEpsilon);
    same.normEpsilon = folder.normEpsilon; // GGUF holds a float
    if (folder.family == "gpt2")
        same.tiedHead = folder.tiedHead;
    if (folder.family == "mistral") { // GGUF knows it as a llama
        QCOMPARE(gguf.family, std::string("llama"));
        same.family = folder.family;
    }
    QVERIFY(same == folder);
}

Json ask(const char* mode, const std::string& file) {
    QProcess process;
    process.start(python(), {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/describe_gguf.py"),
                           QString::fromLatin1(mode), QString::fromStdString(file)});
    if (!process.waitForFinished(400'000) || process.exitCode() != 0)
        throw Error("peers", "describe_gguf.py failed: " + process.readAllStandardError().toStdString(),
                    "Run installer/test.sh, which sets up the peers.");
    return parseJson(process.readAllStandardOutput().toStdString(), "describe_gguf.py");
}

std::string digestOf(const at::Tensor& tensor) {
    return toHex(sha256(std::span(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes())));
}

} // namespace

class TestCheckpointPeers : public QObject {
    Q_OBJECT

    QTemporaryDir m_families;

    static void models() {
        QTest::addColumn<QString>("path");
        for (const char* name : {"SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m.Q4_K_M.gguf"}) {
            const auto path = QStringLiteral(AZIMUTH_CACHE_DIR "/models/") + QString::fromLatin1(name);
            QVERIFY2(QFileInfo::exists(path),
                     qPrintable(path + QStringLiteral(" is missing: run installer/setup.")));
            QTest::newRow(name) << path;
        }
    }

private Q_SLOTS:
    void initTestCase() {
        QProcess process;
        process.start(python(), {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/write_tiny_folders.py"),
                                 m_families.path()});
        QVERIFY2(process.waitForFinished(400'000) && process.exitCode() == 0,
                 process.readAllStandardError().constData());
    }

    // A family as transformers 5 writes it, as transformers 4 did, and as GGUF (by a script that turns, cuts
    // and permutes the other way): one model three times.
    void readsOneModelFromEveryContainer_data() {
        QTest::addColumn<QString>("folder");
        for (const auto& entry : QDir(m_families.path()).entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QTest::newRow(entry.toUtf8().constData()) << m_families.filePath(entry);
    }
    void readsOneModelFromEveryContainer() {
        QFETCH(QString, folder);
        const auto names = readJsonFile(folder.toStdString() + "/parameters.json");
        const auto recent = Checkpoint::open(folder.toStdString() + "/hf");
        std::int64_t parameters = 0; // none is lost, none is there twice
        for (const auto& [name, count] : names.items())
            parameters += count.get<std::int64_t>();
        QCOMPARE(recent.parameters(), parameters);
        if (QFileInfo::exists(folder + QStringLiteral("/v4"))) {
            const auto old = Checkpoint::open(folder.toStdString() + "/v4");
            QVERIFY(old.hyperparameters() == recent.hyperparameters());
        }
        if (!QFileInfo::exists(folder + QStringLiteral("/model.gguf")))
            return;
        const auto other = Checkpoint::open(folder.toStdString() + "/model.gguf");
        compareNumbers(other.hyperparameters(), recent.hyperparameters());
        const auto weights = recent.loadAll(at::kFloat), others = other.loadAll(at::kFloat);
        for (const auto& [name, tensor] : others) {
            if (name == "head.weight" && !weights.contains(name))
                continue; // GPT-2's converter writes the tied head
            QVERIFY2(weights.contains(name), name.c_str());
            const auto& expected = weights.at(name);
            QVERIFY2(tensor.sizes() == expected.sizes(), name.c_str());
            const auto *a = tensor.const_data_ptr<float>(), *b = expected.const_data_ptr<float>();
            const float tolerance = name.ends_with("norm.weight") ? 1e-6f : 0; // the Gemmas' 1 + w - 1
            for (std::int64_t i = 0; i < tensor.numel(); ++i)
                QVERIFY2(std::fabs(a[i] - b[i]) <= tolerance, name.c_str());
        }
        for (const auto& [name, tensor] : weights)
            QVERIFY2(others.contains(name), name.c_str());
    }

    void equalsTheGgufPackage_data() { models(); }
    void equalsTheGgufPackage() {
        QFETCH(QString, path);
        const auto file = GgufFile::open(path.toStdString());
        const auto theirs = ask("package", path.toStdString());
        QCOMPARE(file.tensors().size(), theirs["tensors"].size());
        std::vector<float> values;
        for (const auto& tensor : file.tensors()) {
            values.resize(tensor.elements);
            dequantise(tensor.type, file.data(tensor), values);
            QVERIFY2(toHex(sha256(std::as_bytes(std::span(values)))) ==
                         theirs["tensors"][tensor.name].get<std::string>(),
                     tensor.name.c_str());
        }
        const auto digests = metadataDigests(file);
        QCOMPARE(digests.config, theirs["digests"]["config"].get<std::string>());
        QCOMPARE(digests.tokenizer, theirs["digests"]["tokenizer"].get<std::string>());
        QCOMPARE(digests.chatTemplate, theirs["digests"]["template"].get<std::string>());
    }

    void equalsTransformers_data() { models(); }
    void equalsTransformers() {
        QFETCH(QString, path);
        const auto checkpoint = Checkpoint::open(path.toStdString());
        const auto theirs = ask("transformers", path.toStdString());
        const auto weights = checkpoint.loadAll(at::kFloat);
        QCOMPARE(weights.size(), theirs["tensors"].size());
        for (const auto& [name, tensor] : weights) {
            QVERIFY2(theirs["tensors"].contains(name), name.c_str());
            QVERIFY2(digestOf(tensor) == theirs["tensors"][name].get<std::string>(), name.c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TestCheckpointPeers)
#include "checkpoint_peers_test.moc"
