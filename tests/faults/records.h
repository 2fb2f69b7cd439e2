// The records that the tests of storage write, and the lines that acknowledge them. A line is a kind, the
// record's key and the CRC-32 of its content; verify.py computes the same from the files.
#pragma once

#include "core/study/edit.h"
#include "core/study/project_view.h"

#include <cstdint>
#include <string>

namespace azimuth::records {

// One job's result with `rows` completions and one bank, of random content; no key comes twice.
JobResult result(std::size_t rows);
Completion completion();
SetLabels labels(); // of one completion that no project has, by a rater of its own

std::string lineOf(const Completion& row); // "completion <key> <crc>"
std::string lineOf(const DirectionBank& bank);
std::string lineOf(const SetLabels& labels);

} // namespace azimuth::records
