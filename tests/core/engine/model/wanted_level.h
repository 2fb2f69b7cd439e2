// For tests that ctest runs once for each level of instructions.
#pragma once

#include "core/engine/model/cpu_kernels.h"

#include <QtTest/QtTest>

namespace azimuth {

// Skips where the machine lacks the level that AZIMUTH_CPU_LEVEL names: another one would pass in its name.
inline void skipWithoutWantedLevel() {
    const auto wanted = qgetenv("AZIMUTH_CPU_LEVEL");
    if (!wanted.isEmpty() && wanted != cpu::levelName())
        QSKIP("this machine does not have these instructions");
}

} // namespace azimuth
