// The log: durable before it returns, readable whatever happened to its file.
#include "core/project/edit_log.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/project/side_folder.h"
#include "tests/core/checks.h"
#include "tests/core/project/child_process.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <QtTest>
#include <random>
#include <set>
#include <zlib.h>

using namespace azimuth;
using checks::codeOf;

namespace {

const std::string uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";

std::vector<std::uint64_t> numbers(const LogReading& reading) {
    std::vector<std::uint64_t> out;
    for (const auto& edit : reading.edits)
        out.push_back(edit.sequence);
    return out;
}
std::vector<std::uint64_t> upTo(std::uint64_t last) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = 1; i <= last; ++i)
        out.push_back(i);
    return out;
}
Json edit(int i) { return {{"op", "label"}, {"note", "edit " + std::to_string(i) + " ä€🙂"}}; }

} // namespace

class EditLogTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    int m_count = 0;
    std::string project() { return m_folder.filePath(QStringLiteral("p%1.h5").arg(++m_count)).toStdString(); }
    // A project with ten edits, and its one file's bytes.
    std::string written(std::string& file, int edits = 10) {
        const auto path = project();
        EditLog log(path, uuid, 3, 1);
        for (int i = 1; i <= edits; ++i)
            log.append(edit(i));
        file = log.path();
        return path;
    }

    // Another file of it, as of a writer that did not look at the others.
    void written(const std::string& path, std::uint64_t number, const Json& edit) {
        EditLog log(project(), uuid, 3, number);
        log.append(edit);
        std::filesystem::copy_file(log.path(), sideFolder(path).root + "/log-3-z.azlog");
    }

private Q_SLOTS:
    void editsComeBackInOrder() {
        std::string file;
        const auto path = written(file);
        const auto reading = readLogs(path, uuid, 0);
        QCOMPARE(numbers(reading), upTo(10));
        QVERIFY(reading.edits[4].edit == edit(5));
        QVERIFY(reading.notes.empty() && reading.files.size() == 1 && !reading.files[0].torn);
        QCOMPARE(reading.last, 10u);
        QCOMPARE(numbers(readLogs(path, uuid, 8)), (std::vector<std::uint64_t>{9, 10}));
        QVERIFY(readLogs(path, "11111111-d9cb-469f-a165-70867728950e", 0).files.empty());
        QVERIFY(readLogs(path + ".other", uuid, 7).edits.empty());
    }

    // The layout of FORMAT.md, checked with zlib's own function.
    void framesAreAsDescribed() {
        std::string file;
        written(file, 1);
        const auto bytes = readFile(file, 1 << 20);
        std::size_t at = 0;
        for (std::uint64_t expected : {0u, 1u}) {
            QCOMPARE(bytes.substr(at, 4), std::string("AZF1"));
            std::uint32_t size, sum;
            std::uint64_t sequence;
            std::memcpy(&size, bytes.data() + at + 4, 4);
            std::memcpy(&sequence, bytes.data() + at + 8, 8);
            std::memcpy(&sum, bytes.data() + at + 16, 4);
            QCOMPARE(sequence, expected);
            auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 8), 8);
            crc = ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data() + at + 20), size);
            QCOMPARE(sum, static_cast<std::uint32_t>(crc));
            at += 20 + size;
        }
        QCOMPARE(at, bytes.size());
    }

    void nothingIsWrittenBeforeTheFirstEdit() {
        const auto path = project();
        { const EditLog log(path, uuid, 1, 1); }
        QVERIFY(!std::filesystem::exists(sideFolder(path).root));
    }

    void severalFilesAreOneLog() {
        const auto path = project();
        EditLog log(path, uuid, 1, 1);
        log.append(edit(1));
        log.append(edit(2));
        const auto first = log.path();
        log.startNewFile(2);
        log.append(edit(3));
        QVERIFY(log.path() != first);
        EditLog later(path, uuid, 2, readLogs(path, uuid, 0).last + 1); // another session
        QCOMPARE(later.append(edit(4)), 4u);
        QCOMPARE(numbers(readLogs(path, uuid, 0)), upTo(4));
        removeLogs(path, uuid, 2);
        QVERIFY(!std::filesystem::exists(first));
        QCOMPARE(numbers(readLogs(path, uuid, 2)), (std::vector<std::uint64_t>{3, 4}));
        removeLogs(path, uuid, 4, later.path());
        QCOMPARE(readLogs(path, uuid, 4).files.size(), std::size_t{1});
        std::filesystem::copy_file(later.path(), sideFolder(path).root + "/log-2-copy.azlog");
        QCOMPARE(numbers(readLogs(path, uuid, 0)), (std::vector<std::uint64_t>{4})); // each once
    }

    // Locks that lie: two writers that do not know of each other. What was acknowledged is there, each edit
    // with a number of its own, and nothing that was refused.
    void twoWritersNeverShareANumber() {
        std::mt19937 random(11);
        for (int trial = 0; trial < 40; ++trial) {
            const auto path = project();
            std::vector<std::unique_ptr<EditLog>> writers;
            const auto opened = [&] {
                const auto found = readLogs(path, uuid, 0);
                return std::make_unique<EditLog>(path, uuid, 1, found.last + 1, found.files);
            };
            for (int i = 0; i < 3; ++i)
                writers.push_back(opened());
            std::map<std::uint64_t, Json> acknowledged;
            int refused = 0;
            for (int i = 1; i <= 60; ++i) {
                auto& writer = writers[random() % writers.size()];
                switch (random() % 8) {
                case 0:
                    writer = opened();
                    break;
                case 1:
                    writer->startNewFile(2);
                    break;
                default:
                    try {
                        const auto number = writer->append(edit(i));
                        QVERIFY(acknowledged.emplace(number, edit(i)).second);
                    } catch (const Error& error) {
                        QCOMPARE(error.code(), std::string("log.shared"));
                        ++refused;
                    }
                }
            }
            QVERIFY(refused > 0 && acknowledged.size() > 5);
            std::map<std::uint64_t, Json> found;
            for (auto& one : readLogs(path, uuid, 0).edits)
                QVERIFY(found.emplace(one.sequence, one.edit).second);
            QVERIFY(found == acknowledged);
        }
    }

    // At the same time, in two processes: at most one of them may have each number.
    void twoWritersAtTheSameTime() {
        const auto path = project();
        std::filesystem::create_directories(sideFolder(path).root);
        int ends[2];
        QCOMPARE(::pipe(ends), 0);
        std::vector<pid_t> children;
        for (int who = 0; who < 2; ++who) {
            children.push_back(::fork());
            if (children.back() != 0)
                continue;
            auto log = std::make_unique<EditLog>(path, uuid, 1, 1);
            for (int i = 0; i < 400; ++i) {
                try {
                    const std::uint64_t said[2] = {log->append(edit(1000 * who + i)),
                                                   static_cast<std::uint64_t>(1000 * who + i)};
                    if (::write(ends[1], said, sizeof said) != sizeof said)
                        ::_exit(1);
                } catch (const Error& error) {
                    if (error.code() != "log.shared")
                        ::_exit(2);
                    const auto found = readLogs(path, uuid, 0, false);
                    log = std::make_unique<EditLog>(path, uuid, 1, found.last + 1, found.files);
                }
            }
            ::_exit(0);
        }
        ::close(ends[1]);
        std::map<std::uint64_t, std::uint64_t> acknowledged;
        for (std::uint64_t said[2]; ::read(ends[0], said, sizeof said) == sizeof said;)
            QVERIFY(acknowledged.emplace(said[0], said[1]).second);
        ::close(ends[0]);
        for (const auto child : children) {
            int status = 0;
            ::waitpid(child, &status, 0);
            QCOMPARE(status, 0);
        }
        QVERIFY(acknowledged.size() > 20);
        const auto reading = readLogs(path, uuid, 0);
        for (const auto& [number, which] : acknowledged)
            QVERIFY(std::ranges::any_of(reading.edits, [&](const LoggedEdit& one) {
                return one.sequence == number && one.edit == edit(static_cast<int>(which));
            }));
        QCOMPARE(reading.edits.size(), acknowledged.size());
    }

    void twoEditsWithOneNumberAreBothThere() {
        std::string file;
        const auto path = written(file, 3);
        written(path, 3, edit(30)); // by one that was killed before it looked
        const auto reading = readLogs(path, uuid, 0);
        QCOMPARE(numbers(reading), (std::vector<std::uint64_t>{1, 2, 3, 3}));
        QVERIFY(reading.edits[2].edit == edit(3) && reading.edits[3].edit == edit(30));
        QCOMPARE(reading.last, 3u);
    }

    void everyCutGivesAPrefix() {
        std::string file;
        const auto path = written(file, 3);
        const auto bytes = readFile(file, 1 << 20);
        std::size_t known = 4;
        for (std::size_t size = bytes.size(); size-- > 0;) {
            std::filesystem::resize_file(file, size);
            const auto reading = readLogs(path, uuid, 0);
            QVERIFY(reading.edits.size() <= known);
            QCOMPARE(numbers(reading), upTo(reading.edits.size()));
            known = std::min(known, reading.edits.size() + 1);
            if (!reading.files.empty())
                QVERIFY(!reading.files[0].damaged);
            std::filesystem::remove_all(sideFolder(path).previous);
        }
    }

    void wholeFramesBehindADamageAreSalvaged() {
        std::string file;
        const auto path = written(file);
        auto bytes = readFile(file, 1 << 20);
        const auto fourth = bytes.find("edit 4");
        bytes[fourth] ^= 1;
        std::ofstream(file, std::ios::binary) << bytes;
        const auto reading = readLogs(path, uuid, 0);
        QCOMPARE(numbers(reading), (std::vector<std::uint64_t>{1, 2, 3, 5, 6, 7, 8, 9, 10}));
        QVERIFY(reading.files[0].damaged);
        QCOMPARE(reading.notes, (std::vector<std::string>{"A log of this project was damaged: 9 edits could "
                                                          "be read, edit 4 is missing; the file is kept in "
                                                          "prev/."}));
        const auto kept =
            sideFolder(path).previous + "/" + std::filesystem::path(file).filename().string() + ".damaged";
        QCOMPARE(readFile(kept, 1 << 20), bytes);
    }

    void aDamageNamesWhatIsMissing() {
        std::string file;
        const auto path = written(file);
        const auto whole = readFile(file, 1 << 20);
        const auto missingWithout = [&](const std::vector<int>& broken, std::uint64_t held) {
            auto bytes = whole;
            for (const int i : broken)
                bytes[bytes.find("edit " + std::to_string(i) + " ")] ^= 1;
            std::ofstream(file, std::ios::binary) << bytes;
            const auto note = readLogs(path, uuid, held, false).notes.at(0);
            const auto from = note.find("read, ") + 6;
            return note.substr(from, note.rfind('.') - from);
        };
        QCOMPARE(missingWithout({1}, 0), std::string("edit 1 is missing"));
        QCOMPARE(missingWithout({3, 4, 5}, 0), std::string("edits 3 to 5 are missing"));
        QCOMPARE(missingWithout({2, 4, 6, 7}, 0), std::string("edits 2, 4 and 6 to 7 are missing"));
        QCOMPARE(missingWithout({3, 4, 7}, 4), std::string("edit 7 is missing")); // the others are saved
        QCOMPARE(missingWithout({3, 4}, 4), std::string("no edit is missing"));
        written(path, 4, edit(4)); // another file has it
        QCOMPARE(missingWithout({4}, 0), std::string("no edit is missing"));
    }

    void aTornEndIsSaidOnce() {
        std::string file;
        const auto path = written(file);
        const auto bytes = readFile(file, 1 << 20);
        const auto last = bytes.rfind("AZF1");
        std::filesystem::resize_file(file, bytes.size() - 3);
        QVERIFY(readLogs(path, uuid, 0, false).notes.empty()); // another process may be writing it
        const auto reading = readLogs(path, uuid, 0);
        QCOMPARE(numbers(reading), upTo(9));
        QCOMPARE(reading.notes.size(), std::size_t{1});
        QVERIFY(reading.notes[0].find("no whole edit") != std::string::npos);
        const auto kept =
            sideFolder(path).previous + "/" + std::filesystem::path(file).filename().string() + ".torn";
        QCOMPARE(readFile(kept, 1 << 20), bytes.substr(last, bytes.size() - 3 - last));
        QVERIFY(readLogs(path, uuid, 0).notes.empty());
    }

    void aFullFileGetsNoMoreEdits() {
        const auto path = project();
        EditLog log(path, uuid, 1, 1, {}, 400);
        std::set<std::string> files;
        for (int i = 1; i <= 30; ++i) {
            QCOMPARE(log.append(edit(i)), static_cast<std::uint64_t>(i));
            files.insert(log.path());
        }
        QVERIFY(files.size() > 3 && files.size() < 15);
        for (const auto& file : files)
            QVERIFY(std::filesystem::file_size(file) < 500);
        QCOMPARE(numbers(readLogs(path, uuid, 0)), upTo(30));
        QCOMPARE(readLogs(path, uuid, 0).files.size(), files.size());
        std::filesystem::remove(log.path()); // also where a new one is due
        QCOMPARE(codeOf([&] { log.append(edit(31)); }), std::string("log.lost"));
    }

    void randomDamageNeverInventsAnEdit() {
        std::string file;
        const auto path = written(file, 20);
        const auto bytes = readFile(file, 1 << 20);
        std::mt19937 random(7);
        for (int round = 0; round < 600; ++round) {
            auto damaged = bytes;
            switch (random() % 4) {
            case 0:
                damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
                break;
            case 1:
                damaged.resize(random() % damaged.size());
                break;
            case 2: // a sector of zeros
                for (std::size_t i = random() % damaged.size(), n = 0; i < damaged.size() && n < 512;
                     ++i, ++n)
                    damaged[i] = 0;
                break;
            default: // a piece twice
                damaged.insert(random() % damaged.size(), damaged.substr(random() % damaged.size(), 300));
            }
            std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
            for (const auto& found : readLogs(path, uuid, 0).edits)
                QVERIFY(found.sequence >= 1 && found.sequence <= 20 &&
                        found.edit == edit(static_cast<int>(found.sequence)));
            std::filesystem::remove_all(sideFolder(path).previous);
        }
    }

    void hostileFilesAreLeftAlone() {
        const auto path = project();
        const auto folder = sideFolder(path).root;
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/log-1-a.azlog") << "AZF1\xff\xff\xff\xff";
        std::ofstream(folder + "/log-1-b.azlog");
        std::ofstream(folder + "/log-1-c.azlog") << std::string(100000, 'A');
        std::filesystem::create_directory(folder + "/log-1-d.azlog");
        std::string many;
        for (int i = 0; i < 20000; ++i)
            many += "AZF1";
        std::ofstream(folder + "/log-1-e.azlog") << many;
        const auto reading = readLogs(path, uuid, 5);
        QVERIFY(reading.files.empty() && reading.edits.empty());
        QCOMPARE(reading.last, 5u);
        removeLogs(path, uuid, 100);
        QVERIFY(std::filesystem::exists(folder + "/log-1-c.azlog"));
    }

    void badEditsAreRefused() {
        EditLog log(project(), uuid, 1, 1);
        QCOMPARE(codeOf([&] { log.append(Json::array()); }), std::string("log.edit"));
        QCOMPARE(codeOf([&] {
                     log.append({{"note", std::string(65 << 20, 'x')}});
                 }),
                 std::string("log.edit"));
        QCOMPARE(codeOf([&] {
                     log.append({{"note", std::string("\xff")}});
                 }).substr(0, 4),
                 std::string("json"));
        QCOMPARE(log.append(edit(1)), 1u);
    }

    // The disk fills: the edit is refused, what was acknowledged stays, and it goes on when there is room.
    void aFullDiskRefusesOneEdit() {
        const auto path = project();
        const auto outcome = inChild({.fileBytes = 2000}, [&] {
            EditLog log(path, uuid, 1, 1);
            int acknowledged = 0, refused = 0;
            for (int i = 1; i <= 200 && refused < 2; ++i) {
                try {
                    log.append(edit(i - refused));
                    ++acknowledged;
                } catch (const Error& error) {
                    refused += error.code() == "file.write";
                }
            }
            const auto reading = readLogs(path, uuid, 0);
            if (refused != 2)
                return 1;
            if (reading.edits.size() != static_cast<std::size_t>(acknowledged))
                return 2;
            return acknowledged > 20 && reading.notes.empty() ? 0 : 3;
        });
        QCOMPARE(QString::fromStdString(outcome), QStringLiteral("0"));
    }

    // Somebody removes or moves the side folder under an open log: nothing is written into nowhere.
    void aFileThatIsGoneIsNoticed() {
        for (const bool moved : {false, true}) {
            const auto path = project();
            EditLog log(path, uuid, 1, 1);
            log.append(edit(1));
            const auto folder = sideFolder(path).root;
            if (moved)
                std::filesystem::rename(folder, folder + ".away");
            else
                std::filesystem::remove_all(folder);
            QCOMPARE(codeOf([&] { log.append(edit(2)); }), std::string("log.lost"));
            QCOMPARE(log.append(edit(2)), 2u);
            QCOMPARE(numbers(readLogs(path, uuid, 1)), (std::vector<std::uint64_t>{2}));
        }
    }

    // kill -9 at any moment: every edit that was acknowledged through the pipe is there.
    void killedAtAnyMoment() {
        std::mt19937 random(3);
        for (int trial = 0; trial < 60; ++trial) {
            const auto path = project();
            int ends[2];
            QCOMPARE(::pipe(ends), 0);
            const pid_t child = ::fork();
            if (child == 0) {
                EditLog log(path, uuid, 1, 1);
                for (int i = 1;; ++i) {
                    log.append(edit(i));
                    if (i % 13 == 0)
                        log.startNewFile(1);
                    if (::write(ends[1], &i, sizeof i) != sizeof i)
                        ::_exit(1);
                }
            }
            ::close(ends[1]);
            ::usleep(static_cast<useconds_t>(random() % 20000));
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
            int acknowledged = 0;
            for (int i = 0; ::read(ends[0], &i, sizeof i) == sizeof i;)
                acknowledged = i;
            ::close(ends[0]);
            const auto reading = readLogs(path, uuid, 0);
            QVERIFY(reading.edits.size() >= static_cast<std::size_t>(acknowledged));
            QCOMPARE(numbers(reading), upTo(reading.edits.size()));
            for (const auto& found : reading.edits)
                QVERIFY(found.edit == edit(static_cast<int>(found.sequence)));
        }
    }
};

QTEST_GUILESS_MAIN(EditLogTest)
#include "edit_log_test.moc"
