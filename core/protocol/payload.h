// The payloads of a job specification as JSON; used by job.cpp only.
#pragma once

#include "core/base/json_reader.h"
#include "core/protocol/job.h"

namespace azimuth {

Json payloadToJson(const JobSpec& spec);
// Findings go into the reader of `object`.
void readPayload(JobSpec& spec, std::size_t kind, JsonObject& object);
const std::vector<std::string>& jobKindNames(); // in the order of the variant

} // namespace azimuth
