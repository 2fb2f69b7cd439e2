// The direction that a user gives to the verb generate: a safetensors file with exactly one F32 [d] tensor
// `direction`.
#pragma once

#include <string>
#include <vector>

namespace azimuth::worker {

struct GivenDirection {
    std::vector<float> unit; // normalised in float64, rounded once
    double norm = 0;         // of the file's vector
};

// Error direction.file (another tensor, shape or type), direction.zero, direction.finite; safetensors.*,
// file.*.
GivenDirection readDirectionFile(const std::string& path);

} // namespace azimuth::worker
