// A disk that is full at any point: one Error, the earlier generation as it was, nothing left behind, the
// process alive to its end.
#include "core/project/content_writer.h"
#include "core/project/project.h"
#include "core/project/shard.h"

#include "tests/core/project/child_process.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <fstream>
#include <hdf5.h>
#include <QtTest>
#include <sched.h>
#include <sys/mount.h>

using namespace azimuth;

namespace {

std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

constexpr int refused = 3, fitted = 0, wrongError = 4, cannotMount = 9;

// A file system of this child only.
bool mountSmall(const std::string& folder, const char* size) {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size) == 0;
}

// Exit code: refused when the one expected error came, also after HDF5 is closed down as at the end of a
// program.
int saveInto(const std::function<void()>& save, const std::string& errorText,
             const std::string& errorCode = "file.write") {
    int code = fitted;
    try {
        save();
    } catch (const Error& error) {
        code = error.code() == errorCode && error.message().find(errorText) != std::string::npos ? refused
                                                                                                 : wrongError;
        if (code == wrongError)
            qWarning("%s: %s", error.code().c_str(), error.what());
    }
    H5close();
    return code;
}

} // namespace

class DiskFullTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

private Q_SLOTS:
    void saveMeetsALimitAtEveryBudget();
    void shardMeetsALimitAtEveryBudget();
    void realFullFileSystem();
    void tooLittleSpaceIsSaidBefore();
};

void DiskFullTest::saveMeetsALimitAtEveryBudget() {
    const auto file = path("project.h5");
    auto view = sample::fullView();
    view.uuid = createProject(file, *view.study).uuid;
    const auto before = bytesOf(file);
    const auto whole = path("whole.h5");
    saveProjectAs(whole, view, file);
    const auto size = std::filesystem::file_size(whole);
    int refusals = 0;
    constexpr int budgets = 60;
    for (int i = 0; i < budgets; ++i) {
        const ChildLimits limits{static_cast<rlim_t>(size * i / budgets), RLIM_INFINITY, 20};
        const auto outcome =
            inChild(limits, [&] { return saveInto([&] { saveProject(file, view); }, "File too large"); });
        QCOMPARE(QString::fromStdString(outcome), QString::number(refused));
        ++refusals;
        QVERIFY(bytesOf(file) == before);
        QVERIFY(std::filesystem::is_empty(sideFolder(file).temporary));
    }
    QCOMPARE(refusals, budgets);
    const ChildLimits enough{static_cast<rlim_t>(size * 2), RLIM_INFINITY, 20};
    QCOMPARE(QString::fromStdString(
                 inChild(enough, [&] { return saveInto([&] { saveProject(file, view); }, ""); })),
             QString::number(fitted));
    QCOMPARE(openProject(file).generation, 2u);
}

void DiskFullTest::shardMeetsALimitAtEveryBudget() {
    const auto file = path("shard.h5"), whole = path("whole-shard.h5");
    publishShard(whole, sample::jobResult(), {});
    const auto size = std::filesystem::file_size(whole);
    for (int i = 0; i < 30; ++i) {
        const ChildLimits limits{static_cast<rlim_t>(size * i / 30), RLIM_INFINITY, 20};
        const auto outcome = inChild(limits, [&] {
            return saveInto([&] { publishShard(file, sample::jobResult(), {}); }, "File too large");
        });
        QCOMPARE(QString::fromStdString(outcome), QString::number(refused));
        QVERIFY(!std::filesystem::exists(file));
    }
}

void DiskFullTest::realFullFileSystem() {
    const auto mountPoint = path("mounted");
    std::filesystem::create_directories(mountPoint);
    auto result = sample::jobResult();
    result.completions = sample::completions(4000, 32, 100); // about 600 KB
    for (const char* size : {"size=8k", "size=64k", "size=200k", "size=400k", "size=8m"}) {
        const auto outcome = inChild({}, [&] {
            if (!mountSmall(mountPoint, size))
                return cannotMount;
            const auto save = [&] { // without the check of free space, which would say it before
                h5::H5Publication::Options options;
                options.block.kind = FileKind::Shard;
                h5::H5Publication file(mountPoint + "/shard.h5", options);
                h5::writeRootAttributes(file, FileKind::Shard, {});
                h5::writeJobResult(file, result);
                file.publish();
            };
            const int code = saveInto(save, "No space left on device; it needs ", "file.space");
            return std::filesystem::is_empty(mountPoint) == (code == refused) ? code : wrongError;
        });
        if (outcome == std::to_string(cannotMount))
            QSKIP("no permission to mount a small file system here");
        const bool fits = std::string(size) == "size=8m";
        QCOMPARE(QString::fromStdString(outcome), QString::number(fits ? fitted : refused));
    }
}

void DiskFullTest::tooLittleSpaceIsSaidBefore() {
    const auto mountPoint = path("small");
    std::filesystem::create_directories(mountPoint);
    const auto outcome = inChild({}, [&] {
        if (!mountSmall(mountPoint, "size=8m"))
            return cannotMount;
        try {
            createProject(mountPoint + "/project.h5", sample::study());
        } catch (const Error& error) {
            return error.code() == "file.space" ? refused : wrongError;
        }
        return fitted;
    });
    if (outcome == std::to_string(cannotMount))
        QSKIP("no permission to mount a small file system here");
    QCOMPARE(QString::fromStdString(outcome), QString::number(refused));
}

QTEST_GUILESS_MAIN(DiskFullTest)
#include "disk_full_test.moc"
