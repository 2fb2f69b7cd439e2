// What one decoder family computes, as data. A family is a row of this table plus a parity test, never a
// subclass. Formulas: the families' modelling files in Hugging Face transformers; rotary scaling:
// modeling_rope_utils.py. A value without invariants of its own; Decoder checks it against the weights.
#pragma once

#include "core/engine/checkpoint/hyperparameters.h"

#include <string>
#include <vector>

namespace azimuth {

enum class NormKind { Rms, Layer };
// Where a low-precision norm rounds: CastThenScale = w * cast(x / rms), ScaleThenCast = cast(w * x / rms).
enum class NormRounding { CastThenScale, ScaleThenCast };
enum class QueryKeyNorm { None, PerHead, WholeWidth };

struct ArchitectureSpec : Hyperparameters {
    NormKind norm = NormKind::Rms;
    NormRounding normRounding = NormRounding::CastThenScale;
    double normWeightOffset = 0;           // 1: the checkpoint holds w of (1 + w)
    bool preNorm = true, postNorm = false; // before each branch; on each branch's output
    QueryKeyNorm queryKeyNorm = QueryKeyNorm::None;
    bool gatedFeedForward = true;
    bool ropeInFloat = false; // cosine, sine and the rotation keep float in a bf16 run
    bool geluInSteps = false; // each operation of the tanh form rounds in a bf16 run ("gelu_new")
};

// The family's row with the checkpoint's numbers filled in. Error model.family for a family without a row, by
// name.
ArchitectureSpec architectureOf(const Hyperparameters& hyperparameters);
const std::vector<std::string>& architectureFamilies();

// Error model.architecture naming the field and both values if sizes contradict each other or are not
// positive.
void checkArchitecture(const ArchitectureSpec& spec);

} // namespace azimuth
