#include "core/engine/checkpoint/memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace azimuth {
namespace {

constexpr std::uint64_t unknown = std::uint64_t{1} << 63;

std::uint64_t kernelAvailable() {
    std::ifstream file("/proc/meminfo");
    std::string name, unit;
    std::uint64_t value = 0;
    while (file >> name >> value && std::getline(file, unit))
        if (name == "MemAvailable:")
            return value * 1024;
    return unknown;
}

std::optional<std::uint64_t> numberIn(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t value = 0;
    if (file >> value)
        return value;
    return {}; // missing, or "max"
}

// Pages of files can be dropped, so they do not count as used.
std::uint64_t fileBytes(const std::string& path) {
    std::ifstream file(path);
    std::string name;
    std::uint64_t value = 0;
    while (file >> name >> value)
        if (name == "file" || name == "total_cache")
            return value;
    return 0;
}

std::uint64_t left(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> used,
                   std::uint64_t files) {
    if (!limit || !used)
        return unknown;
    const auto kept = *used - std::min(*used, files);
    return *limit - std::min(*limit, kept);
}

std::uint64_t groupAvailable() {
    std::ifstream file("/proc/self/cgroup");
    std::uint64_t least = unknown;
    std::string line;
    while (std::getline(file, line)) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        for (auto group = line.substr(second + 1); !group.empty(); group.resize(group.rfind('/'))) {
            const auto folder = group == "/" ? std::string() : group;
            if (controllers.empty()) {
                const auto base = "/sys/fs/cgroup" + folder;
                least =
                    std::min(least, left(numberIn(base + "/memory.max"), numberIn(base + "/memory.current"),
                                         fileBytes(base + "/memory.stat")));
            } else if (controllers == "memory") {
                const auto base = "/sys/fs/cgroup/memory" + folder;
                least = std::min(least, left(numberIn(base + "/memory.limit_in_bytes"),
                                             numberIn(base + "/memory.usage_in_bytes"),
                                             fileBytes(base + "/memory.stat")));
            }
        }
    }
    return least;
}

} // namespace

std::uint64_t availableMemory() { return std::min(kernelAvailable(), groupAvailable()); }

} // namespace azimuth
