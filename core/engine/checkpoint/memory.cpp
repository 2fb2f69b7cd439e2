#include "core/engine/checkpoint/memory.h"

#include <algorithm>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <fstream>
#include <new>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace azimuth {
namespace {

constexpr std::uint64_t unknown = std::uint64_t{1} << 63;

std::uint64_t kernelAvailable(const std::string& root) {
    std::ifstream file(root + "/proc/meminfo");
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

// Pages of files can be dropped, so they do not count as used; shared memory cannot.
std::uint64_t fileBytes(const std::string& path) {
    std::ifstream file(path);
    std::string name;
    std::uint64_t value = 0, files = 0, shared = 0;
    while (file >> name >> value) {
        if (name == "file" || name == "total_cache")
            files = value;
        else if (name == "shmem" || name == "total_shmem")
            shared = value;
    }
    return files - std::min(files, shared);
}

std::uint64_t left(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> used,
                   std::uint64_t files) {
    if (!limit || !used)
        return unknown;
    const auto kept = *used - std::min(*used, files);
    return *limit - std::min(*limit, kept);
}

// Whether the list "cpu,memory" names a controller.
bool names(const std::string& list, const std::string& controller) {
    return ("," + list + ",").find("," + controller + ",") != std::string::npos;
}

std::uint64_t leftOf(const std::string& base, const char* limit, const char* used) {
    return left(numberIn(base + limit), numberIn(base + used), fileBytes(base + "/memory.stat"));
}

std::uint64_t groupAvailable(const std::string& root) {
    std::ifstream file(root + "/proc/self/cgroup");
    std::uint64_t least = unknown;
    std::string line;
    while (std::getline(file, line)) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        if (!controllers.empty() && !names(controllers, "memory"))
            continue;
        // From the process's own group up to the root, at which a container's view begins.
        auto folder = line.substr(second + 1);
        while (true) {
            if (!folder.empty() && folder.back() == '/')
                folder.pop_back();
            least = std::min(least,
                             controllers.empty()
                                 ? leftOf(root + "/sys/fs/cgroup" + folder, "/memory.max", "/memory.current")
                                 : leftOf(root + "/sys/fs/cgroup/memory" + folder, "/memory.limit_in_bytes",
                                          "/memory.usage_in_bytes"));
            if (folder.empty())
                break;
            const auto slash = folder.rfind('/');
            folder.resize(slash == std::string::npos ? 0 : slash);
        }
    }
    return least;
}

// Under RLIMIT_AS allocations fail rather than the process being killed.
std::uint64_t addressSpaceLeft() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return unknown;
    std::ifstream file("/proc/self/statm");
    std::uint64_t pages = 0;
    file >> pages;
    const auto used = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, used);
}

} // namespace

std::uint64_t availableMemoryUnder(const std::string& root) {
    return std::min(kernelAvailable(root), groupAvailable(root));
}

std::uint64_t availableMemory() { return std::min(availableMemoryUnder({}), addressSpaceLeft()); }

std::uint64_t availableMemory(c10::Device device) {
    if (device.is_cpu())
        return availableMemory();
    // The runtime is in the process with libtorch_cuda, which this library does not link.
    using Query = int (*)(std::size_t*, std::size_t*);
    const auto query = reinterpret_cast<Query>(::dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
    const c10::DeviceGuard guard(device);
    std::size_t free = 0, total = 0;
    if (!query || query(&free, &total) != 0)
        return unknown;
    const auto index = device.has_index() ? device.index() : c10::DeviceIndex{0};
    const auto statistics = c10::getDeviceAllocator(device.type())->getDeviceStats(index);
    constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    // What the allocator keeps but nobody uses can be used again.
    const auto idle = statistics.reserved_bytes[all].current - statistics.allocated_bytes[all].current;
    return free + static_cast<std::uint64_t>(std::max<std::int64_t>(0, idle));
}

bool withinMemory(const std::function<void()>& body) {
    try {
        body();
        return true;
    } catch (const std::bad_alloc&) {
    } catch (const c10::OutOfMemoryError&) {
    } catch (const c10::Error& error) {
        // The CPU allocator of libtorch 2.11 has no type of its own for this.
        if (std::string(error.what_without_backtrace()).find("DefaultCPUAllocator: can't allocate memory") ==
            std::string::npos)
            throw;
    }
    const auto& hooks = at::detail::getCUDAHooks();
    if (hooks.hasCUDA() && hooks.deviceCount() > 0)
        c10::getDeviceAllocator(c10::kCUDA)->emptyCache();
    return false;
}

} // namespace azimuth
