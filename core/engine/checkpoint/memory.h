// How much memory this process may still take, in bytes, and what to do when it runs out.
#pragma once

#include <c10/core/Device.h>
#include <cstdint>
#include <functional>
#include <string>

namespace azimuth {

// What the kernel says is available, within the limits of the control groups (v1 and v2: Slurm, containers)
// and of RLIMIT_AS that the process runs in. Linux only; 2^63 where nothing is known.
std::uint64_t availableMemory();
// The same from a given tree (for tests): root + /proc/meminfo, /proc/self/cgroup and /sys/fs/cgroup; no
// RLIMIT_AS.
std::uint64_t availableMemoryUnder(const std::string& root);
// Free memory of the device; of the CPU availableMemory().
std::uint64_t availableMemory(c10::Device device);

// Runs the body. False if memory ran out in it, on the host or the device: what it held is freed by then, and
// the device's cache is emptied, so the caller can go on with less at a time. Anything else that is thrown
// passes. The one place where the engine goes on after an exception.
bool withinMemory(const std::function<void()>& body);

} // namespace azimuth
