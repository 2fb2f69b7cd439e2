// What this machine wrote is known; everything else passes a child first, and whatever happens to that child
// is one Error.
#include "core/project/file_checker.h"

#include "core/base/atomic_file.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/throwaway_process.h"
#include "core/project/validate.h"
#include "tests/core/checks.h"
#include "tests/core/project/child_process.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/sample.h"

#include <fcntl.h>
#include <filesystem>
#include <QtTest>
#include <sys/stat.h>

using namespace azimuth;
using checks::codeOf;
using checks::messageOf;
using hostile::bytesOf;
using hostile::writeBytes;

namespace {

QString text(const std::string& value) { return QString::fromStdString(value); }

// An edit in place, as h5py makes one; the digest stays the one that was written.
void changeInPlace(const std::string& path, const std::function<void(hid_t)>& change) {
    const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    change(id);
    H5Fclose(id);
}

void setLabels(hid_t file) {
    const std::vector<std::int8_t> values(sample::fullView().labels.size(), 1);
    const hid_t id = H5Dopen2(file, "/labels/behaves", H5P_DEFAULT), type = H5Dget_type(id);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Tclose(type);
    H5Dclose(id);
}

} // namespace

class FileCheckerTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_project;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

    // A list that nothing is in, so that every file comes from elsewhere.
    FileChecker::Options elsewhere(const char* list, int* checks = nullptr) const {
        FileChecker::Options options;
        options.knownFiles = path(list);
        if (checks)
            options.onCheck = [checks](const std::string&) { ++*checks; };
        return options;
    }
    std::string program(const char* name, const char* script) const {
        const auto file = path(name);
        writeBytes(file, std::string("#!/bin/sh\n") + script + "\n");
        ::chmod(file.c_str(), 0755);
        return file;
    }

private Q_SLOTS:
    void initTestCase() {
        m_project = path("project.h5");
        auto view = sample::fullView();
        view.uuid = createProject(m_project, *view.study).uuid;
        saveProject(m_project, view);
    }

    void theListRemembers() {
        const auto list = path("state/deep/known-files");
        KnownFiles files(list), others(list);
        const auto a = sample::digestOf("a"), b = sample::digestOf("b");
        QVERIFY(!files.contains(a));
        files.remember(a);
        files.remember(a);
        QVERIFY(files.contains(a) && others.contains(a) && !others.contains(b));
        others.remember(b);
        QVERIFY(files.contains(b));
        QCOMPARE(bytesOf(list).size(), std::size_t{2 * 65});
        KnownFiles nowhere("");
        nowhere.remember(a);
        QVERIFY(!nowhere.contains(a));
    }

    void theListIsBounded() {
        const auto list = path("bounded");
        std::string content;
        for (std::size_t i = 0; i < KnownFiles::mostEntries; ++i)
            content += sample::hexOf(std::to_string(i)) + "\n";
        writeBytes(list, content);
        ::chmod(list.c_str(), 0600);
        KnownFiles files(list);
        QVERIFY(files.contains(sample::digestOf("0")));
        files.remember(sample::digestOf("new"));
        QVERIFY(files.contains(sample::digestOf("new")));
        QVERIFY(files.contains(sample::digestOf(std::to_string(KnownFiles::mostEntries - 1))));
        QVERIFY(!files.contains(sample::digestOf("0"))); // the oldest went
        QCOMPARE(bytesOf(list).size(), KnownFiles::mostEntries / 2 * 65);
    }

    void aListThatLiesOrIsTornIsNone() {
        const auto list = path("torn");
        const auto a = sample::hexOf("a"), b = sample::hexOf("b");
        writeBytes(list, a.substr(0, 30) + b + "\n" + std::string(100, '\0') + "\n" + b + "\n" + a);
        ::chmod(list.c_str(), 0600);
        KnownFiles files(list);
        QVERIFY(files.contains(sample::digestOf("b")));
        QVERIFY(!files.contains(sample::digestOf("a"))); // no line of its own, or not ended
        ::chmod(list.c_str(), 0666);                     // anybody may have written it
        writeBytes(list, b + "\n");
        QVERIFY(!KnownFiles(list).contains(sample::digestOf("b")));
        const auto link = path("link");
        std::filesystem::create_symlink(list, link);
        ::chmod(list.c_str(), 0600);
        QVERIFY(!KnownFiles(link).contains(sample::digestOf("b")));
        KnownFiles(link).remember(sample::digestOf("c"));
        QCOMPARE(bytesOf(list), b + "\n");
    }

    void manyProcessesAddAtOnce() {
        const auto list = path("many");
        std::vector<pid_t> children;
        for (int i = 0; i < 4; ++i)
            if (const pid_t child = ::fork(); child == 0) {
                for (int k = 0; k < 50; ++k)
                    KnownFiles(list).remember(sample::digestOf(std::to_string(i) + "," + std::to_string(k)));
                ::_exit(0);
            } else
                children.push_back(child);
        for (const auto child : children)
            ::waitpid(child, nullptr, 0);
        KnownFiles files(list);
        for (int i = 0; i < 4; ++i)
            for (int k = 0; k < 50; ++k)
                QVERIFY(files.contains(sample::digestOf(std::to_string(i) + "," + std::to_string(k))));
    }

    void aThrowawayProcessEndsInEveryWay() {
        const int file = ::open(m_project.c_str(), O_RDONLY | O_CLOEXEC);
        const auto run = [&](const char* script, double seconds = 20) {
            return runThrowaway({"/bin/sh", "-c", script}, file, seconds, 100000);
        };
        using Kind = ThrowawayEnd::Kind;
        auto end = run("head -c 8 <&3; echo sorry >&2; exit 7");
        QVERIFY(end.kind == Kind::Exited && end.value == 7);
        QCOMPARE(end.output, std::string("AZIMUTH\n"));
        QCOMPARE(end.errors, std::string("sorry\n"));
        end = run("kill -SEGV $$");
        QVERIFY(end.kind == Kind::Signalled && end.value == SIGSEGV);
        QElapsedTimer timer;
        timer.start();
        QVERIFY(run("sleep 60", 0.3).kind == Kind::OutOfTime);
        QVERIFY(run("exec >&- 2>&-; sleep 60", 0.3).kind == Kind::OutOfTime); // silent, but there
        QVERIFY(run("while :; do echo flood; done").kind == Kind::TooMuchOutput);
        QVERIFY(timer.elapsed() < 10000);
        end = run("ls /proc/self/fd | tr '\\n' ' '"); // the last one is ls's own
        QCOMPARE(end.output, std::string("0 1 2 3 4 "));
        QCOMPARE(codeOf([&] { runThrowaway({"/no/such/program"}, file, 1, 10); }),
                 std::string("check.start"));
        QCOMPARE(codeOf([&] {
                     runThrowaway({"/bin/sleep", "60"}, file, 60, 10,
                                  [] { throw Error("cancelled", "Stopped.", ""); });
                 }),
                 std::string("cancelled"));
        QVERIFY(timer.elapsed() < 12000);
        ::close(file);
    }

    void whatWasWrittenHereNeedsNoChild() {
        int checks = 0;
        FileChecker::Options options;
        options.onCheck = [&](const std::string&) { ++checks; };
        FileChecker checker(options);
        const auto file = checker.admit(m_project, FileKind::Project);
        QVERIFY(!file.altered);
        QCOMPARE(text(sample::difference(openProject(m_project), openProject(file))), QString());
        QCOMPARE(checks, 0);
        QCOMPARE(codeOf([&] { checker.admit(m_project, FileKind::Shard); }), std::string("project.kind"));
    }

    void whatComesFromElsewhereIsCheckedOnce() {
        int checks = 0;
        FileChecker checker(elsewhere("once", &checks));
        const auto file = checker.admit(m_project, FileKind::Project);
        QCOMPARE(checks, 1);
        QCOMPARE(openProject(file).completions->size(), openProject(m_project).completions->size());
        FileChecker(elsewhere("once", &checks)).admit(m_project, FileKind::Project);
        QCOMPARE(checks, 1);
        const auto shard = path("shard.h5");
        publishShard(shard, sample::jobResult(), {});
        QCOMPARE(readShard(checker.admit(shard, FileKind::Shard)).completions.size(),
                 sample::jobResult().completions.size());
        QCOMPARE(checks, 2);
    }

    void hostileFilesAreRefusedByTheChild_data() {
        QTest::addColumn<int>("index");
        for (std::size_t i = 0; i < hostile::cases().size(); ++i)
            QTest::addRow("%s", hostile::cases()[i].name) << static_cast<int>(i);
    }
    void hostileFilesAreRefusedByTheChild() {
        QFETCH(int, index);
        const auto file = path("hostile.h5");
        hostile::makeChanged(m_project, file, hostile::cases()[static_cast<std::size_t>(index)].change);
        const auto before = bytesOf(file);
        FileChecker checker(elsewhere("hostile"));
        QElapsedTimer timer;
        timer.start();
        try {
            checker.admit(file, FileKind::Project);
            QFAIL("it was admitted");
        } catch (const Error& error) {
            QCOMPARE(text(error.code()), QStringLiteral("project.content"));
            QVERIFY2(error.message().starts_with(file), error.what());
            QVERIFY(!error.remedy().empty());
            for (const char c : error.message())
                QVERIFY(static_cast<unsigned char>(c) >= 0x20);
        }
        QVERIFY(timer.elapsed() < 10000);
        QVERIFY(bytesOf(file) == before);
    }

    void aChildThatDiesOrLiesIsOneError_data() {
        QTest::addColumn<QByteArray>("script");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* name, const char* script, const char* code, const char* words) {
            QTest::newRow(name) << QByteArray(script) << QString::fromLatin1(code)
                                << QString::fromLatin1(words);
        };
        row("crash", "kill -SEGV $$", "project.unsafe", "Segmentation fault");
        row("abort", "kill -ABRT $$", "project.unsafe", "Aborted");
        row("hang", "sleep 60", "project.unsafe", "did not end within 1 s");
        row("flood", "while :; do echo flood; done", "project.unsafe", "did not stop to report");
        row("silence", "exit 0", "project.unchecked", "gave no report (exit code 0)");
        row("no room", "exit 1", "project.unchecked", "gave no report (exit code 1)");
        row("nonsense", "echo '{\"sound\":1}'", "project.unchecked", "gave no report");
        row("another file", "echo '{\"problems\":[],\"sha256\":\"00\",\"sound\":true}'", "project.changing",
            "while it was checked");
        row("a problem", "echo '{\"problems\":[\"\\u001b[31mred\"],\"sha256\":\"\",\"sound\":false}'; exit 2",
            "project.content", "\\x1b[31mred");
        row("sound, but", "echo '{\"problems\":[],\"sha256\":\"\",\"sound\":true}'; exit 2",
            "project.content", "not sound");
        row("written to", "for last; do :; done; echo x >> \"$last\"; echo '{}'", "project.unchecked",
            "no report");
    }
    void aChildThatDiesOrLiesIsOneError() {
        QFETCH(QByteArray, script);
        QFETCH(QString, code);
        QFETCH(QString, words);
        const auto file = path("victim.h5");
        writeBytes(file, bytesOf(m_project));
        auto options = elsewhere("unsafe");
        options.program = program("program", script.constData());
        options.seconds = 1;
        FileChecker checker(options);
        try {
            checker.admit(file, FileKind::Project);
            QFAIL("it was admitted");
        } catch (const Error& error) {
            QCOMPARE(text(error.code()), code);
            QVERIFY2(text(error.message()).contains(words), error.what());
            QVERIFY(!error.remedy().empty());
        }
        QVERIFY(!KnownFiles(options.knownFiles).contains(readUserBlock(m_project).digest));
    }

    void whatIsWrittenToMeanwhileIsRefused() {
        const auto file = path("growing.h5");
        writeBytes(file, bytesOf(m_project));
        auto options = elsewhere("growing");
        const auto report = "'{\"problems\":[],\"sha256\":\"" + toHex(readUserBlock(m_project).digest) +
                            "\",\"sound\":true}'";
        options.program = program("honest", ("echo " + report).c_str());
        FileChecker(options).admit(file, FileKind::Project); // the report itself is believed
        options = elsewhere("growing2");
        options.program =
            program("writer", ("for last; do :; done; echo x >> \"$last\"; echo " + report).c_str());
        QCOMPARE(codeOf([&] { FileChecker(options).admit(file, FileKind::Project); }),
                 std::string("project.changing"));
        writeBytes(file, bytesOf(m_project));
        FileChecker known;
        const auto opened = known.admit(file, FileKind::Project);
        writeBytes(file, bytesOf(m_project) + "x");
        QCOMPARE(codeOf([&] { openProject(opened); }), std::string("project.changing"));
    }

    void withoutTheProgramNothingUnknownIsOpened() {
        auto options = elsewhere("missing");
        options.program = path("no-such-program");
        FileChecker checker(options);
        QCOMPARE(codeOf([&] { checker.admit(m_project, FileKind::Project); }),
                 std::string("project.unchecked"));
        auto stopped = elsewhere("stopped");
        stopped.program = program("slow", "sleep 60");
        stopped.keepGoing = [] { throw Error("cancelled", "Stopped.", ""); };
        QCOMPARE(codeOf([&] { FileChecker(stopped).admit(m_project, FileKind::Project); }),
                 std::string("cancelled"));
    }

    void anotherProgramsChangeIsTakenOnTheUsersWord() {
        const auto file = path("altered.h5");
        writeBytes(file, bytesOf(m_project));
        changeInPlace(file, setLabels);
        const auto altered = bytesOf(file);
        int checks = 0;
        FileChecker checker(elsewhere("altered", &checks));
        QCOMPARE(codeOf([&] { checker.admit(file, FileKind::Project); }), std::string("project.altered"));
        QVERIFY(messageOf([&] { checker.admit(file, FileKind::Project); }).find("generation 2") !=
                std::string::npos);
        const auto taken = checker.admitAltered(file);
        QVERIFY(taken.altered);
        auto view = openProject(taken);
        for (const auto& label : view.labels)
            QVERIFY(label->behaves);
        QCOMPARE(checks, 3); // each time anew: nothing about it is remembered
        QVERIFY(bytesOf(file) == altered);
        const auto saved = saveOverAltered(file, view, taken);
        QCOMPARE(saved.generation, 3u);
        QVERIFY(!checker.admit(file, FileKind::Project).altered);
        QCOMPARE(openProject(file).labels.size(), view.labels.size());
        int aside = 0;
        for (const auto& entry : std::filesystem::directory_iterator(sideFolder(file).previous))
            if (entry.path().filename().string().find(".changed-") != std::string::npos) {
                ++aside;
                QVERIFY(bytesOf(entry.path().string()) == altered);
            }
        QCOMPARE(aside, 1);
        QVERIFY(earlierGenerations(file).empty());
        QCOMPARE(codeOf([&] { saveOverAltered(file, view, taken); }),
                 std::string("project.changed")); // another file by now
    }

    void aGrownFileCanBeAnothersChangeToo() {
        const auto file = path("grown.h5");
        writeBytes(file, bytesOf(m_project));
        changeInPlace(file, [](hid_t id) {
            const std::vector<double> values(sample::fullView().labels.size(), 0.5);
            hostile::replace(id, "/labels/confidence", H5T_IEEE_F64LE, {values.size()}, values.data());
        });
        QVERIFY(bytesOf(file).size() != bytesOf(m_project).size());
        FileChecker checker;
        QCOMPARE(codeOf([&] { checker.admit(file, FileKind::Project); }), std::string("project.altered"));
        const auto taken = checker.admitAltered(file);
        const auto view = openProject(taken);
        QCOMPARE(view.labels.size(), sample::fullView().labels.size());
        QVERIFY(!checker.admitAltered(m_project).altered);
        saveOverAltered(file, view, taken);
        QVERIFY(!checker.admit(file, FileKind::Project).altered);
        const auto found = validateFile(file);
        QVERIFY(found.sound());
        QVERIFY(std::any_of(found.findings.begin(), found.findings.end(), // what was added goes along
                            [](const Finding& one) { return one.place == "/labels/confidence"; }));
    }

    void damageIsNoChange() {
        const auto file = path("damaged.h5");
        auto bytes = bytesOf(m_project);
        const auto place = bytes.find("OHDR", 3000) + 8; // in a structure that has a checksum
        bytes[place] = static_cast<char>(bytes[place] ^ 4);
        writeBytes(file, bytes);
        FileChecker checker;
        QCOMPARE(codeOf([&] { checker.admit(file, FileKind::Project); }), std::string("project.damaged"));
        QVERIFY(codeOf([&] { checker.admitAltered(file); }) != "nothing was thrown");
        writeBytes(file, bytesOf(m_project).substr(0, 5000));
        QCOMPARE(codeOf([&] { checker.admit(file, FileKind::Project); }), std::string("project.truncated"));
        writeBytes(file, bytesOf(m_project) + "tail");
        QCOMPARE(codeOf([&] { checker.admit(file, FileKind::Project); }), std::string("project.altered"));
    }
};

QTEST_GUILESS_MAIN(FileCheckerTest)
#include "file_checker_test.moc"
