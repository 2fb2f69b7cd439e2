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

namespace azimuth {
namespace {

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
    }

    std::vector<GeneratedRow> run() {
        const auto rows = static_cast<std::size_t>(m_options.decoding.rows);
        if (m_options.refill) {
            runSpan(0, m_requests.size(), std::min(rows, m_requests.size()));
        } else {
            for (std::size_t first = 0; first < m_requests.size(); first += rows) {
                const auto count = std::min(rows, m_requests.size() - first);
                runSpan(first, first + count, count);
            }
        }
        return std::move(m_rows);
    }

private:
    // Requests [first, last) through `slots` places of one cache.
    void runSpan(std::size_t first, std::size_t last, std::size_t slots) {
        std::int64_t longest = 0;
        for (auto i = first; i < last; ++i)
            longest = std::max(longest, static_cast<std::int64_t>(m_requests[i].ids.size()));
        KeyValueCache cache(m_decoder.spec(), static_cast<std::int64_t>(slots),
                            longest + m_options.decoding.maximumNewTokens, m_decoder.computeType(),
                            m_decoder.device());
        m_slots.assign(slots, Slot{});
        std::size_t next = first;
        while (true) {
            const auto open =
                std::count_if(m_slots.begin(), m_slots.end(), [](const Slot& s) { return s.request < 0; });
            const bool idle = open == static_cast<std::ptrdiff_t>(slots);
            // Filling one place at a time would make prompts small products: wait for an eighth of the
            // places.
            if (next < last && (idle || open * 8 >= static_cast<std::ptrdiff_t>(slots)))
                next = fill(cache, next, last);
            if (std::none_of(m_slots.begin(), m_slots.end(),
                             [](const Slot& s) { return s.request >= 0 && !s.finished; })) {
                if (next == last)
                    return;
                continue;
            }
            step(cache);
        }
    }

    std::size_t fill(KeyValueCache& cache, std::size_t next, std::size_t last) {
        report();
        std::vector<PrefillRow> rows;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < m_slots.size() && next < last; ++i)
            if (m_slots[i].request < 0) {
                const auto& ids = m_requests[next].ids;
                m_slots[i] = {static_cast<std::int64_t>(next), static_cast<std::int64_t>(ids.size()), 0,
                              false};
                rows.push_back({ids, static_cast<std::int64_t>(next), static_cast<std::int64_t>(i)});
                places.push_back(i);
                ++next;
            }
        const std::int64_t budget = m_decoder.device().is_cpu() ? 2048 : 16384;
        take(prefill(m_decoder, cache, m_steering, rows, budget), places);
        return next;
    }

    void step(KeyValueCache& cache) {
        report();
        std::vector<Sequence> sequences;
        std::vector<std::span<const std::int32_t>> ids;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < m_slots.size(); ++i) {
            auto& slot = m_slots[i];
            if (slot.request < 0)
                continue;
            const auto prompt =
                static_cast<std::int64_t>(m_requests[static_cast<std::size_t>(slot.request)].ids.size());
            sequences.push_back(
                {slot.length, 1, prompt, slot.finished ? -1 : slot.request, {static_cast<std::int64_t>(i)}});
            ids.emplace_back(&slot.last, 1);
            places.push_back(i);
        }
        const PackedBatch batch(std::move(sequences), ids, m_decoder.device());
        const std::int64_t blocks = m_decoder.spec().blocks;
        BlockOptions options;
        options.cache = &cache;
        at::Tensor residual = m_decoder.embed(batch);
        for (std::int64_t k = 0; k < blocks; ++k) {
            m_steering.apply(k, residual, batch, batch.places());
            const auto hook = m_steering.blockHook(k, batch, batch.places());
            options.hook = hook ? &hook : nullptr;
            residual = m_decoder.block(k, residual, batch, options);
        }
        m_steering.apply(blocks, residual, batch, batch.places());
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
        if (m_callbacks.token)
            m_callbacks.token(request, id);
        const bool stopped =
            std::find(m_options.stop.begin(), m_options.stop.end(), id) != m_options.stop.end();
        if (!stopped && static_cast<std::int64_t>(row.ids.size()) < m_options.decoding.maximumNewTokens)
            return;
        row.finish = stopped ? Finish::Stop : Finish::Length;
        ++m_progress.rowsDone;
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

    const Decoder& m_decoder;
    const std::vector<GenerateRequest>& m_requests;
    const Steering& m_steering;
    const GenerateOptions& m_options;
    const GenerateCallbacks& m_callbacks;
    std::vector<GeneratedRow> m_rows;
    std::vector<Slot> m_slots;
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
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto length = static_cast<std::int64_t>(requests[i].ids.size());
        if (length == 0)
            refuse("Prompt " + std::to_string(i) + " has no tokens.");
        longest = std::max(longest, length);
        if (length + decoding.maximumNewTokens > decoder.spec().contextLength)
            throw Error("model.context",
                        "Prompt " + std::to_string(i) + " has " + std::to_string(length) +
                            " tokens and asks for " + std::to_string(decoding.maximumNewTokens) +
                            " more; the model's context is " + std::to_string(decoder.spec().contextLength) +
                            ".",
                        "Shorten the prompt or ask for fewer new tokens.");
    }
    const auto rows = std::min(decoding.rows, static_cast<std::int64_t>(requests.size()));
    const auto needed = KeyValueCache::bytes(decoder.spec(), rows, longest + decoding.maximumNewTokens,
                                             c10::elementSize(decoder.computeType()));
    if (decoder.device().is_cpu() && needed > availableMemory())
        throw Error("generate.memory",
                    "The key-value cache of " + std::to_string(rows) + " rows needs " +
                        std::to_string(needed >> 20) + " MiB; " + std::to_string(availableMemory() >> 20) +
                        " MiB are free.",
                    "Use fewer rows at a time or fewer new tokens.");
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
