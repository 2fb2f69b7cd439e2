// Teacher-forced scores: what a continuation is, and the log-probabilities of one under one arm.
//
// A continuation is a text, tokenised by itself without the tokens that a model adds at the ends, or token
// ids that are used untouched. `first`: only the first token of the text is scored. A continuation of one
// token scores what a model says first; it costs no more than the prompt.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/sha256.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace azimuth {

struct Continuation { // either text or ids
    std::string text;
    bool first = false;
    std::vector<std::int32_t> ids; // not empty: in place of the text

    std::string digest() const; // SHA-256 of the canonical JSON
    friend bool operator==(const Continuation&, const Continuation&) = default;
};
Json toJson(const Continuation& continuation); // {"first", "text"} or {"ids"}
// Reads the same keys of an object that may have others.
Continuation readContinuation(JsonObject& object);

// One continuation of one prompt under one arm; natural logarithms, float64.
struct Score {
    Digest key{};
    std::string modelIdentity;            // 64 hex
    std::string promptId;                 // 64 hex
    std::string continuationDigest;       // 64 hex
    std::string armDigest;                // 64 hex
    std::string referenceDigest;          // 64 hex: the arm that kl is measured from; empty: not measured
    std::vector<std::int32_t> ids;        // what was scored
    std::vector<double> logProbabilities; // of each id given the prompt and the ids before it
    double sum = std::numeric_limits<double>::quiet_NaN(); // of them
    std::vector<double>
        kl; // per id, KL(reference || arm) of the distribution it is drawn from; empty: not measured
    std::int32_t promptTokens = 0;
    std::string jobId;

    friend bool operator==(const Score&, const Score&) = default;
};

} // namespace azimuth
