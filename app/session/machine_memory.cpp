#include "app/session/machine_memory.h"

#include <QFile>

namespace azimuth {
namespace {

constexpr qint64 largestInfo = 65536;

// "MemTotal:       24588472 kB"
std::optional<quint64> entry(const QByteArray& text, const QByteArray& name) {
    for (const auto& line : text.split('\n')) {
        const auto words = line.simplified().split(' ');
        if (words.size() != 3 || words[0] != name || words[2] != "kB")
            continue;
        bool valid = false;
        const quint64 kibibytes = words[1].toULongLong(&valid);
        if (valid && kibibytes < (quint64{1} << 53))
            return kibibytes * 1024;
    }
    return {};
}

} // namespace

std::optional<MachineMemory> machineMemoryFrom(const QByteArray& memoryInfo) {
    const auto total = entry(memoryInfo, "MemTotal:"), available = entry(memoryInfo, "MemAvailable:");
    if (!total || !available || *total == 0 || *available > *total)
        return {};
    return MachineMemory{*total - *available, *total};
}

std::optional<MachineMemory> machineMemory() {
    QFile file(QStringLiteral("/proc/meminfo"));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return machineMemoryFrom(file.read(largestInfo));
}

} // namespace azimuth
