// Every way in which opening a project can end, through the session that the window uses: its code, its
// words, what to do, and that the file is as it was and the session goes on.
#include "app/session/project_session.h"
#include "core/base/atomic_file.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "tests/app/session/failing_calls.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <QtTest>
#include <sys/stat.h>

using namespace azimuth;
using hostile::bytesOf;
using hostile::writeBytes;

namespace {

QString text(const std::string& value) { return QString::fromStdString(value); }

struct Outcome {
    const char* name;
    const char* code;
    std::vector<std::string> words, remedy;         // that must stand in the message, in the remedy
    std::function<void(const std::string&)> damage; // of a sound project at this path
    std::function<void(FileChecker::Options&)> checking = {};
};

std::string ownerElsewhere() {
    return R"({"boot":"b","host":"hal","process":7,"program":"azimuth","session":"s",)"
           R"("since":"2026-03-14T09:26:53Z","user":"ana"})";
}

void flip(const std::string& path, std::size_t place) {
    auto bytes = bytesOf(path);
    bytes[place] = static_cast<char>(bytes[place] ^ 4);
    writeBytes(path, bytes);
}

void change(const std::string& path, const std::function<void(UserBlock&)>& edit) {
    auto block = readUserBlock(path);
    edit(block);
    writeBytes(path, resigned(bytesOf(path), block));
}

// As from another machine: this one does not know its digest.
void resaveElsewhere(const std::string& path) {
    hostile::makeChanged(std::string(path), path + ".new", [](hid_t file) {
        const double values[3] = {1, 2, 3};
        hostile::replace(file, "/labels/confidence", H5T_IEEE_F64LE, {3}, values);
    });
    std::filesystem::rename(path + ".new", path);
}

void setInPlace(const std::string& path) {
    const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const std::vector<double> values(sample::fullView().labels.size(), 3);
    const hid_t times = H5Dopen2(id, "/labels/time", H5P_DEFAULT);
    H5Dwrite(times, H5T_IEEE_F64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(times);
    H5Fclose(id);
}

void dyingProgram(FileChecker::Options& options) {
    static const QTemporaryDir folder;
    options.program = folder.filePath(QStringLiteral("dying")).toStdString();
    writeBytes(options.program, "#!/bin/sh\nkill -SEGV $$\n");
    ::chmod(options.program.c_str(), 0755);
}

const std::vector<Outcome>& outcomes() {
    const auto program = [](const char* path) {
        return [path](FileChecker::Options& options) { options.program = path; };
    };
    static const std::vector<Outcome> list{
        {"a text",
         "project.foreign",
         {"is not a project of Azimuth"},
         {"Open a file that Azimuth saved"},
         [](auto& path) { writeBytes(path, std::string(5000, 'x')); }},
        {"a short text",
         "project.foreign",
         {"is not a project of Azimuth"},
         {"Azimuth saved"},
         [](auto& path) { writeBytes(path, "x"); }},
        {"nothing",
         "project.foreign",
         {"is empty"},
         {"Azimuth saved"},
         [](auto& path) { writeBytes(path, ""); }},
        {"HDF5 of another program",
         "project.foreign",
         {"an HDF5 file of another program"},
         {"Azimuth saved"},
         [](auto& path) { writeBytes(path, bytesOf(path).substr(userBlockBytes)); }},
        {"a pipe",
         "project.foreign",
         {"is not a regular file"},
         {"Azimuth saved"},
         [](auto& path) {
             std::filesystem::remove(path);
             ::mkfifo(path.c_str(), 0600);
         }},
        {"a folder",
         "file.open",
         {"Is a directory"},
         {"give a file"},
         [](auto& path) {
             std::filesystem::remove(path);
             std::filesystem::create_directory(path);
         }},
        {"no file",
         "file.open",
         {"No such file"},
         {"Check the path"},
         [](auto& path) { std::filesystem::remove(path); }},
        {"a result shard",
         "project.kind",
         {"is a result shard, not a project"},
         {"project it belongs to"},
         [](auto& path) {
             std::filesystem::remove(path);
             publishShard(path, sample::jobResult(), {});
         }},
        {"cut off",
         "project.truncated",
         {"is cut off", "of", "bytes"},
         {"Copy the file again"},
         [](auto& path) { std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1); }},
        {"cut off early",
         "project.truncated",
         {"is cut off"},
         {"Copy the file again"},
         [](auto& path) { std::filesystem::resize_file(path, 500); }},
        {"damaged content",
         "project.damaged",
         {"is damaged or was changed", "SHA-256"},
         {"earlier generation"},
         [](auto& path) { flip(path, bytesOf(path).find("OHDR", 3000) + 8); }},
        {"a damaged user block",
         "project.damaged",
         {"checksum of its first 1,024 bytes"},
         {"earlier generation"},
         [](auto& path) { flip(path, 40); }},
        {"too new",
         "project.newer",
         {"azimuth 9.1.0", "format 7", "this one reads up to format"},
         {"azimuth 9.1.0 or newer"},
         [](auto& path) {
             change(path, [](UserBlock& block) {
                 block.formatVersion = 9;
                 block.minimumReader = 7;
                 block.creator = "azimuth 9.1.0";
             });
         }},
        {"too new, by nobody",
         "project.newer",
         {"a newer Azimuth", "\\x1b"},
         {},
         [](auto& path) {
             change(path, [](UserBlock& block) {
                 block.minimumReader = 7;
                 block.creator = "a newer Azimuth \x1b[31m";
             });
         }},
        {"changed by another program",
         "project.altered",
         {"another program has changed it", "generation 2", "is whole"},
         {"as it is now", "earlier generation"},
         setInPlace},
        {"hostile",
         "project.content",
         {"/labels/time", "missing"},
         {"whoever made the file"},
         [](auto& path) {
             hostile::makeChanged(std::string(path), path + ".new", [](hid_t file) {
                 H5Ldelete(file, "/labels/time", H5P_DEFAULT);
                 H5Lcreate_external("/etc/hostname", "/", file, "/labels/time", H5P_DEFAULT, H5P_DEFAULT);
             });
             std::filesystem::rename(path + ".new", path);
         }},
        {"the child dies",
         "project.unsafe",
         {"made to do harm", "Segmentation fault"},
         {"earlier generation"},
         resaveElsewhere,
         dyingProgram},
        {"the child is mute",
         "project.unchecked",
         {"could not be checked", "no report (exit code 1)"},
         {"Install Azimuth again"},
         resaveElsewhere,
         program("/bin/false")},
        {"the child is not there",
         "project.unchecked",
         {"could not be checked", "/no/program"},
         {"Install Azimuth again"},
         resaveElsewhere,
         program("/no/program")},
        {"no permission",
         "file.open",
         {"Permission denied"},
         {"Ask its owner"},
         [](auto& path) { failing::open(path, EACCES); }},
        {"the share is gone",
         "file.open",
         {"Stale file handle"},
         {"network share", "connect it again"},
         [](auto& path) { failing::open(path, ESTALE); }},
        {"the share goes while reading",
         "file.read",
         {"endpoint is not connected"},
         {"connect it again"},
         [](auto& path) { failing::read(path, ENOTCONN); }},
        {"the disk fails",
         "file.read",
         {"Input/output error"},
         {"Check the disk"},
         [](auto& path) { failing::read(path, EIO); }},
    };
    return list;
}

} // namespace

class OpeningTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_sound;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

    std::string copyOf(const std::string& file, const char* name) const {
        std::error_code ignored;
        std::filesystem::remove_all(path(name), ignored);
        std::filesystem::copy_file(file, path(name));
        return path(name);
    }
    static bool opens(ProjectSession& session, const std::string& file) {
        QSignalSpy opened(&session, &ProjectSession::opened), failed(&session, &ProjectSession::failed);
        session.open(text(file));
        return QTest::qWaitFor([&] { return opened.count() + failed.count() > 0; }, 20000) &&
               failed.isEmpty();
    }
    // What failed since; an Error cannot be made of nothing, so no QSignalSpy can give it back.
    struct Failures {
        std::vector<Error> list;
        explicit Failures(ProjectSession& session) {
            connect(&session, &ProjectSession::failed, &session,
                    [this](const QString&, const Error& error) { list.push_back(error); });
        }
        int count() const { return static_cast<int>(list.size()); }
    };

private Q_SLOTS:
    void initTestCase() {
        m_sound = path("sound.h5");
        auto view = sample::fullView();
        view.uuid = createProject(m_sound, *view.study).uuid;
        saveProject(m_sound, view);
    }
    void cleanup() { failing::clear(); }

    void everyOutcomeHasItsWords_data() {
        QTest::addColumn<int>("index");
        for (std::size_t i = 0; i < outcomes().size(); ++i)
            QTest::addRow("%s", outcomes()[i].name) << static_cast<int>(i);
    }
    void everyOutcomeHasItsWords() {
        QFETCH(int, index);
        const auto& expected = outcomes()[static_cast<std::size_t>(index)];
        ProjectSession session;
        QVERIFY(opens(session, m_sound)); // a project that is open stays open
        FileChecker::Options checking;
        if (expected.checking)
            expected.checking(checking);
        session.setChecking(checking);
        const auto file = copyOf(m_sound, "victim.h5");
        const auto view = session.view();
        expected.damage(file);
        struct stat before {
        }, after{};
        ::stat(file.c_str(), &before);
        const auto bytes = std::filesystem::is_regular_file(file) ? bytesOf(file) : std::string();
        QSignalSpy opened(&session, &ProjectSession::opened);
        const Failures failed(session);
        session.open(text(file));
        QTRY_COMPARE_WITH_TIMEOUT(failed.count() + opened.count(), 1, 20000);
        QCOMPARE(opened.count(), 0);
        const auto error = failed.list.front();
        QCOMPARE(text(error.code()), QString::fromLatin1(expected.code));
        const auto message = text(error.message()), remedy = text(error.remedy());
        QVERIFY2(message.contains(text(file)), error.what());
        for (const auto& word : expected.words)
            QVERIFY2(message.contains(text(word)), error.what());
        for (const auto& word : expected.remedy)
            QVERIFY2(remedy.contains(text(word)), error.what());
        QVERIFY(!remedy.isEmpty());
        for (const auto letter : message + remedy)
            QVERIFY(letter.isPrint());
        failing::clear();
        ::stat(file.c_str(), &after);
        QCOMPARE(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
        if (std::filesystem::is_regular_file(file))
            QVERIFY(bytesOf(file) == bytes);
        QVERIFY(!std::filesystem::exists(file + ".lock"));
        QVERIFY(session.view() == view && session.path() == text(m_sound));
        session.setChecking({});
        QVERIFY(opens(session, copyOf(m_sound, "again.h5")));
    }

    void aLockedProjectSaysByWhom() {
        const auto file = copyOf(m_sound, "locked.h5");
        const ProjectLock lock(file);
        ProjectSession session;
        QVERIFY(opens(session, file));
        QVERIFY2(session.readOnly().contains(QStringLiteral("process %1 of ").arg(getpid())),
                 qPrintable(session.readOnly()));
        QVERIFY(!session.farOwner()); // it is here: nothing to take over
    }

    void withoutALockItIsReadOnly_data() {
        QTest::addColumn<int>("error");
        QTest::addColumn<QString>("words");
        QTest::newRow("no permission") << EACCES << QStringLiteral("Permission denied");
        QTest::newRow("a read-only disk") << EROFS << QStringLiteral("file system is read-only");
        QTest::newRow("a full disk") << ENOSPC << QStringLiteral("Free some space");
        QTest::newRow("a share that goes") << ESTALE << QStringLiteral("connect it again");
    }
    void withoutALockItIsReadOnly() {
        QFETCH(int, error);
        QFETCH(QString, words);
        const auto file = copyOf(m_sound, "unlocked.h5");
        failing::openForWriting("unlocked.h5.lock", error);
        ProjectSession session;
        QVERIFY(opens(session, file));
        QVERIFY2(session.readOnly().contains(words), qPrintable(session.readOnly()));
    }

    void aFullDiskIsSaidWithBothSizes() {
        const auto file = copyOf(m_sound, "full.h5");
        ProjectSession session;
        QVERIFY(opens(session, file));
        const auto bytes = bytesOf(file);
        failing::fullDisk();
        QSignalSpy saved(&session, &ProjectSession::saved);
        const Failures failed(session);
        session.save();
        QTRY_COMPARE(failed.count(), 1);
        const auto error = failed.list.front();
        QCOMPARE(text(error.code()), QStringLiteral("file.space"));
        QVERIFY(
            text(error.message()).contains(QRegularExpression(QStringLiteral("needs .+B, 0 B are free"))));
        QVERIFY(bytesOf(file) == bytes);
        failing::clear();
        session.save();
        QTRY_COMPARE(saved.count(), 1);
    }

    void aProjectFromElsewhereIsCheckedAndOpens() {
        const auto file = copyOf(m_sound, "foreign.h5");
        resaveElsewhere(file);
        ProjectSession session;
        QSignalSpy checking(&session, &ProjectSession::checking);
        QVERIFY(opens(session, file));
        QCOMPARE(checking.count(), 1);
        QCOMPARE(checking.at(0).at(0).toString(), text(file));
        QCOMPARE(session.view()->labels.size(), sample::fullView().labels.size());
        QVERIFY(opens(session, file));
        QCOMPARE(checking.count(), 1); // known by now
    }

    void checkingCanBeStopped() {
        const auto file = copyOf(m_sound, "slow.h5");
        hostile::makeChanged(m_sound, file, [](hid_t id) {
            const double values[3] = {4, 5, 6};
            hostile::replace(id, "/labels/slow", H5T_IEEE_F64LE, {3}, values);
        });
        const auto sleeper = path("sleeper");
        writeBytes(sleeper, "#!/bin/sh\nexec sleep 60\n");
        ::chmod(sleeper.c_str(), 0755);
        ProjectSession session;
        FileChecker::Options options;
        options.program = sleeper;
        session.setChecking(options);
        connect(&session, &ProjectSession::checking, &session, &ProjectSession::stopChecking);
        const Failures failed(session);
        QElapsedTimer timer;
        timer.start();
        session.open(text(file));
        QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, 20000);
        QCOMPARE(text(failed.list.front().code()), QStringLiteral("cancelled"));
        QVERIFY(timer.elapsed() < 10000);
        session.setChecking({});
        session.disconnect();
        QVERIFY(opens(session, file));
    }

    void shardsFromElsewhereAreCheckedToo() {
        const auto file = copyOf(m_sound, "shards.h5");
        const auto uuid = openProject(file).uuid;
        const auto folder = sideFolder(file).shards;
        ensureFolder(folder);
        publishShard(folder + "/ours.h5", sample::jobResult(), uuid);
        publishShard(folder + "/theirs.h5", sample::jobResult(), uuid);
        hostile::makeChanged(folder + "/theirs.h5", folder + "/new.h5",
                             [](hid_t id) { H5Ldelete(id, "/completions/parts/p000001/key", H5P_DEFAULT); });
        std::filesystem::rename(folder + "/new.h5", folder + "/theirs.h5");
        ProjectSession session;
        QSignalSpy checking(&session, &ProjectSession::checking), noted(&session, &ProjectSession::noted);
        QVERIFY(opens(session, file));
        QCOMPARE(checking.count(), 1);
        QStringList notes;
        for (const auto& note : noted)
            notes << note.at(0).toString();
        QVERIFY2(notes.join(QLatin1Char('\n')).contains(QStringLiteral("theirs.h5 could not be read")),
                 qPrintable(notes.join(QLatin1Char('\n'))));
        QVERIFY(std::filesystem::exists(folder + "/theirs.h5"));
    }

    void anothersChangeIsAdoptedSavedAndTold() {
        const auto file = copyOf(m_sound, "adopted.h5");
        setInPlace(file);
        const auto digest = toHex(readUserBlock(m_sound).digest);
        ProjectSession session;
        QSignalSpy opened(&session, &ProjectSession::opened), saved(&session, &ProjectSession::saved);
        QVERIFY(!opens(session, file));
        session.openAltered(text(file));
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QCOMPARE(session.view()->labels[2]->time, 3.0);
        QVERIFY(session.isModified());
        session.save();
        QTRY_COMPARE(saved.count(), 1);
        const auto now = openProject(file);
        QCOMPARE(now.generation, 3u);
        QVERIFY(text(now.provenance.back().action).contains(QStringLiteral("changes of another program")));
        QVERIFY(now.provenance.back().details.find(digest) != std::string::npos);
        session.save();
        QTRY_COMPARE(saved.count(), 2);
        QCOMPARE(openProject(file).generation, 4u);
    }

    // Two machines: this one, and one that holds the project by an owner file.
    void takingOverLeavesTheOtherWithoutItsLock() {
        const auto file = copyOf(m_sound, "remote.h5");
        auto lock = std::make_shared<ProjectLock>(file, ProjectLock::Means::OwnerFile);
        auto other = ProjectStore::open(file, lock);
        { // in place: the file stays the one that the other process made
            std::ofstream owner(file + ".owner", std::ios::trunc);
            owner << ownerElsewhere();
        }
        QVERIFY(lock->held());
        ProjectSession session;
        QVERIFY(opens(session, file));
        QVERIFY2(session.readOnly().contains(QStringLiteral("process 7 of ana on hal")),
                 qPrintable(session.readOnly()));
        QVERIFY(session.farOwner());
        auto stranger = *session.farOwner();
        stranger.session = "another";
        QSignalSpy opened(&session, &ProjectSession::opened), saved(&session, &ProjectSession::saved);
        const Failures failed(session);
        session.takeOver(stranger); // it has changed hands since the question was asked
        QTRY_COMPARE(failed.count(), 1);
        QCOMPARE(text(failed.list.front().code()), QStringLiteral("project.locked"));
        QVERIFY(lock->held());
        session.takeOver(*session.farOwner());
        QTRY_COMPARE(opened.count(), 1);
        QVERIFY(session.readOnly().isEmpty() && !session.farOwner());
        const auto code = [&] {
            try {
                other.save();
            } catch (const Error& error) {
                return error.code();
            }
            return std::string("saved");
        };
        QCOMPARE(code(), std::string("project.locklost")); // before this one has saved
        session.save();
        QTRY_COMPARE(saved.count(), 1);
        QCOMPARE(code(), std::string("project.locklost")); // and after
        QCOMPARE(openProject(file).generation, 3u);
    }
};

QTEST_GUILESS_MAIN(OpeningTest)
#include "opening_test.moc"
