// Projects of every format version that was ever released open with the values that they were saved with.
// A new one is written by AZIMUTH_WRITE_GOLDEN=<path> project_golden_test; files that are there never change.
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/user_block.h"
#include "core/project/validate.h"

#include "tests/core/project/sample.h"

#include <QtTest>

using namespace azimuth;

namespace {
QDir goldenFolder() { return QDir(QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/data/projects")); }
} // namespace

class GoldenTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void everyVersionHasOne();
    void versionOpens_data();
    void versionOpens();
    void versionIsSavedAsThisOne_data() { versionOpens_data(); }
    void versionIsSavedAsThisOne();
};

void GoldenTest::initTestCase() {
    const auto target = qEnvironmentVariable("AZIMUTH_WRITE_GOLDEN").toStdString();
    if (target.empty())
        return;
    auto view = sample::fullView(formatVersion);
    view.uuid = createProject(target, *view.study).uuid;
    saveProject(target, view);
}

void GoldenTest::everyVersionHasOne() {
    QStringList expected;
    for (unsigned version = 1; version <= formatVersion; ++version)
        expected << QStringLiteral("format-%1.h5").arg(version);
    auto found = goldenFolder().entryList({QStringLiteral("*.h5")}, QDir::Files);
    expected.sort();
    found.sort();
    QCOMPARE(found, expected);
}

void GoldenTest::versionOpens_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<unsigned>("format");
    for (const auto& name : goldenFolder().entryList({QStringLiteral("*.h5")}, QDir::Files))
        QTest::newRow(qPrintable(name))
            << goldenFolder().filePath(name)
            << name.section(QLatin1Char('-'), 1).section(QLatin1Char('.'), 0, 0).toUInt();
}

void GoldenTest::versionOpens() {
    QFETCH(QString, file);
    QFETCH(unsigned, format);
    QCOMPARE(readUserBlock(file.toStdString()).formatVersion, format);
    const auto opened = openProject(file.toStdString());
    QCOMPARE(QString::fromStdString(sample::difference(sample::fullView(format), opened, false)), QString());
    QCOMPARE(opened.generation, 2u);
    const auto validation = validateFile(file.toStdString());
    for (const auto& finding : validation.findings)
        qInfo("%s: %s", finding.place.c_str(), finding.text.c_str());
    QVERIFY(validation.findings.empty());
}

// A save migrates the file; what it was is kept.
void GoldenTest::versionIsSavedAsThisOne() {
    QFETCH(QString, file);
    QFETCH(unsigned, format);
    const QTemporaryDir folder;
    const auto copy = folder.filePath(QStringLiteral("migrated.h5"));
    QVERIFY(QFile::copy(file, copy));
    QVERIFY(QFile::setPermissions(copy, QFile::ReadOwner | QFile::WriteOwner));
    const auto path = copy.toStdString();
    saveProject(path, openProject(path));
    QCOMPARE(readUserBlock(path).formatVersion, formatVersion);
    const auto migrated = openProject(path);
    QCOMPARE(QString::fromStdString(sample::difference(sample::fullView(format), migrated, false)),
             QString());
    QCOMPARE(migrated.generation, 3u);
    QVERIFY(validateFile(path).findings.empty());
    const auto kept = earlierGenerations(path);
    QCOMPARE(kept.size(), std::size_t{1});
    QFile before(QString::fromStdString(kept.front().path)), golden(file);
    QVERIFY(before.open(QIODevice::ReadOnly) && golden.open(QIODevice::ReadOnly));
    QVERIFY(before.readAll() == golden.readAll());
}

QTEST_GUILESS_MAIN(GoldenTest)
#include "golden_test.moc"
