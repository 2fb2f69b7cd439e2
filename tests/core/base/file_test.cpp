// Errors, digests (FIPS 180-4's vectors), arrays, ids, the log, and what AtomicFile leaves behind.
#include "core/base/array.h"
#include "core/base/atomic_file.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "tests/core/checks.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <set>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace azimuth;
using namespace azimuth::checks;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t plenty = std::uint64_t{1} << 30;

mode_t modeOf(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::size_t entries(const std::string& folder) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder))
        ++count;
    return count;
}

// Lets no file of this process grow beyond some bytes, so that writing fails as on a full disk.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) : m_handler(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &m_before);
        const rlimit limit{bytes, m_before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &m_before);
        std::signal(SIGXFSZ, m_handler);
    }

private:
    rlimit m_before{};
    void (*m_handler)(int);
};

} // namespace

class FileTest : public QObject {
    Q_OBJECT
    std::unique_ptr<QTemporaryDir> m_folder;
    std::string m_path;

private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_path = m_folder->filePath(QStringLiteral("target.bin")).toStdString();
    }

    void errors() {
        const Error error("file.write", "A could not be written.", "Free space.", "line");
        QCOMPARE(std::string(error.what()), std::string("A could not be written. Free space."));
        QCOMPARE(error.within("study.h5").message(), std::string("study.h5: A could not be written."));
        QCOMPARE(error.within("study.h5").code(), std::string("file.write"));
        const auto joined = joinErrors("json.content", {"one", "two", "three"}, "Mend.");
        QCOMPARE(joined.message(), std::string("one (and 2 more)"));
        QCOMPARE(joined.detail(), std::string("one\ntwo\nthree\n"));
        const auto full = systemError("write", "/a/b", ENOSPC);
        QCOMPARE(full.code(), std::string("file.write"));
        QVERIFY(full.message().find("/a/b") == 0 && full.remedy().find("space") != std::string::npos);
    }

    void digests() {
        QCOMPARE(toHex(sha256("")),
                 std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        QCOMPARE(toHex(sha256("abc")),
                 std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        QCOMPARE(toHex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                 std::string("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
        const std::string million(1000000, 'a');
        const std::string ofMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        QCOMPARE(toHex(sha256(million)), ofMillion);
        Sha256 pieces;
        for (std::size_t at = 0, size = 1; at < million.size(); at += size, size = size * 3 % 9973 + 1)
            pieces.update(std::string_view(million).substr(at, size));
        QCOMPARE(toHex(pieces.finish()), ofMillion);
        writeFileAtomically(m_path, "xyz" + million);
        QCOMPARE(toHex(sha256File(m_path, 3)), ofMillion);
        QCOMPARE(toHex(sha256File(m_path, 2000000)), toHex(sha256("")));
        QCOMPARE(codeOf([&] { sha256File(m_path, 0, [](auto, auto) { return false; }); }),
                 std::string("cancelled"));
        QCOMPARE(codeOf([&] { sha256File(m_path + ".none"); }), std::string("file.open"));
    }

    void hexadecimal() {
        const auto digest = sha256("abc");
        QVERIFY(digestFromHex(toHex(digest)) == digest);
        for (const auto& text : {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'),
                                 std::string(64, 'A'), std::string()})
            QCOMPARE(codeOf([&] { digestFromHex(text); }), std::string("digest.syntax"));
    }

    void arrays() {
        const ArrayF array({2, 3}, {0, 1, 2, 3, 4, 5});
        QCOMPARE(array.at(1, 2), 5.0f);
        QCOMPARE(array.extent(1), std::int64_t{3});
        QVERIFY(ArrayF().empty());
        QCOMPARE(ArrayF({0, 3}, {}).size(), std::size_t{0});
        QCOMPARE(codeOf([] { ArrayF({2, 3}, {1, 2}); }), std::string("array.shape"));
        QCOMPARE(codeOf([] { ArrayF({-1, -2}, {1, 2}); }), std::string("array.shape"));
        QCOMPARE(codeOf([] { ArrayF({INT64_MAX, 4}, {}); }), std::string("array.shape"));
        QCOMPARE(codeOf([&] { array.at(0, 3); }), std::string("array.index")); // not the next row's
        QCOMPARE(codeOf([&] { array.at(2, 0); }), std::string("array.index"));
        QCOMPARE(codeOf([&] { array.at(0, -1); }), std::string("array.index"));
        QCOMPARE(codeOf([&] { array.at(0); }), std::string("array.index"));
        const auto copy = array;
        QVERIFY(copy.data() == array.data());
    }

    void ids() {
        std::set<std::string> seen;
        for (int i = 0; i < 1000; ++i) {
            const auto id = newUuid();
            QCOMPARE(id.size(), std::size_t{36});
            QVERIFY(id[14] == '4' && std::string("89ab").find(id[19]) != std::string::npos);
            QVERIFY(seen.insert(id).second);
        }
    }

    void publishes() {
        {
            AtomicFile file(m_path);
            file.write("hello ");
            file.write("world");
            const std::string five = "W";
            file.writeAt(6, std::as_bytes(std::span(five.data(), five.size())));
            QVERIFY(!fs::exists(m_path)); // nobody sees it yet
            file.publish();
        }
        QCOMPARE(readFile(m_path, plenty), std::string("hello World"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{1});
        const auto before = ::umask(022);
        ::umask(before);
        QCOMPARE(modeOf(m_path), mode_t{0644} & ~before);
    }

    void leavesNothingUnpublished() {
        writeFileAtomically(m_path, "old");
        {
            AtomicFile file(m_path);
            file.write("new");
        }
        QCOMPARE(readFile(m_path, plenty), std::string("old"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{1});
    }

    void fenceRefuses() {
        writeFileAtomically(m_path, "old");
        AtomicFile::Options options;
        options.fence = [] { throw Error("project.fence", "Another program saved.", ""); };
        {
            AtomicFile file(m_path, options);
            file.write("new");
            QCOMPARE(codeOf([&] { file.publish(); }), std::string("project.fence"));
        }
        QCOMPARE(readFile(m_path, plenty), std::string("old"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{1});
    }

    // Another program comes between the fence's look and the replacement.
    void nothingUnseenIsReplaced() {
        const auto folder = m_folder->path().toStdString();
        const auto publishing = [&](const std::function<void()>& meanwhile) {
            AtomicFile::Options options;
            options.fence = meanwhile;
            AtomicFile file(m_path, options);
            file.write("new");
            return codeOf([&] { file.publish(); });
        };
        const std::string changed = "file.changed", none = "nothing was thrown";
        QCOMPARE(publishing([&] { writeFileAtomically(m_path, "theirs"); }), changed); // there was none
        QCOMPARE(readFile(m_path, plenty), std::string("theirs"));
        QCOMPARE(publishing([&] { writeFileAtomically(m_path, "theirs too"); }), changed);
        QCOMPARE(readFile(m_path, plenty), std::string("theirs too"));
        QCOMPARE(publishing([&] { std::ofstream(m_path, std::ios::app) << "!"; }), changed);
        QCOMPARE(readFile(m_path, plenty), std::string("theirs too!"));
        QCOMPARE(publishing([&] { fs::remove(m_path); }), changed);
        QCOMPARE(entries(folder), std::size_t{0});
        QCOMPARE(publishing([] {}), none);
        QCOMPARE(publishing([&] { fs::create_hard_link(m_path, m_path + ".kept"); }), none);
        QCOMPARE(readFile(m_path, plenty), std::string("new"));
        QCOMPARE(entries(folder), std::size_t{2});
        fs::remove(m_path);
        fs::create_directory(m_path);
        QCOMPARE(publishing([] {}), std::string("file.replace"));
        QVERIFY(fs::is_directory(m_path));
        QCOMPARE(entries(folder), std::size_t{2});
    }

    void keepsPermissions() {
        writeFileAtomically(m_path, "old");
        for (const mode_t mode : {mode_t{0600}, mode_t{0664}, mode_t{0666}}) {
            QCOMPARE(::chmod(m_path.c_str(), mode), 0);
            writeFileAtomically(m_path, "new");
            QCOMPARE(modeOf(m_path), mode);
        }
    }

    void keepsSymbolicLinks() {
        const auto link = m_folder->filePath(QStringLiteral("link")).toStdString();
        fs::create_symlink("target.bin", link);
        writeFileAtomically(link, "through a dangling link");
        QVERIFY(fs::is_symlink(link));
        QCOMPARE(readFile(m_path, plenty), std::string("through a dangling link"));
        writeFileAtomically(link, "again");
        QVERIFY(fs::is_symlink(link) && !fs::is_symlink(m_path));
        QCOMPARE(readFile(m_path, plenty), std::string("again"));
    }

    void otherTemporaryFolder() {
        const auto side = m_folder->filePath(QStringLiteral("side")).toStdString();
        fs::create_directory(side);
        AtomicFile::Options options;
        options.temporaryFolder = side;
        AtomicFile file(m_path, options);
        QCOMPARE(fs::path(file.temporaryPath()).parent_path().string(), side);
        file.write("x");
        file.publish();
        QCOMPARE(readFile(m_path, plenty), std::string("x"));
        QCOMPARE(entries(side), std::size_t{0});
    }

    void failures() {
        QCOMPARE(codeOf([&] { AtomicFile(m_folder->path().toStdString() + "/none/a"); }),
                 std::string("file.create"));
        AtomicFile::Options options;
        options.expectedBytes = std::uint64_t{1} << 60;
        QCOMPARE(codeOf([&] { AtomicFile(m_path, options); }), std::string("file.space"));
        options.expectedBytes = UINT64_MAX; // a lying size must not wrap round
        QCOMPARE(codeOf([&] { AtomicFile(m_path, options); }), std::string("file.space"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{0});
        // A folder stands where the file shall be.
        fs::create_directory(m_path);
        QCOMPARE(codeOf([&] { writeFileAtomically(m_path, "x"); }), std::string("file.replace"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{1});
    }

    void writingFailsHalfway() {
        writeFileAtomically(m_path, "old");
        {
            const FileSizeLimit limit(4096);
            QCOMPARE(codeOf([&] { writeFileAtomically(m_path, std::string(10000, 'x')); }),
                     std::string("file.write"));
        }
        QCOMPARE(readFile(m_path, plenty), std::string("old"));
        QCOMPARE(entries(m_folder->path().toStdString()), std::size_t{1});
    }

    void reading() {
        writeFileAtomically(m_path, std::string("a\0b", 3));
        QCOMPARE(readFile(m_path, 3), std::string("a\0b", 3));
        QCOMPARE(codeOf([&] { readFile(m_path, 2); }), std::string("file.size"));
        QCOMPARE(codeOf([&] { readFile(m_path + ".none", 3); }), std::string("file.open"));
        QCOMPARE(codeOf([&] { readFile(m_folder->path().toStdString(), 3); }), std::string("file.read"));
        QVERIFY(freeBytes(m_folder->path().toStdString()) > 0);
        QCOMPARE(codeOf([&] { syncFolder(m_path); }), std::string("file.open"));
    }

    void logging() {
        std::vector<std::string> seen;
        log::setSink([&](log::Level, const std::string& text) {
            seen.push_back(text);
            if (text == "outer")
                log::warning("inner"); // a receiver may log
        });
        log::debug("below the threshold");
        log::info("outer");
        log::toFile(m_path);
        log::failure("with {braces} and %d");
        log::setSink({});
        log::info("nobody listens");
        QCOMPARE(seen, (std::vector<std::string>{"outer", "inner", "with {braces} and %d"}));
        const auto text = readFile(m_path, plenty);
        QVERIFY(text.find("with {braces} and %d") != std::string::npos &&
                text.find("outer") == std::string::npos);
        QCOMPARE(codeOf([&] { log::toFile("/proc/nowhere/a.log"); }), std::string("log.file"));
    }
};

QTEST_APPLESS_MAIN(FileTest)
#include "file_test.moc"
