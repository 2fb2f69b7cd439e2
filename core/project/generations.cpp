#include "core/project/generations.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/time.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <optional>
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
    for (const auto& entry : entriesOf(keptShardFolder(projectPath))) {
        const auto name = entry.path().filename().string();
        std::uint64_t generation = 0;
        const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), generation);
        if (problem != std::errc() || *rest != '-' || entry.path().extension() != ".h5" || !mayBeFile(entry))
            continue;
        try {
            if (readUserBlock(entry.path().string()).project == uuid)
                found.push_back({entry.path().string(), std::string(rest + 1), generation});
        } catch (const Error& error) {
            if (error.code().starts_with("file."))
                throw; // else it is nothing that could be merged again
        }
    }
    return found;
}

bool lacksLinks(int reason) {
    return reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS || reason == EMLINK || reason == EXDEV;
}

} // namespace

std::vector<EarlierGeneration> earlierGenerations(const std::string& projectPath, const std::string& uuid,
                                                  std::vector<std::string>* unreadable) {
    std::vector<EarlierGeneration> found;
    for (const auto& entry : entriesOf(sideFolder(projectPath).previous)) {
        const auto path = entry.path().string();
        if (entry.path().extension() != ".h5" || entry.path().filename().string().front() == '.' ||
            !mayBeFile(entry))
            continue;
        try {
            const auto block = readUserBlock(path);
            if (block.kind == FileKind::Project && (uuid.empty() || block.project == uuid))
                found.push_back({path, block});
        } catch (const Error& error) { // no project, or a damaged one: nothing to go back to
            if (unreadable && error.code().starts_with("file."))
                unreadable->push_back(path);
        }
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.block.generation != b.block.generation ? a.block.generation > b.block.generation
                                                        : a.block.saved > b.block.saved;
    });
    return found;
}

namespace {

// Whether prev/ has the content of a file: the same file, or a copy where there are no links.
bool isKept(const std::string& previous, const std::string& path) {
    std::error_code unknown;
    const auto bytes = fs::file_size(path, unknown);
    std::optional<Digest> digest;
    for (const auto& entry : entriesOf(previous)) {
        if (!entry.is_regular_file(unknown) || entry.file_size(unknown) != bytes || unknown)
            continue;
        if (fs::equivalent(entry.path(), path, unknown))
            return true;
        if (!digest)
            digest = sha256File(path);
        if (sha256File(entry.path().string()) == *digest)
            return true;
    }
    return false;
}

// A copy if it lies on another file system; then it stays too, and is known as kept.
void moveAside(const std::string& from, const std::string& place) {
    if (std::rename(from.c_str(), place.c_str()) == 0) {
        try {
            syncFolder(fs::path(place).parent_path().string());
        } catch (const Error&) { // after a power cut it may be where it was
        }
        return;
    }
    if (errno != EXDEV)
        throw systemError("move", from, errno);
    copyFileAtomically(from, place);
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
    try {
        for (const auto& earlier : earlierGenerations(projectPath, uuid)) {
            if (earlier.block.formatVersion < formatVersion)
                continue;
            if (++kept > keptGenerations)
                ::unlink(earlier.path.c_str());
        }
    } catch (const Error&) { // the next save finds them
    }
}

void keepShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation,
                const std::vector<std::string>& shards) {
    try {
        std::error_code stays;
        if (!shards.empty())
            ensureFolder(keptShardFolder(projectPath));
        for (const auto& shard : shards)
            fs::rename(shard,
                       keptShardFolder(projectPath) + "/" + std::to_string(generation) + "-" +
                           fs::path(shard).filename().string(),
                       stays);
    } catch (const Error&) { // a folder that cannot be made: they stay
    }
    try {
        auto oldest = generation;
        std::vector<std::string> unreadable; // one of them may be older
        for (const auto& earlier : earlierGenerations(projectPath, uuid, &unreadable))
            if (earlier.block.formatVersion >= formatVersion)
                oldest = std::min(oldest, earlier.block.generation);
        for (const auto& kept : keptShards(projectPath, uuid))
            if (unreadable.empty() && kept.generation <= oldest)
                ::unlink(kept.path.c_str());
    } catch (const Error&) { // the next save finds them
    }
}

void returnShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation) {
    const auto folder = sideFolder(projectPath).shards;
    ensureFolder(folder);
    for (const auto& kept : keptShards(projectPath, uuid))
        if (kept.generation > generation &&
            std::rename(kept.path.c_str(), (folder + "/" + kept.name).c_str()) != 0)
            throw systemError("move", kept.path, errno);
}

Replaced keepReplaced(const std::string& projectPath) {
    Replaced result;
    const auto side = sideFolder(projectPath);
    const auto name = fs::path(side.project).filename().string();
    const auto beside = fs::path(side.project).parent_path().string();
    std::string published; // the uuid in the name of the file that was exchanged
    try {
        published = readUserBlock(side.project).file;
    } catch (const Error&) { // then nobody knows which one it was
    }
    for (const auto& folder : {side.temporary, beside.empty() ? "." : beside}) {
        std::error_code failure; // of what cannot be listed nothing is removed
        for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
            const auto path = it->path().string(), found = it->path().filename().string();
            if (!AtomicFile::isTemporaryName(found, name))
                continue;
            try {
                if (published.empty())
                    result.left.push_back(path);
                if (found != "." + name + "." + published + ".tmp" || isKept(side.previous, path))
                    continue;
                const auto place = asidePlace(projectPath, "replaced");
                moveAside(path, place);
                result.kept.push_back(place);
            } catch (const Error&) { // a full disk, say
                result.left.push_back(path);
            }
        }
    }
    return result;
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
