// What a save replaced is kept, three times; a damaged project can go back.
#include "core/base/atomic_file.h"
#include "core/base/ids.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/project_lock.h"
#include "core/project/shard.h"

#include "tests/core/checks.h"
#include "tests/core/project/child_process.h"
#include "tests/core/project/sample.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <QtTest>
#include <sys/stat.h>

using namespace azimuth;
using checks::codeOf;

namespace {
std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<std::uint64_t> numbers(const std::string& project, const std::string& uuid = {}) {
    std::vector<std::uint64_t> out;
    for (const auto& earlier : earlierGenerations(project, uuid))
        out.push_back(earlier.block.generation);
    return out;
}
} // namespace

class GenerationsTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

private Q_SLOTS:
    void threeAreKeptAsTheyWere() {
        const auto file = path("study.h5");
        auto view = createProject(file, sample::study());
        QVERIFY(numbers(file).empty());
        std::map<std::uint64_t, std::string> contents{{1, bytesOf(file)}};
        for (int i = 0; i < 5; ++i) {
            view = saveProject(file, merge(view, sample::jobResult()));
            contents[view.generation] = bytesOf(file);
        }
        QCOMPARE(numbers(file), (std::vector<std::uint64_t>{5, 4, 3}));
        for (const auto& earlier : earlierGenerations(file, view.uuid)) {
            QVERIFY(bytesOf(earlier.path) == contents.at(earlier.block.generation));
            QCOMPARE(openProject(earlier.path).generation, earlier.block.generation);
        }
        struct stat status {};
        QCOMPARE(::stat(earlierGenerations(file).front().path.c_str(), &status), 0);
        QCOMPARE(int(status.st_nlink), 1); // a link, no copy: the project has moved on, so it is the only one
    }

    void otherProjectsAreNotCounted() {
        const auto file = path("mine.h5");
        auto view = createProject(file, sample::study());
        view = saveProject(file, view);
        const auto stranger = path("stranger.h5");
        createProject(stranger, sample::study());
        std::filesystem::copy_file(stranger, sideFolder(file).previous + "/mine.77.h5");
        std::ofstream(sideFolder(file).previous + "/junk.h5") << "junk";
        QCOMPARE(numbers(file, view.uuid), (std::vector<std::uint64_t>{1}));
        QCOMPARE(numbers(file).size(), std::size_t{2});
        for (int i = 0; i < 4; ++i)
            view = saveProject(file, view);
        QVERIFY(std::filesystem::exists(sideFolder(file).previous + "/mine.77.h5"));
    }

    // A save that was killed behind the link, and one that met another file with its number.
    void aGenerationIsKeptOnce() {
        const auto file = path("again.h5");
        auto view = createProject(file, sample::study());
        const auto block = readUserBlock(file);
        keepGeneration(file, block);
        keepGeneration(file, block);
        QCOMPARE(numbers(file), (std::vector<std::uint64_t>{1}));
        const auto place = earlierGenerations(file).front().path;
        std::filesystem::remove(place);
        createProject(place, sample::smallestStudy()); // some other history
        std::filesystem::remove_all(place + ".d");
        view = saveProject(file, view);
        QCOMPARE(numbers(file, view.uuid), (std::vector<std::uint64_t>{1}));
        QCOMPARE(numbers(file).size(), std::size_t{2});
    }

    void killedAnywhereNothingIsLost() {
        const auto file = path("killed.h5");
        const auto view = createProject(file, sample::study());
        const auto full = merge(view, sample::jobResult());
        for (int microseconds = 200; microseconds < 40000; microseconds += microseconds / 2) {
            const pid_t child = ::fork();
            if (child == 0) {
                try {
                    const auto current = openProject(file);
                    auto next = full;
                    next.generation = current.generation;
                    next.fileUuid = current.fileUuid;
                    saveProject(file, next);
                } catch (const Error&) {
                    ::_exit(1);
                }
                ::_exit(0);
            }
            ::usleep(static_cast<useconds_t>(microseconds));
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
            const auto now = openProject(file);
            for (const auto& earlier : earlierGenerations(file, now.uuid)) {
                QVERIFY(earlier.block.generation <= now.generation);
                QCOMPARE(openProject(earlier.path).uuid, now.uuid);
            }
        }
    }

    // Shards stay as long as a kept generation lacks them.
    void mergedShardsAreKeptWithTheGenerations() {
        const auto file = path("shards.h5");
        auto view = createProject(file, sample::study());
        const auto folder = sideFolder(file).shards, kept = sideFolder(file).previous + "/shards";
        ensureFolder(folder);
        const auto shard = folder + "/job.h5", there = kept + "/2-job.h5";
        publishShard(shard, sample::jobResult(), view.uuid);
        const auto bytes = bytesOf(shard);
        view = saveProject(file, merge(view, sample::jobResult()));
        keepShards(file, view.uuid, view.generation, {shard, folder + "/none.h5"});
        QVERIFY(!std::filesystem::exists(shard) && bytesOf(there) == bytes);
        returnShards(file, view.uuid, 2); // which has it
        QVERIFY(std::filesystem::exists(there));
        returnShards(file, view.uuid, 1);
        QVERIFY(bytesOf(shard) == bytes && !std::filesystem::exists(there));
        keepShards(file, view.uuid, 2, {shard});
        std::ofstream(kept + "/notes.txt") << "mine";
        std::ofstream(kept + "/99999999999999999999-a.h5") << "no number";
        for (const bool stays : {true, true, false}) {
            view = saveProject(file, view); // generations 3, 4, 5; kept are 1 to 2, 1 to 3, 2 to 4
            keepShards(file, view.uuid, view.generation, {});
            QCOMPARE(std::filesystem::exists(there), stays);
        }
        QVERIFY(std::filesystem::exists(kept + "/notes.txt"));
    }

    void leftoversOfKilledProcessesAreRemoved() {
        const auto file = path("left.h5");
        const auto view = createProject(file, sample::study());
        const auto side = sideFolder(file);
        const auto place = [](const std::string& folder, const std::string& name, bool old) {
            ensureFolder(folder);
            const auto path = folder + "/" + name;
            std::ofstream(path) << "x";
            if (old)
                std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() -
                                                           std::chrono::minutes(2));
            return path;
        };
        const std::string end = "." + newUuid() + ".tmp", beside = m_folder.path().toStdString();
        std::vector<std::string> gone{place(side.temporary, "anything", false),
                                      place(beside, ".left.h5" + end, true)};
        std::vector<std::string> stay{place(beside, ".left.h5.too" + end, true), // of another program's file
                                      place(beside, ".left.h5.not-a-uuid.tmp", true),
                                      place(beside, "left.h5" + end, true),
                                      place(side.shards, "a.tmp", true),
                                      place(side.shards, ".a.h5" + end, false), // perhaps alive
                                      place(side.root, ".a" + end, true)};
        for (const auto& folder : {side.shards, side.blobs, side.jobs, side.cache, side.previous})
            gone.push_back(place(folder, ".b.h5" + end, true));
        for (const auto& folder : {side.shards, beside}) { // what AtomicFile itself calls its file
            const AtomicFile unfinished(folder + "/left.h5");
            const auto name = std::filesystem::path(unfinished.temporaryPath()).filename().string();
            QVERIFY(AtomicFile::isTemporaryName(name, "left.h5") && !AtomicFile::isTemporaryName(name, "h5"));
        }
        const ProjectLock lock(file);
        removeLeftovers(file);
        for (const auto& path : gone)
            QVERIFY2(!std::filesystem::exists(path), path.c_str());
        for (const auto& path : stay)
            QVERIFY2(std::filesystem::exists(path), path.c_str());
        QCOMPARE(openProject(file).uuid, view.uuid);
    }

    // A save that was killed between exchanging two files and looking at what came out.
    void whatAnotherProgramPutThereIsKept() {
        const auto file = path("exchanged.h5");
        const auto first = createProject(file, sample::study());
        const auto second = saveProject(file, first);
        const auto side = sideFolder(file);
        const auto temporary = [&](const std::string& uuid) {
            return side.temporary + "/.exchanged.h5." + uuid + ".tmp";
        };
        const auto foreign = path("foreign.h5");
        createProject(foreign, sample::study());
        std::filesystem::copy_file(foreign, temporary(second.fileUuid));
        std::filesystem::copy_file(foreign, temporary(newUuid())); // of a save that published nothing
        const auto kept = keepReplaced(file).kept;
        QCOMPARE(kept.size(), std::size_t{1});
        QVERIFY(kept.front().find("/prev/exchanged.replaced-") != std::string::npos);
        QVERIFY(bytesOf(kept.front()) == bytesOf(foreign));
        // What a save replaces is kept before it is exchanged: a generation, or a file that was set aside.
        std::filesystem::copy_file(earlierGenerations(file).front().path, temporary(second.fileUuid));
        QVERIFY(keepReplaced(file).kept.empty());
        std::filesystem::remove(temporary(second.fileUuid));
        std::ofstream(temporary(second.fileUuid)) << "no project";
        std::ofstream(side.previous + "/exchanged.changed-1") << "no project";
        QVERIFY(keepReplaced(file).kept.empty());
        const ProjectLock lock(file);
        removeLeftovers(file);
        QVERIFY(std::filesystem::is_empty(side.temporary));
        QVERIFY(std::filesystem::exists(kept.front()));
    }

    // Nothing is removed that could not be told or kept; a link to the project makes no difference, nor does
    // a temporary file beside it, where its folder lies on another file system.
    void whatCannotBeKeptIsNotRemoved() {
        const auto file = path("left-alone.h5"), link = path("link-to.h5");
        const auto view = saveProject(file, createProject(file, sample::study()));
        std::filesystem::create_symlink(file, link);
        const auto side = sideFolder(link);
        const auto name = "/.left-alone.h5." + view.fileUuid + ".tmp";
        const auto beside = std::filesystem::path(file).parent_path().string() + name;
        const auto put = [&](const std::string& place) { std::ofstream(place) << "another program's"; };
        put(side.temporary + name);
        const auto whole = bytesOf(file);
        std::ofstream(file, std::ios::binary | std::ios::in)
            << "spoiled"; // what it was is not known any more
        const ProjectLock lock(file);
        const auto unknown = keepReplaced(link);
        QVERIFY(unknown.kept.empty() && unknown.left == std::vector<std::string>{side.temporary + name});
        removeLeftovers(link, unknown.left);
        QVERIFY(std::filesystem::exists(side.temporary + name));
        std::ofstream(file, std::ios::binary) << whole;
        QCOMPARE(keepReplaced(link).kept.size(), std::size_t{1});
        put(beside);
        QVERIFY(keepReplaced(link).kept.empty()); // it has that content
        std::ofstream(beside) << "more of another program's";
        QCOMPARE(keepReplaced(link).kept.size(), std::size_t{1});
        QVERIFY(!std::filesystem::exists(beside));
        std::filesystem::rename(side.previous, side.previous + "-away");
        std::ofstream(side.previous) << "no folder";
        put(side.temporary + name);
        const auto full = keepReplaced(file);
        QVERIFY(full.kept.empty() && full.left == std::vector<std::string>{side.temporary + name});
        removeLeftovers(file, full.left);
        QVERIFY(std::filesystem::exists(side.temporary + name));
    }

    void aDamagedProjectIsKeptAside() {
        const auto file = path("damaged.h5");
        auto view = createProject(file, sample::study());
        view = saveProject(file, merge(view, sample::jobResult()));
        auto bytes = bytesOf(file);
        bytes[bytes.size() / 2] ^= 1;
        std::ofstream(file, std::ios::binary) << bytes;
        QCOMPARE(codeOf([&] { openProject(file); }), std::string("project.damaged"));
        const auto place = keepAside(file, "damaged"), second = keepAside(file, "damaged");
        QVERIFY(place != second && bytesOf(file) == bytes);
        QVERIFY(bytesOf(place) == bytes && bytesOf(second) == bytes);
        QCOMPARE(numbers(file, view.uuid), (std::vector<std::uint64_t>{1}));
    }
};

QTEST_GUILESS_MAIN(GenerationsTest)
#include "generations_test.moc"
