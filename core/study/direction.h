// What a method found on a Model for a Concept.
#pragma once

#include "core/base/array.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

enum class Method { Dim };
std::string toString(Method method); // dim
const std::vector<std::string>& methodNames();

// Tensor axes everywhere: [position][k][d], k = 0..L, R[k] enters block k, R[L] leaves the last block.
struct DirectionBank {
    std::string key; // result key, 64 hex digits
    std::string modelIdentity;
    std::string conceptName;
    Method method = Method::Dim;
    std::vector<std::int32_t> positions; // offsets from the prompt's end: -1 is last
    std::int64_t ks = 0; // L + 1
    std::int64_t width = 0; // d
    std::int64_t positiveCount = 0, negativeCount = 0;
    Array<double> rawNorm; // [position][k], of the raw difference
    Array<double> medianNorm; // [position][k], median norm of R[k] over both classes' prompts
    ArrayF tensor; // [position][k][d], raw difference positive minus negative; empty until read
    std::vector<std::string> positionTokens; // token text per position, of the first prompt; may be empty texts
    std::string jobId;

    std::size_t positionIndex(std::int32_t offset) const; // Error direction.position
};

// One row of a bank, normalised in float64 and rounded once to F32.
struct Direction {
    std::string digest; // SHA-256 of the little-endian F32 bytes
    double rawNorm = 0;
    std::vector<float> unit; // [d]
    std::string bankKey;
    std::int32_t position = -1;
    std::int64_t k = 0;
};

// Error direction.zero if the raw norm is 0 or not finite; direction.position, direction.k if out of range.
Direction directionAt(const DirectionBank& bank, std::int32_t position, std::int64_t k);
std::string directionDigest(const std::vector<float>& unit);

} // namespace azimuth
