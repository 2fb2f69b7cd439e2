// A project read by h5py and listed by h5ls: what others see is what was saved.
#include "core/base/atomic_file.h"
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
    void theReadmesFiveLinesReadIt();
    void whatIsAddedWithH5pySurvivesTwoSaves();
    void h5lsListsEverything();
    void h5dumpShowsTheHeader();
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

QString python() { return QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python"); }

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
    if (!QFile::exists(python()))
        QSKIP("the peers are not installed: installer/test.sh sets them up");
    int code = 0;
    const auto output = outputOf(
        python(),
        {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/core/project/read_project.py"), m_project, m_expected},
        &code);
    QVERIFY2(code == 0, output.constData());
    QVERIFY2(output.contains("12 completions, 4 labels, 1488 values compared"), output.constData());
}

void PeersTest::theReadmesFiveLinesReadIt() {
    if (!QFile::exists(python()))
        QSKIP("the peers are not installed: installer/test.sh sets them up");
    const auto readme = readFile(AZIMUTH_SOURCE_DIR "/README.md", 1 << 20);
    const auto begin = readme.find("```python\n") + 10;
    const auto script = QString::fromStdString(readme.substr(begin, readme.find("```", begin) - begin));
    QCOMPARE(script.trimmed().count(QLatin1Char('\n')) + 1, 5);
    int code = 0;
    auto forThis = script;
    const auto output = outputOf(
        python(), {QStringLiteral("-c"), forThis.replace(QStringLiteral("mine.h5"), m_project)}, &code);
    QVERIFY2(code == 0, output.constData());
    QVERIFY2(output.contains("second line") && output.contains("b000001': (3, 31, 16)"), output.constData());
    QVERIFY2(output.contains("'verse': array([[") && output.contains("nan"), output.constData());
}

void PeersTest::whatIsAddedWithH5pySurvivesTwoSaves() {
    if (!QFile::exists(python()))
        QSKIP("the peers are not installed: installer/test.sh sets them up");
    const auto file = m_folder.filePath(QStringLiteral("newer.h5"));
    auto base = sample::fullView();
    base.labels.resize(3); // as many as the columns of the script have rows
    base.uuid = createProject(file.toStdString(), *base.study).uuid;
    saveProject(file.toStdString(), base);
    const auto script = QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/core/project/newer_project.py");
    int code = 0;
    auto output = outputOf(python(), {script, QStringLiteral("add"), file}, &code);
    QVERIFY2(code == 0, output.constData());
    for (int save = 1; save <= 2; ++save) {
        auto view = openProject(file.toStdString());
        auto label = *view.labels[0];
        label.rater = "save " + std::to_string(save);
        view.labels.push_back(std::make_shared<const Label>(label));
        const auto records = view.provenance.size();
        QCOMPARE(saveProject(file.toStdString(), view).provenance.size(), records); // nothing was dropped
        output = outputOf(python(), {script, QStringLiteral("check"), file, QString::number(3 + save)}, &code);
        QVERIFY2(code == 0, output.constData());
    }
    QCOMPARE(output.trimmed(), QByteArray("5 labels checked"));
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

void PeersTest::h5dumpShowsTheHeader() {
    int code = 0;
    const auto output = outputOf(QStringLiteral("h5dump"), {QStringLiteral("-H"), m_project}, &code);
    if (output.isEmpty())
        QSKIP("h5dump (hdf5-tools) is not installed");
    QCOMPARE(code, 0);
    for (const char* name : {"GROUP \"matrices\"", "DATASET \"b000001\"", "DATASET \"text_utf8\"",
                             "H5T_IEEE_F32LE", "ATTRIBUTE \"units\""})
        QVERIFY2(output.contains(name), name);
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
