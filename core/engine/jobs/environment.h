// What computed a result, for the job's record: canonical JSON {build, torch, isa, threads, device,
// engine_semantics, seed}.
#pragma once

#include "core/protocol/job.h"

#include <string>
#include <vector>

namespace azimuth {

std::string environmentOf(const Submission& submission);
std::string torchVersion();
std::vector<std::string> deviceNames();

} // namespace azimuth
