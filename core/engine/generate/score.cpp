#include "core/engine/generate/score.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/generate/prefill.h"
#include "core/engine/generate/score_groups.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace azimuth {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int64_t smallestBudget = 32;
constexpr std::int64_t logitBytes = std::int64_t{32} << 20; // of one product with the head, F32
constexpr std::int64_t doubleBytes = std::int64_t{8} << 20; // of one tensor of distributions, F64

std::int64_t rowsIn(std::int64_t bytes, std::int64_t element, std::int64_t vocabulary) {
    return std::max<std::int64_t>(1, bytes / (element * vocabulary));
}

// Tokens [first, first + count) of one continuation after every cell of a group that scores it.
struct Piece {
    std::size_t group = 0, continuation = 0;
    std::int64_t first = 0, count = 0;
    std::vector<std::size_t> cells; // indices into the group's
};

at::Tensor indices(const std::vector<std::int64_t>& values, at::Device device) {
    return at::tensor(values, at::TensorOptions().dtype(at::kLong)).to(device);
}

class Batch {
public:
    Batch(const Decoder& decoder, const std::vector<Ids>& prompts, const Steering& steering,
          std::vector<ScoreGroup> groups, bool reference, std::int64_t budget,
          const std::function<void()>& poll, std::vector<ScoredRow>& rows, std::int64_t& done)
        : m_decoder(decoder), m_prompts(prompts), m_steering(steering), m_groups(std::move(groups)),
          m_reference(reference), m_budget(budget), m_poll(poll), m_rows(rows), m_done(done),
          m_cache(makeCache()) {
        m_logitRows = rowsIn(logitBytes, 4, decoder.spec().vocabulary);
        m_doubleRows = rowsIn(doubleBytes, 8, decoder.spec().vocabulary);
    }

    void run() {
        std::vector<PrefillRow> rows;
        for (std::size_t g = 0; g < m_groups.size(); ++g)
            for (std::size_t c = 0; c < m_groups[g].cells.size(); ++c)
                rows.push_back(
                    {m_prompts[std::size_t(m_groups[g].prompt)], m_groups[g].cells[c].arm, slotOf(g, c)});
        const at::Tensor logits = prefill(m_decoder, m_cache, m_steering, rows, m_budget, m_poll);
        for (std::size_t g = 0; g < m_groups.size(); ++g) {
            m_poll();
            takeFirst(g, logits.narrow(0, slotOf(g, 0), static_cast<std::int64_t>(m_groups[g].cells.size())));
        }
        std::size_t most = 0;
        for (const auto& group : m_groups)
            most = std::max(most, group.continuations.size());
        // The u-th continuation of every group at once; the next ones write over what it left in the cache.
        for (std::size_t u = 0; u < most; ++u)
            runContinuations(u);
    }

private:
    std::int64_t slotOf(std::size_t group, std::size_t cell) const {
        std::int64_t slot = 0;
        for (std::size_t g = 0; g < group; ++g)
            slot += static_cast<std::int64_t>(m_groups[g].cells.size());
        return slot + static_cast<std::int64_t>(cell);
    }

    KeyValueCache makeCache() const {
        std::int64_t capacity = 0;
        for (const auto& group : m_groups) {
            const auto prompt = static_cast<std::int64_t>(m_prompts[std::size_t(group.prompt)].size());
            for (const auto& ids : group.continuations)
                capacity = std::max(capacity, prompt + static_cast<std::int64_t>(ids.size()) - 1);
        }
        return {m_decoder.spec(), slotOf(m_groups.size(), 0), capacity, m_decoder.computeType(),
                m_decoder.device()};
    }

    // Those of the group's cells that score the continuation; the reference takes part with them.
    std::vector<std::size_t> cellsOf(const ScoreGroup& group, std::size_t continuation) const {
        std::vector<std::size_t> cells;
        bool wanted = false;
        for (std::size_t c = 0; c < group.cells.size(); ++c) {
            const bool scores = group.cells[c].requests.contains(continuation);
            if (scores || (m_reference && c == 0))
                cells.push_back(c);
            wanted = wanted || scores;
        }
        return wanted ? cells : std::vector<std::size_t>{};
    }

    // Log-probabilities of the vocabulary and, per row, the divergence of the first one's distribution from
    // it.
    struct Distributions {
        at::Tensor logs, divergence; // F64 [cells, tokens, vocabulary], [cells, tokens] or undefined
    };
    Distributions distributionsOf(const at::Tensor& logits) const { // [cells, tokens, vocabulary]
        const at::Tensor logs = at::log_softmax(logits, 2, at::kDouble);
        return {logs, m_reference ? (logs[0] - logs).mul_(logs[0].exp()).sum(-1) : at::Tensor()};
    }

    void takeFirst(std::size_t g, const at::Tensor& logits) {
        const auto& group = m_groups[g];
        const auto all = distributionsOf(logits.unsqueeze(1));
        for (std::size_t u = 0; u < group.continuations.size(); ++u) {
            const Piece piece{g, u, -1, 1, cellsOf(group, u)};
            if (piece.cells.empty())
                continue;
            auto some = all;
            if (piece.cells.size() < group.cells.size()) {
                const at::Tensor rows = indices({piece.cells.begin(), piece.cells.end()}, logits.device());
                some.logs = all.logs.index_select(0, rows);
                if (m_reference)
                    some.divergence = all.divergence.index_select(0, rows);
            }
            take(piece, some);
        }
    }

    // A few tokens at a time: distributions in float64 are large.
    void takeTokens(const Piece& piece, const at::Tensor& logits) {
        const auto step = std::max<std::int64_t>(1, m_doubleRows / logits.size(0));
        for (std::int64_t done = 0; done < piece.count; done += step) {
            m_poll();
            auto part = piece;
            part.first += done;
            part.count = std::min(step, piece.count - done);
            take(part, distributionsOf(logits.narrow(1, done, part.count)));
        }
    }

    // The distributions after each token of the piece.
    void take(const Piece& piece, const Distributions& found) {
        const auto& ids = m_groups[piece.group].continuations[piece.continuation];
        std::vector<std::int64_t> next;
        for (std::int64_t i = 0; i < piece.count; ++i)
            next.push_back(ids[static_cast<std::size_t>(piece.first + i + 1)]);
        const at::Tensor chosen =
            found.logs
                .gather(
                    2,
                    indices(next, found.logs.device()).view({1, -1, 1}).expand({found.logs.size(0), -1, 1}))
                .squeeze(2);
        store(piece, chosen.to(at::kCPU), m_reference ? found.divergence.to(at::kCPU) : at::Tensor());
    }

    void store(const Piece& piece, const at::Tensor& chosen, const at::Tensor& divergence) {
        if (!chosen.isfinite().all().item<bool>())
            throw Error("score.nonfinite", "The model's output is not finite any more.",
                        "The strength is far too large for this model; choose a smaller one.");
        const auto& cells = m_groups[piece.group].cells;
        for (std::size_t c = 0; c < piece.cells.size(); ++c) {
            const auto& requests = cells[piece.cells[c]].requests;
            const auto found = requests.find(piece.continuation);
            if (found == requests.end())
                continue;
            auto& row = m_rows[found->second];
            for (std::int64_t i = 0; i < piece.count; ++i) {
                const auto cell = static_cast<std::int64_t>(c);
                row.logProbabilities.push_back(chosen[cell][i].item<double>());
                if (divergence.defined())
                    row.kl.push_back(divergence[cell][i].item<double>());
            }
            if (row.logProbabilities.size() == m_groups[piece.group].continuations[piece.continuation].size())
                ++m_done;
        }
    }

    // In passes of at most the budget; a continuation that is longer than its share goes in pieces.
    void runContinuations(std::size_t u) {
        std::vector<Piece> pass;
        std::int64_t tokens = 0;
        for (std::size_t g = 0; g < m_groups.size(); ++g) {
            if (u >= m_groups[g].continuations.size())
                continue;
            Piece piece{g, u, 0, 0, cellsOf(m_groups[g], u)};
            if (piece.cells.empty())
                continue;
            const auto cells = static_cast<std::int64_t>(piece.cells.size());
            const auto fed = static_cast<std::int64_t>(m_groups[g].continuations[u].size()) - 1;
            while (piece.first < fed) {
                piece.count = std::min(fed - piece.first, std::max<std::int64_t>(1, m_budget / cells));
                // A later piece reads what an earlier one wrote.
                const bool follows = !pass.empty() && pass.back().group == g;
                if (!pass.empty() && (follows || tokens + cells * piece.count > m_budget)) {
                    runPass(pass);
                    pass.clear();
                    tokens = 0;
                }
                tokens += cells * piece.count;
                pass.push_back(piece);
                piece.first += piece.count;
            }
        }
        if (!pass.empty())
            runPass(pass);
    }

    void runPass(const std::vector<Piece>& pieces) {
        std::vector<Sequence> sequences;
        std::vector<std::span<const std::int32_t>> ids;
        for (const auto& piece : pieces) {
            const auto& group = m_groups[piece.group];
            const auto prompt = static_cast<std::int64_t>(m_prompts[std::size_t(group.prompt)].size());
            for (const auto cell : piece.cells) {
                sequences.push_back({prompt + piece.first,
                                     piece.count,
                                     prompt,
                                     group.cells[cell].arm,
                                     {slotOf(piece.group, cell)}});
                ids.push_back(std::span(group.continuations[piece.continuation])
                                  .subspan(static_cast<std::size_t>(piece.first),
                                           static_cast<std::size_t>(piece.count)));
            }
        }
        const PackedBatch batch(std::move(sequences), ids, m_decoder.device());
        BlockOptions options;
        options.cache = &m_cache;
        at::Tensor residual = m_decoder.embed(batch);
        for (std::int64_t k = 0; k < m_decoder.spec().blocks; ++k) {
            m_poll();
            m_steering.apply(k, residual, batch, batch.places());
            const auto hook = m_steering.blockHook(k, batch, batch.places());
            options.hook = hook ? &hook : nullptr;
            residual = m_decoder.block(k, residual, batch, options);
        }
        m_steering.apply(m_decoder.spec().blocks, residual, batch, batch.places());
        takePieces(pieces, residual);
    }

    // The head in products of at most m_logitRows rows (at least one token after every cell of a piece).
    void takePieces(const std::vector<Piece>& pieces, const at::Tensor& residual) {
        std::vector<Piece> taken;
        std::vector<std::int64_t> rows;
        const auto flush = [&] {
            m_poll();
            const at::Tensor logits =
                m_decoder.logits(residual.index_select(0, indices(rows, residual.device())));
            std::int64_t first = 0;
            for (const auto& piece : taken) {
                const auto cells = static_cast<std::int64_t>(piece.cells.size());
                const auto count = cells * piece.count;
                takeTokens(piece, logits.narrow(0, first, count).view({cells, piece.count, -1}));
                first += count;
            }
            taken.clear();
            rows.clear();
        };
        std::int64_t offset = 0;
        for (const auto& piece : pieces) {
            const auto cells = static_cast<std::int64_t>(piece.cells.size());
            for (std::int64_t done = 0; done < piece.count;) {
                const auto free = m_logitRows - static_cast<std::int64_t>(rows.size());
                if (!rows.empty() && free < cells) {
                    flush();
                    continue;
                }
                auto part = piece;
                part.first += done;
                part.count = std::min(piece.count - done, std::max<std::int64_t>(1, free / cells));
                for (std::int64_t c = 0; c < cells; ++c)
                    for (std::int64_t i = 0; i < part.count; ++i)
                        rows.push_back(offset + c * piece.count + done + i);
                done += part.count;
                taken.push_back(std::move(part));
            }
            offset += cells * piece.count;
        }
        if (!rows.empty())
            flush();
    }

    const Decoder& m_decoder;
    const std::vector<Ids>& m_prompts;
    const Steering& m_steering;
    std::vector<ScoreGroup> m_groups;
    bool m_reference;
    std::int64_t m_budget, m_logitRows = 1, m_doubleRows = 1;
    const std::function<void()>& m_poll;
    std::vector<ScoredRow>& m_rows; // [requests]
    std::int64_t& m_done;           // requests
    KeyValueCache m_cache;
};

void check(const Decoder& decoder, const std::vector<Ids>& prompts,
           const std::vector<ScoreRequest>& requests) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto& request = requests[i];
        if (request.prompt < 0 || request.prompt >= static_cast<std::int64_t>(prompts.size()) ||
            request.arm < 0)
            throw Error("score.request",
                        "Request " + std::to_string(i) + " names prompt " + std::to_string(request.prompt) +
                            " of " + std::to_string(prompts.size()) + " and arm " +
                            std::to_string(request.arm) + ".",
                        "This is a defect of the job that asked for it; report it.");
        const auto& prompt = prompts[static_cast<std::size_t>(request.prompt)];
        if (prompt.empty() || request.ids.empty())
            throw Error("score.request",
                        "Prompt " + std::to_string(request.prompt) + " has " + std::to_string(prompt.size()) +
                            " tokens and its continuation " + std::to_string(request.ids.size()) +
                            "; both need at least one.",
                        "Give a longer text.");
        for (const auto id : request.ids)
            if (id < 0 || id >= decoder.spec().vocabulary)
                throw Error("model.token",
                            "Token id " + std::to_string(id) +
                                " of a continuation is outside the vocabulary of " +
                                std::to_string(decoder.spec().vocabulary) + ".",
                            "Use token ids of this model's tokenizer.");
        const auto length = static_cast<std::int64_t>(prompt.size() + request.ids.size()) - 1;
        if (length > decoder.spec().contextLength)
            throw Error("model.context",
                        "Prompt " + std::to_string(request.prompt) + " has " + std::to_string(prompt.size()) +
                            " tokens and its continuation " + std::to_string(request.ids.size()) +
                            "; the model's context is " + std::to_string(decoder.spec().contextLength) + ".",
                        "Shorten one of them.");
    }
}

void clear(const std::vector<ScoreGroup>& groups, std::vector<ScoredRow>& rows) {
    for (const auto& group : groups)
        for (const auto& cell : group.cells)
            for (const auto& [continuation, request] : cell.requests)
                rows[request] = {};
}

} // namespace

std::uint64_t scoreBuffers(const ArchitectureSpec& spec, std::int64_t batch) {
    const auto vocabulary = static_cast<std::uint64_t>(spec.vocabulary);
    // Logits of one product in the compute type and in F32; of one prompt's arms, or some of their tokens,
    // the distributions, those that are compared with, and both together.
    const auto rows = static_cast<std::uint64_t>(std::max(batch, rowsIn(doubleBytes, 8, spec.vocabulary)));
    const auto logits = static_cast<std::uint64_t>(std::max(batch, rowsIn(logitBytes, 4, spec.vocabulary)));
    return vocabulary * (logits * 8 + rows * 8 * 3);
}

std::vector<ScoredRow> score(const Decoder& decoder, const std::vector<std::vector<std::int32_t>>& prompts,
                             const std::vector<ScoreRequest>& requests, const Steering& steering,
                             const ScoreOptions& options, const ScoreCallbacks& callbacks) {
    check(decoder, prompts, requests);
    const c10::InferenceMode inference;
    std::vector<ScoredRow> rows(requests.size());
    std::int64_t done = 0;
    const std::function<void()> poll = [&] {
        if (callbacks.progress && !callbacks.progress(done, static_cast<std::int64_t>(requests.size())))
            throw Error("cancelled", "The scoring was cancelled.", "");
    };
    const bool reference = options.reference >= 0;
    const auto groups = groupsOf(requests, options.reference);
    std::int64_t batch = options.batch;
    std::int64_t budget =
        options.tokenBudget > 0 ? options.tokenBudget : (decoder.device().is_cpu() ? 2048 : 16384);
    ScoreCutter cutter(groups, reference);
    while (!cutter.finished()) {
        poll();
        const auto before = cutter;
        auto part = cutter.next(batch);
        const auto doneBefore = done;
        if (withinMemory(
                [&] { Batch(decoder, prompts, steering, part, reference, budget, poll, rows, done).run(); }))
            continue;
        if (batch <= (reference ? 2 : 1) && budget <= smallestBudget)
            throw Error("memory.exhausted",
                        "Memory ran out while scoring one prompt under one arm, " + std::to_string(budget) +
                            " tokens at a time.",
                        "Use shorter prompts, a smaller model, or bf16 instead of fp32.");
        done = doneBefore;
        clear(part, rows);
        cutter = before;
        batch = std::max<std::int64_t>(reference ? 2 : 1, batch / 2);
        budget = std::max<std::int64_t>(smallestBudget, budget / 2);
        if (callbacks.note)
            callbacks.note("Memory ran out; going on with " + std::to_string(batch) + " rows and " +
                           std::to_string(budget) + " tokens at a time.");
    }
    poll();
    return rows;
}

} // namespace azimuth
