// Two processes' worth of stores on one project: one writes, the other looks on; and the way back to an
// earlier generation, from a sound project and from a damaged one.
#include "app/session/project_session.h"
#include "core/base/ids.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/shard.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <fstream>
#include <QtTest>
#include <thread>

using namespace azimuth;
using checks::codeOf;

namespace {

QString text(const std::string& value) { return QString::fromStdString(value); }

void flipAByte(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    const auto middle = static_cast<std::streamoff>(file.tellg()) / 2;
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(middle);
    file.put(byte);
}

void addResults(ProjectStore& store) {
    store.head()->update([](ProjectView& view) { view = merge(view, sample::jobResult()); });
}

} // namespace

namespace {
// The uuid of a kept generation's file.
std::string fileOf(const std::string& project, std::uint64_t generation) {
    for (const auto& one : earlierGenerations(project))
        if (one.block.generation == generation)
            return one.block.file;
    return {};
}
} // namespace

class ProjectStoreTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

private Q_SLOTS:
    void theSecondMayOnlyLook() {
        const auto file = path("two.h5");
        std::optional<ProjectStore> first = ProjectStore::create(file, sample::study());
        QVERIFY(first->readOnly().empty());
        auto second = ProjectStore::open(file);
        QVERIFY2(second.readOnly().find("process ") != std::string::npos, second.readOnly().c_str());
        QCOMPARE(codeOf([&] { second.save(); }), std::string("project.readonly"));
        QCOMPARE(codeOf([&] { second.restore(1); }), std::string("project.readonly"));
        QVERIFY(!second.newerOnDisk() && !second.freeLock());
        addResults(*first);
        first->save();
        QVERIFY(second.newerOnDisk());
        first.reset();
        auto third = ProjectStore::open(file, second.freeLock());
        QVERIFY(third.readOnly().empty());
        QCOMPARE(third.view()->generation, 2u);
    }

    void aCopyOfALockedProjectCanBeChanged() {
        const auto file = path("locked.h5"), copy = path("copy.h5");
        const auto first = ProjectStore::create(file, sample::study());
        auto second = ProjectStore::open(file);
        second.saveAs(copy);
        QVERIFY(second.readOnly().empty());
        addResults(second);
        QCOMPARE(second.save()->generation, 2u);
        QCOMPARE(codeOf([&] { ProjectStore::create(path("../x/none.h5"), sample::study()); }).substr(0, 5),
                 std::string("file."));
    }

    void aLostLockStopsTheWriter() {
        const auto file = path("lost.h5");
        auto store = ProjectStore::create(file, sample::study());
        std::filesystem::remove(file + ".lock");
        QCOMPARE(codeOf([&] { store.save(); }), std::string("project.locklost"));
        QCOMPARE(openProject(file).generation, 1u);
    }

    void earlierGenerationsComeBack() {
        const auto file = path("back.h5");
        auto store = ProjectStore::create(file, sample::study());
        const auto before = *store.view();
        addResults(store);
        store.save();
        const auto list = store.generations();
        QCOMPARE(list.size(), std::size_t{1});
        QCOMPARE(list[0].generation, 1u);
        QCOMPARE(list[0].completions, std::size_t{0});
        QVERIFY(list[0].problem.empty() && list[0].bytes > 1024);
        QCOMPARE(codeOf([&] { store.restore(7); }), std::string("project.missing"));
        store.restore(1);
        QVERIFY(!store.modified());
        QCOMPARE(store.view()->generation, 3u);
        QCOMPARE(store.view()->completions->size(), std::size_t{0});
        auto now = openProject(file);
        QCOMPARE(now.generation, 3u);
        QCOMPARE(text(now.provenance.back().action), QStringLiteral("restore"));
        now.provenance = before.provenance;
        now.transfer = before.transfer; // a snapshot that every save makes
        QCOMPARE(text(sample::difference(before, now, false)), QString());
        QCOMPARE(store.generations().size(), std::size_t{2}); // with the one that was left
    }

    void aDamagedProjectGoesBack() {
        const auto file = path("damaged.h5");
        {
            auto store = ProjectStore::create(file, sample::study());
            addResults(store);
            store.save();
            store.save();
        }
        flipAByte(file);
        QCOMPARE(codeOf([&] { ProjectStore::open(file); }), std::string("project.damaged"));
        QVERIFY(!std::filesystem::exists(file + ".lock"));
        QCOMPARE(codeOf([&] { ProjectStore::openEarlier(file, newUuid()); }), std::string("project.missing"));
        QVERIFY(std::filesystem::exists(file)); // nothing was moved
        auto store = ProjectStore::openEarlier(file, fileOf(file, 2));
        QCOMPARE(store.view()->generation, 4u);
        QVERIFY(!store.modified());
        QCOMPARE(store.notes().size(), std::size_t{2});
        QCOMPARE(openProject(file).completions->size(), store.view()->completions->size());
        QVERIFY(store.view()->completions->size() > 0);
        int aside = 0;
        for (const auto& entry : std::filesystem::directory_iterator(sideFolder(file).previous))
            aside += entry.path().filename().string().find(".damaged-") != std::string::npos;
        QCOMPARE(aside, 1);
    }

    // Results and edits that came after an earlier generation are there again when that one is gone back to.
    void whatCameAfterADamagedGenerationComesBackToo() {
        const auto file = path("results.h5");
        std::size_t rows = 0;
        {
            auto store = ProjectStore::create(file, sample::study());
            const auto shard = store.newShardPath(sample::jobResult().job.id);
            ensureFolder(sideFolder(file).shards);
            const auto digest = publishShard(shard, sample::jobResult(), store.view()->uuid);
            store.mergeShard(shard, digest);
            rows = store.save()->completions->size();
            QVERIFY(rows > 0 && !std::filesystem::exists(shard));
        }
        {
            auto store = ProjectStore::open(file);
            QVERIFY(store.notes().empty() && !store.modified()); // what is kept is not read again
            store.restore(1);                                    // the user does not want them
            QCOMPARE(store.view()->completions->size(), std::size_t{0});
        }
        {
            auto store = ProjectStore::open(file);
            QCOMPARE(store.view()->completions->size(), std::size_t{0});
            store.restore(2);
        }
        flipAByte(file);
        const auto store = ProjectStore::openEarlier(file, fileOf(file, 1)); // which has no results
        QCOMPARE(store.view()->completions->size(), rows);
        QVERIFY(store.view()->jobs.size() == 1 && store.modified());
        for (const auto& note : store.notes())
            QVERIFY2(note.find("is gone") == std::string::npos, note.c_str());
    }

    void anotherProjectUnderTheNameIsKept() {
        const auto file = path("mine.h5"), other = path("theirs.h5");
        std::string theirs;
        {
            auto store = ProjectStore::create(other, sample::smallestStudy());
            theirs = store.view()->uuid;
        }
        auto store = ProjectStore::create(file, sample::study());
        store.saveAs(other);
        QCOMPARE(store.save()->generation, 2u);
        const auto kept = earlierGenerations(other, theirs);
        QVERIFY(kept.empty()); // no generation of this project
        int aside = 0;
        for (const auto& entry : std::filesystem::directory_iterator(sideFolder(other).previous))
            if (entry.path().filename().string().starts_with("theirs.replaced-")) {
                QCOMPARE(openProject(entry.path().string()).uuid, theirs);
                ++aside;
            }
        QCOMPARE(aside, 1);
    }

    void aPathThatCannotBeLookedAtIsOneError() {
        auto store = ProjectStore::create(path("sound.h5"), sample::study());
        const auto name = path("sound.h5") + "/below/a/file.h5";
        QVERIFY(codeOf([&] { store.saveAs(name); }).starts_with("file."));
        QVERIFY(codeOf([&] { store.saveAs(path(std::string(300, 'n').c_str())); }).starts_with("file."));
        QCOMPARE(store.save()->generation, 2u);
        std::ofstream(sideFolder(path("sound.h5")).jobs) << "a file where a folder should be";
        QVERIFY(codeOf([&] { store.saveAs(path("copy-of-sound.h5")); }).starts_with("file."));
        QCOMPARE(store.path(), path("sound.h5"));
    }

    // The lock goes while a save is under way: the last look at it is just before the file is replaced.
    void aLockThatIsLostMeanwhileStopsTheWriter() {
        const auto file = path("meanwhile.h5");
        auto store = ProjectStore::create(file, sample::study());
        addResults(store);
        const auto before = readUserBlock(file).file;
        std::thread thief([&] { // as soon as the temporary file is there
            while (std::filesystem::is_empty(sideFolder(file).temporary))
                std::this_thread::yield();
            std::filesystem::remove(file + ".lock");
        });
        const auto code = codeOf([&] { store.save(); });
        thief.join();
        QCOMPARE(code, std::string("project.locklost"));
        QCOMPARE(readUserBlock(file).file, before);
    }

    void aReadOnlySessionFollowsAndThenTakesOver() {
        const auto file = text(path("follow.h5"));
        ProjectSession writer, reader;
        QSignalSpy made(&writer, &ProjectSession::opened), looked(&reader, &ProjectSession::opened);
        writer.create(file, sample::study());
        QTRY_COMPARE(made.count(), 1);
        reader.open(file);
        QTRY_COMPARE(looked.count(), 1);
        QVERIFY(!reader.readOnly().isEmpty());
        writer.perform(
            &writer, [](ProjectStore& store) { return addResults(store), true; }, [](bool) {}, {});
        writer.save();
        QTRY_COMPARE_WITH_TIMEOUT(reader.view()->generation, 2u, 15000);
        QCOMPARE(reader.view()->completions->size(), writer.view()->completions->size());
        QVERIFY(!reader.readOnly().isEmpty());
        QSignalSpy noted(&reader, &ProjectSession::noted);
        writer.close();
        QTRY_VERIFY_WITH_TIMEOUT(reader.readOnly().isEmpty(), 15000);
        QCOMPARE(noted.count(), 1);
        QSignalSpy saved(&reader, &ProjectSession::saved);
        reader.save();
        QTRY_COMPARE(saved.count(), 1);
        QCOMPARE(reader.view()->generation, 3u);
    }

    void openingTheSameProjectAgainKeepsItsLock() {
        const auto file = text(path("again.h5"));
        ProjectSession session;
        QSignalSpy opened(&session, &ProjectSession::opened);
        session.create(file, sample::study());
        session.open(file);
        QTRY_COMPARE(opened.count(), 2);
        QVERIFY(session.readOnly().isEmpty());
        QVERIFY(std::filesystem::exists(path("again.h5.lock")));
    }
};

QTEST_GUILESS_MAIN(ProjectStoreTest)
#include "project_store_test.moc"
