#include "core/engine/generate/generate.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/generate/prefill.h"
#include "core/engine/generate/sampler.h"

#include <ATen/ops/logsumexp.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace azimuth {
namespace {

constexpr std::int64_t smallestBudget = 32;

struct Slot {
    std::int64_t request = -1; // -1: idle
    std::int64_t length = 0;   // positions in the cache
    std::int32_t last = 0;     // chosen, not yet in the cache
    bool finished = false;     // but computed on, so that the batch keeps its shape
};

class Run {
public:
    Run(const Decoder& decoder, const std::vector<GenerateRequest>& requests, const Steering& steering,
        const GenerateOptions& options, const GenerateCallbacks& callbacks)
        : m_decoder(decoder), m_requests(requests), m_steering(steering), m_options(options),
          m_callbacks(callbacks), m_rows(requests.size()) {
        const double start = options.logProbability ? 0 : std::numeric_limits<double>::quiet_NaN();
        for (auto& row : m_rows)
            row.logProbability = start;
        m_progress.rows = static_cast<std::int64_t>(requests.size());
        m_finished.resize(requests.size());
        m_told.resize(requests.size());
        m_budget = options.tokenBudget > 0 ? options.tokenBudget : (decoder.device().is_cpu() ? 2048 : 16384);
    }

    std::vector<GeneratedRow> run() {
        m_rowLimit = static_cast<std::size_t>(m_options.decoding.rows);
        const auto span = m_options.refill ? m_requests.size() : m_rowLimit;
        for (std::size_t first = 0; first < m_requests.size(); first += span) {
            std::vector<std::size_t> open(std::min(span, m_requests.size() - first));
            std::iota(open.begin(), open.end(), first);
            runWithinMemory(std::move(open));
        }
        return std::move(m_rows);
    }

private:
    // Where memory runs out, rows that have not finished begin again, half as many at a time. Their noise
    // and, where rows are independent, their bits do not depend on that.
    void runWithinMemory(std::vector<std::size_t> open) {
        while (!open.empty()) {
            const auto rows = std::min(m_rowLimit, open.size());
            const std::vector<std::size_t> now(
                open.begin(),
                m_options.refill ? open.end() : open.begin() + static_cast<std::ptrdiff_t>(rows));
            if (withinMemory([&] { runSpan(now, rows); })) {
                open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(now.size()));
                continue;
            }
            if (rows == 1)
                throw Error("memory.exhausted",
                            "Memory ran out while writing one completion, " + std::to_string(m_budget) +
                                " tokens at a time.",
                            "Ask for fewer new tokens, or use shorter prompts, a smaller model, or bf16 "
                            "instead of fp32.");
            m_rowLimit = rows / 2;
            note("Memory ran out; going on with " + std::to_string(m_rowLimit) + " completions at a time.");
            std::erase_if(open, [&](std::size_t request) { return m_finished[request]; });
            for (const auto request : open)
                restart(request);
        }
    }

    void restart(std::size_t request) {
        auto& row = m_rows[request];
        m_progress.tokens -= static_cast<std::int64_t>(row.ids.size());
        row.ids.clear();
        row.logProbability = m_options.logProbability ? 0 : std::numeric_limits<double>::quiet_NaN();
    }

    // The requests, in order, through `slots` places of one cache.
    void runSpan(const std::vector<std::size_t>& requests, std::size_t slots) {
        std::int64_t longest = 0;
        for (const auto i : requests)
            longest = std::max(longest, static_cast<std::int64_t>(m_requests[i].ids.size()));
        KeyValueCache cache(m_decoder.spec(), static_cast<std::int64_t>(slots),
                            longest + m_options.decoding.maximumNewTokens, m_decoder.computeType(),
                            m_decoder.device());
        m_slots.assign(slots, Slot{});
        std::size_t next = 0;
        const auto last = requests.size();
        while (true) {
            const auto open =
                std::count_if(m_slots.begin(), m_slots.end(), [](const Slot& s) { return s.request < 0; });
            const bool idle = open == static_cast<std::ptrdiff_t>(slots);
            // Filling one place at a time would make prompts small products: wait for an eighth of the
            // places.
            if (next < last && (idle || open * 8 >= static_cast<std::ptrdiff_t>(slots)))
                next = fill(cache, requests, next);
            if (std::none_of(m_slots.begin(), m_slots.end(),
                             [](const Slot& s) { return s.request >= 0 && !s.finished; })) {
                if (next == last)
                    return;
                continue;
            }
            step(cache);
        }
    }

    std::size_t fill(KeyValueCache& cache, const std::vector<std::size_t>& requests, std::size_t next) {
        report();
        std::vector<PrefillRow> rows;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < m_slots.size() && next < requests.size(); ++i)
            if (m_slots[i].request < 0) {
                const auto request = static_cast<std::int64_t>(requests[next++]);
                const auto& ids = m_requests[static_cast<std::size_t>(request)].ids;
                m_slots[i] = {request, static_cast<std::int64_t>(ids.size()), 0, false};
                rows.push_back({ids, request, static_cast<std::int64_t>(i)});
                places.push_back(i);
            }
        take(readPrompts(cache, rows), places);
        return next;
    }

    // Where memory runs out, again with half the tokens at a time.
    at::Tensor readPrompts(KeyValueCache& cache, const std::vector<PrefillRow>& rows) {
        at::Tensor logits;
        const auto read = [&] {
            logits = prefill(m_decoder, cache, m_steering, rows, m_budget, [this] { report(); });
        };
        while (m_budget > smallestBudget) {
            if (withinMemory(read))
                return logits;
            m_budget /= 2;
            note("Memory ran out; prompts are read " + std::to_string(m_budget) + " tokens at a time.");
        }
        read();
        return logits;
    }

    // Beyond its original context a longrope model turns all tokens of a sequence otherwise. As in
    // transformers, the sequence is read again at that point.
    bool passesOriginalContext(const Slot& slot) const {
        const auto& rope = m_decoder.spec().rope;
        return rope.scaling == RopeScaling::Longrope && !slot.finished && slot.length == rope.originalContext;
    }

    void readAgain(KeyValueCache& cache, const std::vector<std::size_t>& places) {
        std::vector<std::vector<std::int32_t>> ids;
        std::vector<PrefillRow> rows;
        for (const auto place : places) {
            const auto request = static_cast<std::size_t>(m_slots[place].request);
            const auto& prompt = m_requests[request].ids;
            ids.push_back(prompt);
            ids.back().insert(ids.back().end(), m_rows[request].ids.begin(), m_rows[request].ids.end());
            rows.push_back({ids.back(), m_slots[place].request, static_cast<std::int64_t>(place),
                            static_cast<std::int64_t>(prompt.size())});
            ++m_slots[place].length;
        }
        take(readPrompts(cache, rows), places);
    }

    void step(KeyValueCache& cache) {
        std::vector<std::size_t> again;
        for (std::size_t i = 0; i < m_slots.size(); ++i)
            if (m_slots[i].request >= 0 && passesOriginalContext(m_slots[i]))
                again.push_back(i);
        stepOthers(cache, again);
        if (!again.empty())
            readAgain(cache, again);
    }

    void stepOthers(KeyValueCache& cache, const std::vector<std::size_t>& except) {
        std::vector<Sequence> sequences;
        std::vector<std::span<const std::int32_t>> ids;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < m_slots.size(); ++i) {
            auto& slot = m_slots[i];
            if (slot.request < 0 || std::ranges::find(except, i) != except.end())
                continue;
            const auto prompt =
                static_cast<std::int64_t>(m_requests[static_cast<std::size_t>(slot.request)].ids.size());
            sequences.push_back(
                {slot.length, 1, prompt, slot.finished ? -1 : slot.request, {static_cast<std::int64_t>(i)}});
            ids.emplace_back(&slot.last, 1);
            places.push_back(i);
        }
        if (places.empty())
            return;
        const PackedBatch batch(std::move(sequences), ids, m_decoder.device());
        const std::int64_t blocks = m_decoder.spec().blocks;
        BlockOptions options;
        options.cache = &cache;
        at::Tensor residual = m_decoder.embed(batch);
        for (std::int64_t k = 0; k < blocks; ++k) {
            report();
            m_steering.apply(k, residual, batch, batch.places());
            const auto hook = m_steering.blockHook(k, batch, batch.places());
            options.hook = hook ? &hook : nullptr;
            residual = m_decoder.block(k, residual, batch, options);
        }
        m_steering.apply(blocks, residual, batch, batch.places());
        report();
        for (const auto place : places)
            if (!m_slots[place].finished)
                ++m_slots[place].length;
        take(m_decoder.logits(residual), places);
    }

    // Chooses the next token of each place; a finished row's place is chosen too and ignored.
    void take(const at::Tensor& logits, const std::vector<std::size_t>& places) {
        std::vector<SampleRow> rows;
        for (const auto place : places) {
            const auto request = static_cast<std::size_t>(m_slots[place].request);
            rows.push_back(
                {m_requests[request].noise, static_cast<std::int64_t>(m_rows[request].ids.size())});
        }
        const at::Tensor host = logits.to(at::kCPU).contiguous();
        const auto chosen = sampleTokens(host, rows, m_options.decoding);
        at::Tensor normaliser;
        if (m_options.logProbability)
            normaliser = at::logsumexp(logits, {1}).to(at::kCPU).contiguous();
        for (std::size_t i = 0; i < places.size(); ++i) {
            auto& slot = m_slots[places[i]];
            if (slot.finished)
                continue;
            if (normaliser.defined()) {
                const float* values =
                    host.const_data_ptr<float>() + static_cast<std::int64_t>(i) * host.size(1);
                m_rows[static_cast<std::size_t>(slot.request)].logProbability +=
                    double(values[chosen[i]]) - double(normaliser.const_data_ptr<float>()[i]);
            }
            accept(slot, chosen[i]);
        }
    }

    void accept(Slot& slot, std::int32_t id) {
        const auto request = slot.request;
        auto& row = m_rows[static_cast<std::size_t>(request)];
        row.ids.push_back(id);
        slot.last = id;
        ++m_progress.tokens;
        auto& told = m_told[static_cast<std::size_t>(request)]; // more than ids after a restart
        if (row.ids.size() > told) {
            told = row.ids.size();
            if (m_callbacks.token)
                m_callbacks.token(request, id);
        }
        const bool stopped =
            std::find(m_options.stop.begin(), m_options.stop.end(), id) != m_options.stop.end();
        if (!stopped && static_cast<std::int64_t>(row.ids.size()) < m_options.decoding.maximumNewTokens)
            return;
        row.finish = stopped ? Finish::Stop : Finish::Length;
        ++m_progress.rowsDone;
        m_finished[static_cast<std::size_t>(request)] = true;
        if (m_options.refill || m_decoder.rowsAreIndependent())
            slot = Slot{};
        else
            slot.finished = true;
        if (m_callbacks.row)
            m_callbacks.row(request, row);
    }

    void report() const {
        if (m_callbacks.progress && !m_callbacks.progress(m_progress))
            throw Error("cancelled", "The generation was cancelled.", "");
    }

    void note(const std::string& text) const {
        if (m_callbacks.note)
            m_callbacks.note(text);
    }

    const Decoder& m_decoder;
    const std::vector<GenerateRequest>& m_requests;
    const Steering& m_steering;
    const GenerateOptions& m_options;
    const GenerateCallbacks& m_callbacks;
    std::vector<GeneratedRow> m_rows;
    std::vector<Slot> m_slots;
    std::vector<bool> m_finished;    // [requests]
    std::vector<std::size_t> m_told; // [requests] tokens that the caller has heard of
    std::int64_t m_budget = 0;       // tokens of one pass over prompts
    std::size_t m_rowLimit = 1;      // completions computed together
    GenerateProgress m_progress;
};

void check(const Decoder& decoder, const std::vector<GenerateRequest>& requests, const Decoding& decoding) {
    const auto refuse = [](const std::string& finding) {
        throw Error("generate.request", finding, "Correct the decoding settings or the prompts.");
    };
    if (decoding.rows < 1 || decoding.maximumNewTokens < 1)
        refuse("Decoding needs at least one row and one new token; given are " +
               std::to_string(decoding.rows) + " and " + std::to_string(decoding.maximumNewTokens) + ".");
    if (!(decoding.temperature >= 0) || !std::isfinite(decoding.temperature) || !(decoding.topP > 0) ||
        decoding.topP > 1 || decoding.topK < 0)
        refuse("Temperature " + std::to_string(decoding.temperature) + ", top-p " +
               std::to_string(decoding.topP) + " or top-k " + std::to_string(decoding.topK) +
               " is out of range.");
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto length = static_cast<std::int64_t>(requests[i].ids.size());
        if (length == 0)
            refuse("Prompt " + std::to_string(i) + " has no tokens.");
        if (length + decoding.maximumNewTokens > decoder.spec().contextLength)
            throw Error("model.context",
                        "Prompt " + std::to_string(i) + " has " + std::to_string(length) +
                            " tokens and asks for " + std::to_string(decoding.maximumNewTokens) +
                            " more; the model's context is " + std::to_string(decoder.spec().contextLength) +
                            ".",
                        "Shorten the prompt or ask for fewer new tokens.");
    }
}

} // namespace

std::vector<GeneratedRow> generate(const Decoder& decoder, const std::vector<GenerateRequest>& requests,
                                   const Steering& steering, const GenerateOptions& options,
                                   const GenerateCallbacks& callbacks) {
    check(decoder, requests, options.decoding);
    const c10::InferenceMode inference;
    return Run(decoder, requests, steering, options, callbacks).run();
}

} // namespace azimuth
