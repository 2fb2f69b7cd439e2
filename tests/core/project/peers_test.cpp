// A project read by h5py and listed by h5ls: what others see is what was saved.
#include "core/project/project.h"
#include "core/project/shard.h"

#include "tests/core/project/sample.h"

#include <QtTest>

using namespace azimuth;

class PeersTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    QString m_project, m_expected;

private Q_SLOTS:
    void initTestCase();
    void h5pyReadsWhatWasSaved();
    void h5lsListsEverything();
    void h5dumpReadsEveryByte();
};

namespace {

QByteArray outputOf(const QString& program, const QStringList& arguments, int* code) {
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(program, arguments);
    process.waitForFinished(60000);
    *code = process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1;
    return process.readAll();
}

// Numbers that JSON has no word for.
Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

} // namespace

void PeersTest::initTestCase() {
    m_project = m_folder.filePath(QStringLiteral("project.h5"));
    m_expected = m_folder.filePath(QStringLiteral("expected.json"));
    auto view = sample::fullView();
    view.uuid = createProject(m_project.toStdString(), *view.study).uuid;
    const auto saved = saveProject(m_project.toStdString(), view);
    Json rows = Json::array(), labels = Json::array(), tensor = Json::array(), norms = Json::array();
    for (std::size_t i = 0; i < saved.completions->size(); ++i) {
        const auto& row = saved.completions->row(i);
        rows.push_back({{"key", toHex(row.key)},
                        {"text", row.text},
                        {"ids", row.ids},
                        {"finish", toString(row.finish)},
                        {"arm", row.armDigest},
                        {"log_probability", number(row.logProbability)}});
    }
    for (const auto& label : saved.labels)
        labels.push_back({{"key", toHex(label->completionKey)},
                          {"verdict", toString(label->verdict)},
                          {"behaves", label->behaves},
                          {"rater", label->rater},
                          {"time", number(label->time)}});
    for (const float value : saved.banks[0]->tensor.values())
        tensor.push_back(number(value));
    for (const double value : saved.banks[0]->rawNorm.values())
        norms.push_back(number(value));
    const Json expected{{"uuid", saved.uuid},
                        {"title", saved.title},
                        {"rows", rows},
                        {"labels", labels},
                        {"tensor", tensor},
                        {"shape", saved.banks[0]->tensor.shape()},
                        {"raw_norm", norms},
                        {"file_bytes", std::to_string(saved.models[0]->fileBytes)},
                        {"excess_te", number(saved.transfer[0].excessTe)}};
    QFile file(m_expected);
    QVERIFY(file.open(QIODevice::WriteOnly));
    const auto content = expected.dump();
    QCOMPARE(file.write(content.data(), static_cast<qint64>(content.size())),
             static_cast<qint64>(content.size()));
}

void PeersTest::h5pyReadsWhatWasSaved() {
    const auto python = QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python");
    if (!QFile::exists(python))
        QSKIP("the peers are not installed: installer/test.sh sets them up");
    int code = 0;
    const auto output = outputOf(
        python,
        {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/core/project/read_project.py"), m_project, m_expected},
        &code);
    QVERIFY2(code == 0, output.constData());
    QVERIFY2(output.contains("12 completions, 3 labels, 1488 values compared"), output.constData());
}

void PeersTest::h5lsListsEverything() {
    int code = 0;
    const auto output = outputOf(QStringLiteral("h5ls"), {QStringLiteral("-r"), m_project}, &code);
    if (output.isEmpty())
        QSKIP("h5ls (hdf5-tools) is not installed");
    QCOMPARE(code, 0);
    QVERIFY(output.contains("/banks/tensors/b000001   Dataset {3, 31, 16}"));
    QVERIFY(output.contains("/completions/parts/p000001/key Dataset {12, 32}"));
    QVERIFY(output.count('\n') > 200);
}

void PeersTest::h5dumpReadsEveryByte() {
    int code = 0;
    const auto output = outputOf(QStringLiteral("h5dump"), {m_project}, &code);
    if (output.isEmpty())
        QSKIP("h5dump (hdf5-tools) is not installed");
    QCOMPARE(code, 0);
    QVERIFY(output.contains("ATTRIBUTE \"format\"") && !output.contains("unable"));
}

QTEST_GUILESS_MAIN(PeersTest)
#include "peers_test.moc"
