// The options of the command line that make an arm: --direction, --op, --k-from, --k-to, --strength, --raw,
// --scope, --site.
#pragma once

#include "core/base/error.h"
#include "core/study/intervention.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace azimuth::worker {

struct SteeringOptions {
    std::string direction, operation; // a file; add, ablate, affine
    std::string scope, site;          // empty: all, resid
    std::optional<double> strength;
    std::optional<std::int64_t> kFrom, kTo;
    bool raw = false;
};

Error usage(const std::string& verb, const std::string& text);

// contracts: --op, --k-from, --k-to with --direction; --strength with add and affine; neither --strength nor
// --raw with ablate. Error usage.
void checkSteering(const SteeringOptions& how, const std::string& verb);

// The arm of the command line, its vector as a blob in the folder; the control without --direction. Error
// direction.*.
Arm steeringArm(const SteeringOptions& how, const std::string& folder,
                std::map<std::string, std::string>& blobs);

} // namespace azimuth::worker
