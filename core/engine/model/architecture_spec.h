// What one decoder family computes, as data. A family is a row of this table plus a parity test, never a
// subclass. Formulas: the families' modelling files in Hugging Face transformers; rotary scaling:
// modeling_rope_utils.py. A value without invariants of its own; Decoder checks it against the weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct Hyperparameters;

enum class NormKind { Rms, Layer };
// Where a low-precision norm rounds: CastThenScale = w * cast(x / rms), ScaleThenCast = cast(w * x / rms).
enum class NormRounding { CastThenScale, ScaleThenCast };
enum class QueryKeyNorm { None, PerHead, WholeWidth };
enum class Activation { Silu, GeluTanh, GeluErf };

struct RopeSpec {
    double theta = 10000;
    std::int64_t rotaryWidth = 0; // leading dimensions of a head that rotate; 0: no rotation
    double linearFactor = 1;      // angles are divided by it
    std::vector<double> divisors; // per frequency, [rotaryWidth / 2] or empty (llama 3, longrope)
    double attentionFactor = 1;   // on cosine and sine (yarn, longrope)
};

struct ArchitectureSpec {
    std::string family;
    std::int64_t blocks = 0; // L
    std::int64_t width = 0;  // d
    std::int64_t feedForward = 0;
    std::int64_t heads = 0, keyValueHeads = 0, headWidth = 0;
    std::int64_t vocabulary = 0; // embedding rows
    std::int64_t contextLength = 0;

    NormKind norm = NormKind::Rms;
    NormRounding normRounding = NormRounding::CastThenScale;
    double normEpsilon = 1e-5;
    double normWeightOffset = 0;           // 1: the checkpoint holds w of (1 + w)
    bool preNorm = true, postNorm = false; // before each branch; on each branch's output
    QueryKeyNorm queryKeyNorm = QueryKeyNorm::None;
    bool queryKeyValueBias = false, outputBias = false, feedForwardBias = false;
    bool gatedFeedForward = true;
    Activation activation = Activation::Silu;
    bool parallelBranches = false; // x + attention(norm x) + mlp(norm' x)

    RopeSpec rope;              // of blocks without window, and of all where there are no windowed blocks
    RopeSpec windowRope;        // of windowed blocks
    std::int64_t window = 0;    // a token sees itself and window - 1 before it; 0: none
    std::vector<bool> windowed; // [blocks]; empty: none
    double attentionScale = 0;  // multiplies q.k
    double attentionSoftCap = 0, logitSoftCap = 0; // 0: none
    double embeddingScale = 1; // exact; rounded to the compute precision before it is used
    bool tiedHead = true;

    bool isWindowed(std::int64_t block) const {
        return window > 0 && !windowed.empty() && windowed[static_cast<std::size_t>(block)];
    }
    const RopeSpec& ropeOf(std::int64_t block) const { return isWindowed(block) ? windowRope : rope; }
    std::int64_t queryWidth() const { return heads * headWidth; }
    std::int64_t keyValueWidth() const { return keyValueHeads * headWidth; }
};

// The family's row with the checkpoint's numbers filled in. Error model.family for a family without a row, by
// name.
ArchitectureSpec architectureOf(const Hyperparameters& hyperparameters);
const std::vector<std::string>& architectureFamilies();

// Error model.architecture naming the field and both values if sizes contradict each other or are not
// positive.
void checkArchitecture(const ArchitectureSpec& spec);

} // namespace azimuth
