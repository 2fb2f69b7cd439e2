// Batched decoding with a static key-value cache. Rows of one batch may carry different arms (see Steering).
//
// Fixed batches (the default): requests are cut in order into batches of decoding.rows, and a rerun of a
// batch gives the same bits. Where rows are independent (Decoder::rowsAreIndependent) a row's bits depend on
// nothing but its own prompt, arm and noise; elsewhere a batch keeps its shape until all its rows have
// finished, so that they do not depend on what the other rows write. Refill: a finished row's place is taken
// by the next request; quicker where rows end early. Greedy or seeded sampling as sampler.h. One thread
// drives it; InferenceMode is on inside. Errors: generate.request (empty prompt, counts out of range),
// model.context (prompt and new tokens exceed the context), memory.exhausted, generate.nonfinite, cancelled.
// Where memory runs out in the middle, prompts are read in smaller passes and then fewer rows are computed
// together; rows that have finished stay, the others begin again.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/engine/steer/steering.h"
#include "core/study/completion.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace azimuth {

struct GenerateRequest {           // request i is row i of the Steering
    std::vector<std::int32_t> ids; // the prompt
    std::uint64_t noise = 0;       // names the row's random numbers; unused under greedy decoding
};

struct GenerateOptions {
    Decoding decoding;
    std::vector<std::int32_t> stop; // a row ends with the first of these; it is part of the row's ids
    bool refill = false;
    std::int64_t tokenBudget = 0; // prompt tokens of one packed pass; 0: by device
    bool logProbability = false;  // sum of log softmax of the chosen tokens at temperature 1
};

struct GeneratedRow {
    std::vector<std::int32_t> ids; // new tokens, the end token included
    Finish finish = Finish::Length;
    double logProbability = 0; // NaN if not asked for
};

struct GenerateProgress {
    std::int64_t rowsDone = 0, rows = 0;
    std::int64_t tokens = 0; // new ones so far
};

struct GenerateCallbacks {
    std::function<bool(const GenerateProgress&)>
        progress; // before each block of a prefill or a step; false: Error "cancelled"
    std::function<void(std::int64_t request, std::int32_t id)> token;       // each once
    std::function<void(std::int64_t request, const GeneratedRow& row)> row; // when it has finished
    std::function<void(const std::string& text)> note;                      // for the log
};

std::vector<GeneratedRow> generate(const Decoder& decoder, const std::vector<GenerateRequest>& requests,
                                   const Steering& steering, const GenerateOptions& options,
                                   const GenerateCallbacks& callbacks = {});

} // namespace azimuth
