#include "core/project/side_folder.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>

namespace azimuth {
namespace fs = std::filesystem;

SideFolder sideFolder(const std::string& projectPath) {
    std::error_code ignored;
    auto path = projectPath;
    if (fs::is_symlink(path, ignored)) {
        const auto real = fs::weakly_canonical(path, ignored);
        if (!ignored)
            path = real.string();
    }
    const auto root = path + ".d";
    return {root,
            root + "/shards",
            root + "/blobs",
            root + "/jobs",
            root + "/cache",
            root + "/prev",
            root + "/tmp",
            path};
}

std::vector<fs::directory_entry> entriesOf(const std::string& folder) {
    std::vector<fs::directory_entry> entries;
    std::error_code failure;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure))
        entries.push_back(*it);
    if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory)
        throw systemError("read", folder, failure.value());
    std::sort(entries.begin(), entries.end());
    return entries;
}

bool mayBeFile(const fs::directory_entry& entry) {
    std::error_code failure;
    return entry.is_regular_file(failure) || (failure && failure != std::errc::no_such_file_or_directory);
}

void ensureFolder(const std::string& folder) {
    constexpr std::uint64_t oneFolder = 4096; // bytes that a new one takes
    std::error_code failure;
    if (folder.empty() || fs::is_directory(folder, failure))
        return;
    const auto parent = fs::path(folder).parent_path().string();
    ensureFolder(parent);
    // Another process may have made it meanwhile, and not synced it yet.
    if (!fs::create_directory(folder, failure) && failure)
        throw failure == std::errc::no_space_on_device ? writeError(folder, oneFolder, failure.value())
                                                       : systemError("create", folder, failure.value());
    try {
        syncFolder(parent.empty() ? "." : parent);
    } catch (const Error&) {
        fs::remove(folder, failure); // the next attempt syncs it
        throw;
    }
}

namespace {

void removeFiles(const std::string& folder, const std::function<bool(const fs::directory_entry&)>& unwanted) {
    std::error_code failure, ignored;
    std::vector<fs::path> found;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure))
        if (it->is_regular_file(ignored) && !it->is_symlink(ignored) && unwanted(*it))
            found.push_back(it->path());
    for (const auto& path : found)
        fs::remove(path, ignored);
}

// By the clock of the file system, which may be another machine's: who asks has just written its lock.
fs::file_time_type timeThere(const std::string& projectPath) {
    auto latest = fs::file_time_type::min();
    for (const char* ending : {".lock", ".owner"}) {
        std::error_code unknown;
        if (const auto written = fs::last_write_time(projectPath + ending, unknown); !unknown)
            latest = std::max(latest, written);
    }
    return latest;
}

} // namespace

void removeLeftovers(const std::string& projectPath, const std::vector<std::string>& except) {
    const auto side = sideFolder(projectPath);
    const auto project = fs::path(side.project);
    const auto goes = [&](const fs::directory_entry& file) {
        return std::ranges::find(except, file.path().string()) == except.end();
    };
    const auto isOld = [now = timeThere(project.string())](const fs::directory_entry& file) {
        std::error_code unknown;
        const auto written = file.last_write_time(unknown);
        return !unknown && now > written && now - written > std::chrono::minutes(1);
    };
    removeFiles(side.temporary, goes);
    for (const auto& folder : {side.shards, side.blobs, side.jobs, side.cache, side.previous})
        removeFiles(folder, [&](const fs::directory_entry& file) {
            return AtomicFile::isTemporaryName(file.path().filename().string()) && isOld(file);
        });
    removeFiles(project.has_parent_path() ? project.parent_path().string() : ".",
                [&, name = project.filename().string()](const fs::directory_entry& file) {
                    return AtomicFile::isTemporaryName(file.path().filename().string(), name) &&
                           isOld(file) && goes(file);
                });
}

std::vector<std::string> shardFiles(const std::string& projectPath) {
    std::vector<std::string> files;
    for (const auto& entry : entriesOf(sideFolder(projectPath).shards))
        if (entry.path().filename().string().front() != '.' && entry.path().extension() == ".h5" &&
            mayBeFile(entry))
            files.push_back(entry.path().string());
    return files;
}

} // namespace azimuth
