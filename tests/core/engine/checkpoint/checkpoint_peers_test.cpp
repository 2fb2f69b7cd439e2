// The demo models against the gguf package (every tensor bit for bit, digests of the metadata) and against
// transformers' loader (every parameter by canonical name, bit for bit). Asked of the peers now:
// tests/peers/describe_gguf.py.
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/engine/checkpoint/dequantise.h"
#include "core/engine/checkpoint/identity.h"

#include <QFileInfo>
#include <QProcess>
#include <QtTest>

using namespace azimuth;

namespace {

Json ask(const char* mode, const std::string& file) {
    const auto given = qEnvironmentVariable("AZIMUTH_PEER_BASE");
    const auto python = given.isEmpty() ? QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python") : given;
    QProcess process;
    process.start(python, {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/describe_gguf.py"),
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
