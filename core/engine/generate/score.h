// Teacher-forced scores: log-probabilities of given continuations, and how far an arm's distributions are
// from those of a reference arm.
//
// Of each id of a continuation: log p(id | prompt, ids before it) under the arm, natural, from the model's
// F32 logits by a float64 log-softmax; KL(reference || arm) = sum over the whole vocabulary of p_ref (log
// p_ref - log p_arm) in float64 at the same places, given the same ids. Tokens of the prompt are prompt
// tokens for the scope of an edit, those of the continuation are generated ones; the distribution of the
// first id comes from the last prompt token.
//
// A prompt is computed once per arm for all its continuations, and once for all arms up to the first edit. A
// batch is cut in the order of the requests, so equal input gives equal bits. Where memory runs out, smaller
// batches are tried (noted). One thread drives it; InferenceMode is on inside. Errors: score.request,
// model.context, score.nonfinite, memory.exhausted, cancelled.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/engine/steer/steering.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace azimuth {

struct ScoreRequest {
    std::int64_t prompt = 0;       // into prompts
    std::int64_t arm = 0;          // row of the Steering
    std::vector<std::int32_t> ids; // not empty
};

struct ScoreOptions {
    std::int64_t reference = -1; // row of the Steering that KL is measured from; -1: not measured
    std::int64_t batch = 32; // pairs of prompt and arm with a place in the cache; at least 2 with a reference
    std::int64_t tokenBudget = 0; // tokens of one packed pass; 0: by device
};

struct ScoredRow {
    std::vector<double> logProbabilities; // one per id
    std::vector<double> kl;               // one per id; empty without a reference
};

struct ScoreCallbacks {
    // In requests; before each pass and between blocks. False: Error "cancelled".
    std::function<bool(std::int64_t done, std::int64_t total)> progress;
    std::function<void(const std::string& text)> note; // for the log
};

// Bytes of logits and distributions that are there at once, beside the logits of the prompts' last tokens.
std::uint64_t scoreBuffers(const ArchitectureSpec& spec, std::int64_t batch);

std::vector<ScoredRow> score(const Decoder& decoder, const std::vector<std::vector<std::int32_t>>& prompts,
                             const std::vector<ScoreRequest>& requests, const Steering& steering,
                             const ScoreOptions& options, const ScoreCallbacks& callbacks = {});

} // namespace azimuth
