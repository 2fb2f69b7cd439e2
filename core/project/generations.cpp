#include "core/project/generations.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/time.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace azimuth {
namespace {
namespace fs = std::filesystem;

std::string stemOf(const std::string& projectPath) { return fs::path(projectPath).stem().string(); }

// A name that is not taken: stem, the ending; or with -2, -3 ... between them.
std::string freeName(const std::string& stem, const std::string& ending) {
    auto place = stem + ending;
    std::error_code unknown; // then the name is tried, and refused with the reason
    for (int i = 2; fs::exists(fs::symlink_status(place, unknown)); ++i)
        place = stem + "-" + std::to_string(i) + ending;
    return place;
}

// A new name in prev/ for a file that is no generation to go back to: <name>.<word>-<time>.
std::string asidePlace(const std::string& projectPath, const std::string& word) {
    const auto folder = sideFolder(projectPath).previous;
    ensureFolder(folder);
    auto time = utcNow();
    std::erase(time, ':');
    return freeName(folder + "/" + stemOf(projectPath) + "." + word + "-" + time, "");
}

std::string keptShardFolder(const std::string& projectPath) {
    return sideFolder(projectPath).previous + "/shards";
}

struct KeptShard { // of one project: Save As may have put another one under the name
    std::string path, name;
    std::uint64_t generation = 0; // the first that holds it
};

std::vector<KeptShard> keptShards(const std::string& projectPath, const std::string& uuid) {
    std::vector<KeptShard> found;
    std::error_code failure;
    for (fs::directory_iterator it(keptShardFolder(projectPath), failure), end; !failure && it != end;
         it.increment(failure)) {
        const auto name = it->path().filename().string();
        std::uint64_t generation = 0;
        const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), generation);
        if (problem != std::errc() || *rest != '-' || it->path().extension() != ".h5")
            continue;
        try {
            if (readUserBlock(it->path().string()).project == uuid)
                found.push_back({it->path().string(), std::string(rest + 1), generation});
        } catch (const Error&) { // nothing that could be merged again
        }
    }
    return found;
}

void moveFile(const std::string& from, const std::string& to) {
    std::error_code stays;
    fs::rename(from, to, stays);
}

bool lacksLinks(int reason) {
    return reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS || reason == EMLINK || reason == EXDEV;
}

} // namespace

std::vector<EarlierGeneration> earlierGenerations(const std::string& projectPath, const std::string& uuid) {
    std::vector<EarlierGeneration> found;
    std::error_code failure;
    for (fs::directory_iterator it(sideFolder(projectPath).previous, failure), end; !failure && it != end;
         it.increment(failure)) {
        const auto path = it->path().string();
        if (it->path().extension() != ".h5" || it->path().filename().string().front() == '.')
            continue;
        try {
            const auto block = readUserBlock(path);
            if (block.kind == FileKind::Project && (uuid.empty() || block.project == uuid))
                found.push_back({path, block});
        } catch (const Error&) { // no project, or a damaged one: nothing to go back to
        }
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.block.generation != b.block.generation ? a.block.generation > b.block.generation
                                                        : a.block.saved > b.block.saved;
    });
    return found;
}

namespace {

// Whether a file is one of the generations in prev/.
bool isKept(const std::string& projectPath, const std::string& path) {
    std::string uuid;
    try {
        uuid = readUserBlock(path).file;
    } catch (const Error&) { // no project
        return false;
    }
    const auto kept = earlierGenerations(projectPath);
    return std::any_of(kept.begin(), kept.end(), [&](const auto& one) { return one.block.file == uuid; });
}

} // namespace

void keepGeneration(const std::string& projectPath, const UserBlock& block) {
    const auto folder = sideFolder(projectPath).previous;
    ensureFolder(folder);
    const auto place = folder + "/" + stemOf(projectPath) + "." + std::to_string(block.generation) + ".h5";
    if (::linkat(AT_FDCWD, projectPath.c_str(), AT_FDCWD, place.c_str(), AT_SYMLINK_FOLLOW) == 0)
        return syncFolder(folder);
    if (errno == EEXIST) { // a save that was cut off behind the link, or another history with the same number
        bool same = false;
        try {
            same = readUserBlock(place).file == block.file;
        } catch (const Error&) {
        }
        if (same)
            return syncFolder(folder);
        const auto aside =
            freeName(folder + "/" + stemOf(projectPath) + "." + std::to_string(block.generation) + "." +
                         std::to_string(static_cast<long long>(unixSeconds())),
                     ".h5");
        if (std::rename(place.c_str(), aside.c_str()) != 0)
            throw systemError("move", place, errno);
        return keepGeneration(projectPath, block);
    }
    if (!lacksLinks(errno))
        throw systemError("keep", place, errno);
    copyFileAtomically(projectPath, place);
}

void pruneGenerations(const std::string& projectPath, const std::string& uuid) {
    std::size_t kept = 0;
    for (const auto& earlier : earlierGenerations(projectPath, uuid)) {
        if (earlier.block.formatVersion < formatVersion)
            continue;
        if (++kept > keptGenerations)
            ::unlink(earlier.path.c_str());
    }
}

void keepShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation,
                const std::vector<std::string>& shards) {
    try {
        if (!shards.empty())
            ensureFolder(keptShardFolder(projectPath));
        for (const auto& shard : shards)
            moveFile(shard, keptShardFolder(projectPath) + "/" + std::to_string(generation) + "-" +
                                fs::path(shard).filename().string());
    } catch (const Error&) { // a folder that cannot be made: they stay
    }
    auto oldest = generation;
    for (const auto& earlier : earlierGenerations(projectPath, uuid))
        if (earlier.block.formatVersion >= formatVersion)
            oldest = std::min(oldest, earlier.block.generation);
    for (const auto& kept : keptShards(projectPath, uuid))
        if (kept.generation <= oldest)
            ::unlink(kept.path.c_str());
}

void returnShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation) {
    const auto folder = sideFolder(projectPath).shards;
    try {
        ensureFolder(folder);
    } catch (const Error&) {
        return;
    }
    for (const auto& kept : keptShards(projectPath, uuid))
        if (kept.generation > generation)
            moveFile(kept.path, folder + "/" + kept.name);
}

std::vector<std::string> keepReplaced(const std::string& projectPath) {
    std::vector<std::string> places;
    const auto name = fs::path(projectPath).filename().string();
    std::error_code failure;
    for (fs::directory_iterator it(sideFolder(projectPath).temporary, failure), end; !failure && it != end;
         it.increment(failure)) {
        const auto found = it->path().filename().string();
        if (!AtomicFile::isTemporaryName(found, name))
            continue;
        try {
            const auto published = readUserBlock(projectPath).file; // in the temporary file's name
            if (found != "." + name + "." + published + ".tmp" || isKept(projectPath, it->path().string()))
                continue;
            const auto place = asidePlace(projectPath, "replaced");
            if (std::rename(it->path().c_str(), place.c_str()) != 0)
                continue;
            syncFolder(fs::path(place).parent_path().string());
            places.push_back(place);
        } catch (const Error&) { // a file that cannot be read is opened by nobody, a folder made next time
        }
    }
    return places;
}

std::string keepAside(const std::string& projectPath, const std::string& word) {
    const auto place = asidePlace(projectPath, word);
    if (::linkat(AT_FDCWD, projectPath.c_str(), AT_FDCWD, place.c_str(), AT_SYMLINK_FOLLOW) == 0) {
        syncFolder(fs::path(place).parent_path().string());
        return place;
    }
    if (!lacksLinks(errno))
        throw systemError("keep", place, errno);
    copyFileAtomically(projectPath, place);
    return place;
}

} // namespace azimuth
