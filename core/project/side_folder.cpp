#include "core/project/side_folder.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <filesystem>

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
    return {root,           root + "/shards", root + "/blobs", root + "/jobs", root + "/cache",
            root + "/prev", root + "/tmp"};
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

void emptyTemporary(const std::string& projectPath) {
    std::error_code failure, ignored;
    for (fs::directory_iterator it(sideFolder(projectPath).temporary, failure), end; !failure && it != end;
         it.increment(failure))
        if (it->is_regular_file(ignored))
            fs::remove(it->path(), ignored);
}

std::vector<std::string> shardFiles(const std::string& projectPath) {
    std::vector<std::string> files;
    std::error_code failure;
    for (fs::directory_iterator it(sideFolder(projectPath).shards, failure), end; !failure && it != end;
         it.increment(failure)) {
        const auto name = it->path().filename().string();
        std::error_code unknown;
        if (name.front() != '.' && it->path().extension() == ".h5" && it->is_regular_file(unknown))
            files.push_back(it->path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace azimuth
