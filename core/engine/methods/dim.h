// DIM, difference in means (Arditi et al. 2024, arXiv 2406.11717): at each position and k the mean of R[k] over the positive prompts
// minus that over the negative ones.
//
// Positions are offsets from each prompt's end: -positions .. -1. R[k] is read at the compute precision, sums are kept in
// float64, the raw difference is rounded once to F32; its norm is that of the float64 difference. Nothing is normalised.
// Errors: dim.prompts (a class is empty, a prompt is shorter than the positions), dim.nonfinite, those of capture.
#pragma once

#include "core/base/array.h"
#include "core/engine/capture/capture.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace azimuth {

struct DimRequest {
    std::vector<std::vector<std::int32_t>> positive, negative; // token ids
    std::int64_t positions = 1; // -positions .. -1
    std::int64_t tokenBudget = 0; // as CaptureOptions
    std::function<void(const std::string& text)> note; // as CaptureOptions
};

struct DimResult {
    std::vector<std::int32_t> positions; // ascending, the last is -1
    std::int64_t positiveCount = 0, negativeCount = 0;
    ArrayF raw; // [position][k][d], positive minus negative
    ArrayD rawNorm; // [position][k]
    ArrayD medianNorm; // [position][k], median over all prompts of the norm of R[k]
};

// raw norm / median norm so far, [position][k]; NaN before both classes have a prompt. n: prompts so far.
using DimPartial = std::function<void(const ArrayD& relativeNorm, std::int64_t n)>;

// Bytes that this holds beside the decoder: sums, the difference, the norms of each prompt.
std::uint64_t differenceInMeansBytes(const ArchitectureSpec& spec, std::int64_t positions,
                                     std::int64_t prompts);

DimResult differenceInMeans(const Decoder& decoder, const DimRequest& request, const CaptureProgress& progress = {},
                            const DimPartial& partial = {});

} // namespace azimuth
