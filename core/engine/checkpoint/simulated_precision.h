// Weights as if they had been stored in 8 or 4 bits: rounded to the grid of the precision and back. Only the
// matrices of the blocks (attention.{q,k,v,o}, mlp.{gate,up,down}) are rounded; embeddings, head, norms and
// biases stay, and everything is computed in float afterwards, so that what differs from fp32 is the rounding
// of the weights alone. Activations are never rounded: int8-rtn-row is the weight side of LLM.int8() without
// its outlier columns. All arithmetic in float; ties of round() go to the even integer.
//
// int8-rtn-row  symmetric, one scale per output row:  s = max |w| / 127,  w' = s * round(w / s)
// int4-rtn-g64  asymmetric, per row in groups of 64 inputs (the last may be shorter), as the round-to-nearest
//               baseline of GPTQ:  lo = min(w, 0), hi = max(w, 0), s = (hi - lo) / 15, z = round(-lo / s),
//               w' = s * (clamp(round(w / s) + z, 0, 15) - z)
// nf4-b64       blocks of 64 values of the row-major matrix [out, in], which may pass from one row to the next
//               (as bitsandbytes; the last may be shorter), not doubly quantised:  a = max |w|,
//               w' = a * c, c the value of the NF4 codebook nearest to w * (1 / a), the lower one of a tie
// A group of zeros stays zero. Sources: Dettmers et al. 2022 (LLM.int8()), Frantar et al. 2023 (GPTQ),
// Dettmers et al. 2023 (QLoRA, appendix E; the codebook).
#pragma once

#include "core/study/precision.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace azimuth {

extern const std::array<float, 16> nf4Codebook; // ascending, -1 to 1

bool isSimulated(Precision precision);
bool isRounded(std::string_view canonical); // whether a simulated precision touches this tensor

// How many consecutive values of a row-major matrix with `columns` must be rounded together.
std::int64_t simulationUnit(Precision precision, std::int64_t columns);
// Rounds values in place: a whole number of units, or the last ones of the matrix. Error checkpoint.precision
// for one that is not simulated.
void simulate(Precision precision, std::int64_t columns, std::span<float> values);

} // namespace azimuth
