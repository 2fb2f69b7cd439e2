// The numbers that fix a model's arithmetic, as one value. Read from a checkpoint's configuration and
// range-checked there: every count is positive, heads % keyValueHeads == 0, windows and factors fit. What a
// family computes beyond its numbers is in the model's ArchitectureSpec. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

enum class Activation { Silu, GeluTanh, GeluErf };

// Rotary position embedding: pairs (j, j + width / 2) of the first `width` dimensions of a head turn by
// position * theta^(-2 j / width), scaled as transformers' modeling_rope_utils.py says.
enum class RopeScaling { None, Linear, Dynamic, Llama3, Yarn, Longrope };
struct RopeParameters {
    double theta = 10000;
    std::int64_t width = 0; // even; 0: nothing rotates
    RopeScaling scaling = RopeScaling::None;
    double factor = 1;                                      // all but None and Longrope
    std::int64_t originalContext = 0;                       // Dynamic, Llama3, Yarn, Longrope
    double lowFrequencyFactor = 1, highFrequencyFactor = 4; // Llama3
    double betaFast = 32, betaSlow = 1;                     // Yarn
    bool truncate = true;                                   // Yarn: its correction range is of whole numbers
    double attentionFactor = 1; // Yarn, Longrope: on cosine and sine; resolved from what the file leaves out
    std::vector<double> divisors; // [width / 2] or empty: frequency j is divided by it (rope_freqs, Longrope)
    std::vector<double> longDivisors; // Longrope: instead of `divisors` in sequences beyond originalContext

    friend bool operator==(const RopeParameters&, const RopeParameters&) = default;
};

struct Hyperparameters {
    std::string family; // "llama", "gemma3"; the row of the architecture table

    std::int64_t blocks = 0;                   // L
    std::int64_t width = 0;                    // d
    std::int64_t feedForward = 0;              // inner width of the MLP
    std::int64_t heads = 0, keyValueHeads = 0; // query heads, key and value heads
    std::int64_t headWidth = 0;                // of q, k and v; heads * headWidth need not be width
    std::int64_t vocabulary = 0;               // rows of the embedding; may exceed the tokenizer's tokens
    std::int64_t contextLength = 0;            // positions that may be asked for
    std::int64_t learnedPositions = 0;         // rows of the position embedding; 0: none

    double normEpsilon = 1e-5;
    bool tiedHead = true; // the output head is embed.weight
    Activation activation = Activation::Silu;
    bool queryKeyValueBias = false, outputBias = false, feedForwardBias = false;
    bool parallelBranches = false; // x + attention(norm x) + mlp(norm' x)

    RopeParameters rope;        // of blocks without window, and of all where there are no windowed blocks
    RopeParameters windowRope;  // of windowed blocks
    std::int64_t window = 0;    // a token sees itself and window - 1 before it; 0: none
    std::vector<bool> windowed; // [blocks]; empty: none

    double attentionScale = 0;                     // multiplies q . k
    double attentionSoftCap = 0, logitSoftCap = 0; // c * tanh(x / c); 0: none
    double embeddingScale = 1;                     // exact; gemma: sqrt(width), which a bf16 run rounds

    bool isWindowed(std::int64_t block) const {
        return window > 0 && !windowed.empty() && windowed[static_cast<std::size_t>(block)];
    }
    const RopeParameters& ropeOf(std::int64_t block) const { return isWindowed(block) ? windowRope : rope; }
    std::int64_t queryWidth() const { return heads * headWidth; }
    std::int64_t keyValueWidth() const { return keyValueHeads * headWidth; }

    friend bool operator==(const Hyperparameters&, const Hyperparameters&) = default;
};

} // namespace azimuth
