// How much memory this process may still take, in bytes: what the kernel says is available, within the limits
// of the control groups (Slurm, containers) the process runs in. Linux only; 2^63 where nothing is known.
#pragma once

#include <cstdint>

namespace azimuth {

std::uint64_t availableMemory();

} // namespace azimuth
