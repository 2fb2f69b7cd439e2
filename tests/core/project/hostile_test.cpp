// Damaged files are refused by their digest; files that were changed and signed again are refused by the
// strict reader, and validate says where.
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/validate.h"

#include "tests/core/checks.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/sample.h"

#include <functional>
#include <QtTest>

using namespace azimuth;
using checks::codeOf;

using hostile::bytesOf;
using hostile::cases;
using hostile::replace;
using hostile::writeBytes;

class HostileTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }
    std::string m_project;

    // The sample project, changed and signed again.
    std::string changed(const std::function<void(hid_t)>& change) const {
        const auto file = path("changed.h5");
        hostile::makeChanged(m_project, file, change);
        return file;
    }

private Q_SLOTS:
    void initTestCase();
    void soundFilesAreSound();
    void unchangedButSignedAgainOpens();
    void changesAreFound_data();
    void changesAreFound();
    void unknownColumnIsANoteAndOpens();
    void damagedFilesAreNotParsed();
    void smallTruncationsAndFlipsAreRefused();
};

void HostileTest::initTestCase() {
    m_project = path("project.h5");
    auto view = sample::fullView();
    view.uuid = createProject(m_project, *view.study).uuid;
    saveProject(m_project, view);
}

void HostileTest::soundFilesAreSound() {
    const auto project = validateFile(m_project);
    for (const auto& finding : project.findings)
        qInfo("%s %s", finding.place.c_str(), finding.text.c_str());
    QVERIFY(project.sound());
    QVERIFY(project.findings.empty());
    QCOMPARE(project.tables.size(), std::size_t{21});
    QCOMPARE(QString::fromStdString(project.kind), QStringLiteral("project"));
    QCOMPARE(project.generation, 2u);
    const auto shard = path("shard.h5");
    publishShard(shard, sample::jobResult(), {});
    const auto validation = validateFile(shard);
    QVERIFY(validation.findings.empty());
    QVERIFY(toJson(validation)["sound"].get<bool>());
    const auto empty = path("empty.h5");
    createProject(empty, sample::smallestStudy());
    QVERIFY(validateFile(empty).findings.empty());
}

void HostileTest::unchangedButSignedAgainOpens() {
    const auto file = changed([](hid_t) {});
    QCOMPARE(QString::fromStdString(sample::difference(openProject(m_project), openProject(file))),
             QString());
}

void HostileTest::changesAreFound_data() {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < cases().size(); ++i)
        QTest::addRow("%s", cases()[i].name) << static_cast<int>(i);
}

void HostileTest::changesAreFound() {
    QFETCH(int, index);
    const auto& one = cases()[static_cast<std::size_t>(index)];
    const auto file = changed(one.change);
    const auto before = bytesOf(file);
    const auto code = codeOf([&] { openProject(file); });
    QCOMPARE(QString::fromStdString(code),
             one.opens ? QStringLiteral("nothing was thrown") : QStringLiteral("project.content"));
    const auto validation = validateFile(file);
    QVERIFY(!validation.sound());
    const bool placed =
        std::any_of(validation.findings.begin(), validation.findings.end(), [&](const Finding& finding) {
            return finding.severity == Finding::Severity::Problem && finding.place.rfind(one.place, 0) == 0;
        });
    for (const auto& finding : validation.findings)
        if (!placed)
            qInfo("%s: %s", finding.place.c_str(), finding.text.c_str());
    QVERIFY(placed);
    QVERIFY(bytesOf(file) == before);
}

void HostileTest::unknownColumnIsANoteAndOpens() {
    const double values[4] = {1, 2, 3, 4};
    const auto file =
        changed([&](hid_t f) { replace(f, "/labels/confidence", H5T_IEEE_F64LE, {4}, values); });
    QCOMPARE(openProject(file).labels.size(), std::size_t{4});
    const auto validation = validateFile(file);
    QVERIFY(validation.sound());
    QVERIFY(!validation.findings.empty());
    QCOMPARE(QString::fromStdString(validation.findings.back().place), QStringLiteral("/labels/confidence"));
}

void HostileTest::damagedFilesAreNotParsed() {
    auto bytes = bytesOf(m_project);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 4);
    const auto file = path("damaged.h5");
    writeBytes(file, bytes);
    const auto validation = validateFile(file);
    QVERIFY(!validation.sound());
    QCOMPARE(validation.findings.size(), std::size_t{1});
    QVERIFY(validation.tables.empty());
    QVERIFY(!validateFile(path("none.h5")).sound());
}

void HostileTest::smallTruncationsAndFlipsAreRefused() {
    const auto bytes = bytesOf(m_project);
    const auto file = path("mutant.h5");
    QRandomGenerator random(20260314);
    for (int i = 0; i < 120; ++i) {
        auto mutant = bytes;
        if (i % 3 == 0)
            mutant.resize(random.bounded(static_cast<quint32>(bytes.size())));
        else
            for (int flips = 0; flips <= i % 5; ++flips) {
                auto& byte = mutant[random.bounded(static_cast<quint32>(bytes.size()))];
                byte = static_cast<char>(byte ^ (1 << random.bounded(8)));
            }
        if (mutant == bytes)
            continue;
        writeBytes(file, mutant);
        const auto code = codeOf([&] { openProject(file); });
        QVERIFY2(code.rfind("project.", 0) == 0, code.c_str());
    }
}

QTEST_GUILESS_MAIN(HostileTest)
#include "hostile_test.moc"
