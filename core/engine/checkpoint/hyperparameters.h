// The numbers that fix a model's arithmetic, as one value. Read from a checkpoint and range-checked there:
// every count is positive, heads % kvHeads == 0, windows and factors fit. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct Hyperparameters {
    std::string family; // "llama", "gemma3"; the row of the architecture table

    std::int64_t blocks = 0;             // L
    std::int64_t width = 0;              // d
    std::int64_t feedForward = 0;        // inner width of the MLP
    std::int64_t heads = 0, kvHeads = 0; // query heads, key and value heads
    std::int64_t headWidth = 0;          // of q, k and v; heads * headWidth need not be width
    std::int64_t vocabulary = 0;         // rows of the embedding; may exceed the tokenizer's tokens
    std::int64_t contextLength = 0;      // positions the model was trained for

    double normEpsilon = 0; // RMS norms
    bool tiedHead = false;  // the output head is embed.weight

    // Rotary position embedding: pairs (j, j + ropeWidth / 2) of the first ropeWidth dims of a head turn by
    // position * theta^(-2 j / ropeWidth) / divisor_j. Blocks that slide use ropeThetaLocal and no divisors.
    std::int64_t ropeWidth = 0;
    double ropeTheta = 0;
    double ropeThetaLocal = 0;   // equals ropeTheta where the family has one theta
    double ropeLinearFactor = 1; // every divisor is this (linear scaling) ...
    std::vector<float> ropeFactors; // ... times this one: ropeWidth / 2 values (llama 3 scaling), or none

    // A sliding block attends to positions p - window + 1 .. p.
    std::int64_t window = 0;         // 0: no block slides
    std::int64_t slidingPattern = 0; // n: all but every n-th block slide; 0: all

    double attentionScale = 0;                     // multiplies q . k
    double attentionSoftcap = 0, finalSoftcap = 0; // c * tanh(x / c); 0: none
    double embeddingScale = 1;                     // exact; gemma3: sqrt(width), which a bf16 run rounds

    bool slides(std::int64_t block) const {
        return window > 0 && (slidingPattern == 0 || (block + 1) % slidingPattern != 0);
    }

    friend bool operator==(const Hyperparameters&, const Hyperparameters&) = default;
};

} // namespace azimuth
