// What the machine's memory holds now, in bytes. Linux; nothing where the kernel does not say.
#pragma once

#include <QByteArray>

#include <optional>

namespace azimuth {

struct MachineMemory {
    quint64 used = 0, total = 0; // used: what is neither free nor quickly given back
};

std::optional<MachineMemory> machineMemory();                                 // of this machine
std::optional<MachineMemory> machineMemoryFrom(const QByteArray& memoryInfo); // text of /proc/meminfo

} // namespace azimuth
