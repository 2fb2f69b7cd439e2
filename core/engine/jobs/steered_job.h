// What jobs that steer share: their directions from blobs.
#pragma once

#include "core/engine/jobs/job.h"
#include "core/engine/steer/steering.h"

#include <map>
#include <string>

namespace azimuth {

// Reads a direction's blob (contracts 1) from the submission's folder and checks both its digests. blobs:
// direction -> file. Errors of the resolver: blob.missing, blob.digest, steering.direction, safetensors.*,
// file.*.
DirectionResolver directionsOf(const Job& job, const std::map<std::string, std::string>& blobs,
                               std::int64_t width);

} // namespace azimuth
