#include "core/project/generations.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/time.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <span>
#include <unistd.h>

namespace azimuth {
namespace {
namespace fs = std::filesystem;

std::string stemOf(const std::string& projectPath) { return fs::path(projectPath).stem().string(); }

struct Descriptor {
    int value;
    ~Descriptor() {
        if (value >= 0)
            ::close(value);
    }
};

void copyFile(const std::string& from, const std::string& to) {
    const Descriptor source{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    if (source.value < 0)
        throw systemError("open", from, errno);
    AtomicFile copy(to);
    std::array<std::byte, 1 << 16> buffer;
    for (;;) {
        const auto count = ::read(source.value, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", from, errno);
        if (count == 0)
            return copy.publish();
        copy.write(std::span<const std::byte>(buffer.data(), static_cast<std::size_t>(count)));
    }
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
            return;
        const auto aside = folder + "/" + stemOf(projectPath) + "." + std::to_string(block.generation) + "." +
                           std::to_string(static_cast<long long>(unixSeconds())) + ".h5";
        if (std::rename(place.c_str(), aside.c_str()) != 0)
            throw systemError("move", place, errno);
        return keepGeneration(projectPath, block);
    }
    if (!lacksLinks(errno))
        throw systemError("keep", place, errno);
    copyFile(projectPath, place);
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

std::string setAside(const std::string& projectPath) {
    const auto folder = sideFolder(projectPath).previous;
    ensureFolder(folder);
    auto time = utcNow();
    std::erase(time, ':');
    auto place = folder + "/" + stemOf(projectPath) + ".damaged-" + time;
    for (int i = 2; fs::exists(place); ++i)
        place = folder + "/" + stemOf(projectPath) + ".damaged-" + time + "-" + std::to_string(i);
    if (std::rename(projectPath.c_str(), place.c_str()) != 0)
        throw systemError("move", projectPath, errno);
    syncFolder(folder);
    return place;
}

} // namespace azimuth
