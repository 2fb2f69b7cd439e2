// 100,000 completions: everything comes back, and how long it takes (printed, not asserted).
#include "core/project/project.h"
#include "core/project/shard.h"

#include "tests/core/project/sample.h"

#include <filesystem>
#include <QElapsedTimer>
#include <QtTest>

using namespace azimuth;

class LargeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void manyCompletions_data();
    void manyCompletions();
    void manyShards();
};

void LargeTest::manyCompletions_data() {
    QTest::addColumn<int>("tokens");
    QTest::addColumn<int>("characters");
    QTest::newRow("32 tokens") << 32 << 150;
    QTest::newRow("200 tokens") << 200 << 800;
}

void LargeTest::manyCompletions() {
    QFETCH(int, tokens);
    QFETCH(int, characters);
    QTemporaryDir folder;
    const auto file = folder.filePath(QStringLiteral("large.h5")).toStdString();
    auto view = createProject(file, sample::study());
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(
        sample::completions(100000, static_cast<std::size_t>(tokens), static_cast<std::size_t>(characters))));
    QElapsedTimer timer;
    timer.start();
    view = saveProject(file, view);
    const auto first = timer.restart();
    view = saveProject(file, view);
    const auto again = timer.restart();
    const auto opened = openProject(file);
    const auto open = timer.elapsed();
    qInfo("100,000 completions of %d tokens: %.1f MB; first save %lld ms, next save %lld ms, open %lld ms",
          tokens, static_cast<double>(std::filesystem::file_size(file)) / 1e6, static_cast<long long>(first),
          static_cast<long long>(again), static_cast<long long>(open));
    QCOMPARE(QString::fromStdString(sample::difference(view, opened)), QString());
}

void LargeTest::manyShards() {
    QTemporaryDir folder;
    const auto file = folder.filePath(QStringLiteral("many.h5")).toStdString();
    const auto view = createProject(file, sample::study());
    const auto shards = sideFolder(file).shards;
    ensureFolder(shards);
    const auto rows = sample::completions(200 * 256, 16, 80);
    for (std::size_t i = 0; i < 200; ++i) {
        JobResult result;
        result.job.id = sample::hexOf("job " + std::to_string(i));
        result.job.kind = "generate";
        result.completions.assign(rows.begin() + static_cast<std::ptrdiff_t>(i * 256),
                                  rows.begin() + static_cast<std::ptrdiff_t>(i * 256 + 256));
        publishShard(shards + "/" + result.job.id + ".h5", result, view.uuid);
    }
    QElapsedTimer timer;
    timer.start();
    FileChecker checker;
    const auto adoption = adoptShards(view, file, checker);
    qInfo("200 shards of 256 completions adopted in %lld ms", static_cast<long long>(timer.elapsed()));
    QCOMPARE(adoption.adopted.size(), std::size_t{200});
    QCOMPARE(adoption.view.completions->size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); i += 997)
        QVERIFY(adoption.view.completions->contains(rows[i].key));
}

QTEST_GUILESS_MAIN(LargeTest)
#include "large_test.moc"
