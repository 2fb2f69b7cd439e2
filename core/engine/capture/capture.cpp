#include "core/engine/capture/capture.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/memory.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <span>

namespace azimuth {
namespace {

constexpr std::int64_t smallestBudget = 32, budgetOfCpu = 1024, budgetOfGpu = 16384; // tokens of a batch
constexpr std::int64_t copiesOfBudget = 4; // tokens that all begin with, once for each prompt of a batch

[[noreturn]] void refuse(const std::string& finding) {
    throw Error("capture.request", finding, "This is a defect of the job that asked for it; report it.");
}

void checkInside(const Decoder& decoder, const CaptureOptions& options) {
    const auto& spec = decoder.spec();
    for (std::size_t i = 0; i < options.inside.size(); ++i) {
        const auto& [k, site] = options.inside[i];
        if (site == Site::Resid || k < 0 || k >= spec.blocks ||
            (i > 0 && options.inside[i] <= options.inside[i - 1]))
            refuse(toString(site) + " of block " + std::to_string(k) +
                   " was asked for; places inside blocks ascend within 0.." +
                   std::to_string(spec.blocks - 1) + ".");
        if (site == Site::ResidMid && spec.parallelBranches)
            throw Error("capture.site",
                        "A model of the family " + spec.family +
                            " adds both branches at once: there is no residual between them.",
                        "Capture attn_out and mlp_out instead of resid_mid.");
    }
}

// The block whose result is the last one needed.
std::int64_t lastOf(const CaptureOptions& options) {
    const auto residual = options.ks.empty() ? 0 : options.ks.back();
    return options.inside.empty() ? residual : std::max(residual, options.inside.back().k + 1);
}

void check(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
           const CaptureOptions& options) {
    const auto last = decoder.spec().blocks;
    for (std::size_t i = 0; i < options.ks.size(); ++i)
        if (options.ks[i] < 0 || options.ks[i] > last || (i > 0 && options.ks[i] <= options.ks[i - 1]))
            refuse("R[k] of k = " + std::to_string(options.ks[i]) + " was asked for; k ascends within 0.." +
                   std::to_string(last) + ".");
    if (options.ks.empty() && options.inside.empty())
        refuse("No k was asked for.");
    checkInside(decoder, options);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto& request = requests[i];
        const auto length = static_cast<std::int64_t>(request.ids.size());
        if (request.ids.empty() || request.positions.empty())
            refuse("Prompt " + std::to_string(i) + " has no tokens or no wanted positions.");
        for (std::size_t p = 0; p < request.positions.size(); ++p)
            if (request.positions[p] < 0 || request.positions[p] >= length ||
                (p > 0 && request.positions[p] <= request.positions[p - 1]))
                refuse("Prompt " + std::to_string(i) + " has " + std::to_string(length) +
                       " tokens; position " + std::to_string(request.positions[p]) + " was asked for.");
    }
}

// Longest first, so that the largest need of memory comes at once.
std::vector<std::size_t> orderOf(const std::vector<CaptureRequest>& requests) {
    std::vector<std::size_t> order(requests.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return requests[a].ids.size() > requests[b].ids.size();
    });
    return order;
}

// Requests per batch, in the order given, without the first `common` tokens of each. Those cost memory too,
// if little: attention reads a copy for each sequence. At the smallest budget each is a batch of its own.
std::deque<std::vector<std::size_t>> cutBatches(const std::vector<CaptureRequest>& requests,
                                                const std::vector<std::size_t>& order, std::int64_t budget,
                                                std::int64_t common) {
    std::deque<std::vector<std::size_t>> batches;
    std::int64_t tokens = 0, copies = 0;
    for (const auto index : order) {
        const auto length = static_cast<std::int64_t>(requests[index].ids.size()) - common;
        if (batches.empty() || budget <= smallestBudget || tokens + length > budget ||
            copies + common > copiesOfBudget * budget) {
            batches.emplace_back();
            tokens = copies = 0;
        }
        batches.back().push_back(index);
        tokens += length;
        copies += common;
    }
    return batches;
}

// 0: it would save less than a twentieth.
std::int64_t worthSharing(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
                          const CaptureOptions& options, std::int64_t total) {
    if (requests.size() < 2 || options.edit || !options.shareBeginnings || lastOf(options) == 0)
        return 0;
    std::size_t longest = 0;
    std::vector<std::span<const std::int32_t>> beforeWanted;
    for (const auto& request : requests) {
        longest = std::max(longest, request.ids.size());
        beforeWanted.push_back(
            std::span(request.ids).first(static_cast<std::size_t>(request.positions.front())));
    }
    const auto common = decoder.sharable(commonBeginning(beforeWanted), static_cast<std::int64_t>(longest));
    return 20 * common * static_cast<std::int64_t>(requests.size() - 1) >= total ? common : 0;
}

// Keys and values of the first `tokens` of ids in the blocks below `last`.
KeyValueCache computeBeginning(const Decoder& decoder, std::span<const std::int32_t> ids, std::int64_t last,
                               const std::function<void()>& poll) {
    const auto tokens = static_cast<std::int64_t>(ids.size());
    KeyValueCache cache(decoder.spec(), 1, tokens, decoder.computeType(), decoder.device());
    const PackedBatch batch({{0, tokens, tokens, -1, {0}}}, std::span(&ids, 1), decoder.device());
    const std::vector<std::int64_t> wanted{tokens - 1}; // of the last block only keys and values
    at::Tensor residual = decoder.embed(batch);
    for (std::int64_t k = 0; k < last; ++k) {
        poll();
        BlockOptions options;
        options.cache = &cache;
        options.wanted = k + 1 == last ? &wanted : nullptr;
        residual = decoder.block(k, residual, batch, options);
    }
    return cache;
}

// What the sink has had, so that a batch that is tried again gives nothing twice.
struct Delivered {
    std::vector<InsideBlock> upTo; // per request the furthest place, R[k] before those inside block k
    bool inSink = false;           // while the sink runs: what it throws is its own
};

class BatchCapture {
public:
    BatchCapture(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
                 const CaptureOptions& options, const std::vector<std::size_t>& members,
                 const std::optional<KeyValueCache>& common, Delivered& delivered)
        : m_decoder(decoder), m_requests(requests), m_options(options), m_members(members),
          m_common(common ? &*common : nullptr), m_delivered(delivered) {
        const std::int64_t before = common ? common->capacity() : 0;
        std::vector<Sequence> sequences;
        std::vector<std::span<const std::int32_t>> ids;
        std::int64_t offset = 0;
        for (const auto member : members) {
            const auto& request = requests[member];
            const auto whole = static_cast<std::int64_t>(request.ids.size()), length = whole - before;
            sequences.push_back({before, length, whole, static_cast<std::int64_t>(member), {}});
            ids.push_back(std::span(request.ids).subspan(static_cast<std::size_t>(before)));
            for (const auto position : request.positions)
                m_wanted.push_back(offset + position - before);
            offset += length;
        }
        m_batch = PackedBatch(std::move(sequences), ids, decoder.device());
        for (const auto token : m_wanted)
            m_wantedPlaces.push_back(m_batch.places()[static_cast<std::size_t>(token)]);
        m_wantedRows = at::tensor(m_wanted, at::TensorOptions().dtype(at::kLong)).to(decoder.device());
    }

    void run(const CaptureSink& sink, const std::function<void()>& poll) {
        const std::int64_t last = lastOf(m_options);
        at::Tensor residual = m_decoder.embed(m_batch);
        bool narrowed = false;
        std::size_t next = 0;
        for (std::int64_t k = 0;; ++k) {
            if (m_options.edit)
                m_options.edit(k, residual, m_batch, narrowed ? m_wantedPlaces : m_batch.places());
            if (next < m_options.ks.size() && m_options.ks[next] == k) {
                deliver({k, Site::Resid}, narrowed ? residual : residual.index_select(0, m_wantedRows), sink);
                ++next;
            }
            if (k == last)
                return;
            poll();
            BlockOptions options;
            options.common = m_common;
            narrowed = k + 1 == last && static_cast<std::int64_t>(m_wanted.size()) < m_batch.tokens();
            options.wanted = narrowed ? &m_wanted : nullptr;
            std::map<InsideBlock, at::Tensor> seen;
            const BlockHook hook = [&](Site site, const at::Tensor& value) {
                const InsideBlock where{k, site};
                if (std::ranges::binary_search(m_options.inside, where))
                    seen[where] = narrowed ? value.clone() : value.index_select(0, m_wantedRows);
            };
            options.hook = m_options.inside.empty() ? nullptr : &hook;
            residual = m_decoder.block(k, residual, m_batch, options);
            for (const auto& [where, rows] : seen)
                deliver(where, rows, sink);
        }
    }

private:
    void deliver(const InsideBlock& where, const at::Tensor& rows, const CaptureSink& sink) const {
        const at::Tensor host = rows.to(at::kCPU, at::kFloat).contiguous();
        std::int64_t first = 0;
        for (const auto member : m_members) {
            const auto count = static_cast<std::int64_t>(m_requests[member].positions.size());
            auto& upTo = m_delivered.upTo[member];
            if (where > upTo) { // else it was there before memory ran out
                upTo = where;
                m_delivered.inSink = true;
                const at::Tensor part = host.narrow(0, first, count);
                if (where.site == Site::Resid)
                    sink(static_cast<std::int64_t>(member), where.k, part);
                else
                    m_options.insideSink(static_cast<std::int64_t>(member), where, part);
                m_delivered.inSink = false;
            }
            first += count;
        }
    }

    const Decoder& m_decoder;
    const std::vector<CaptureRequest>& m_requests;
    const CaptureOptions& m_options;
    const std::vector<std::size_t>& m_members;
    const KeyValueCache* m_common;
    Delivered& m_delivered;
    PackedBatch m_batch;
    std::vector<std::int64_t> m_wanted;
    std::vector<TokenPlace> m_wantedPlaces;
    at::Tensor m_wantedRows;
};

// All batches of one capture, smaller ones where memory runs out.
class Capturing {
public:
    Capturing(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
              const CaptureOptions& options, const CaptureSink& sink, const CaptureProgress& progress)
        : m_decoder(decoder), m_requests(requests), m_options(options),
          m_sink(sink), m_delivered{std::vector<InsideBlock>(requests.size(), {-1, Site::Resid}), false} {
        const bool cpu = decoder.device().is_cpu();
        m_budget = options.tokenBudget > 0 ? options.tokenBudget : cpu ? budgetOfCpu : budgetOfGpu;
        for (const auto& request : requests)
            m_total += static_cast<std::int64_t>(request.ids.size());
        m_report = [this, &progress] {
            if (progress && !progress(m_done, m_total))
                throw Error("cancelled", "The capture was cancelled.", "");
        };
    }

    void run() {
        share();
        cut(orderOf(m_requests));
        while (!m_batches.empty()) {
            m_report();
            const auto members = m_batches.front();
            m_batches.pop_front();
            const auto read = [&] {
                BatchCapture(m_decoder, m_requests, m_options, members, m_beginning, m_delivered)
                    .run(m_sink, m_report);
            };
            if (!withinMemory(read)) {
                needLess(members);
                continue;
            }
            for (const auto member : members)
                m_done += static_cast<std::int64_t>(m_requests[member].ids.size());
        }
        m_report();
    }

private:
    void share() {
        const auto common = worthSharing(m_decoder, m_requests, m_options, m_total);
        if (common == 0)
            return;
        const auto ids = std::span(m_requests.front().ids).first(static_cast<std::size_t>(common));
        if (withinMemory(
                [&] { m_beginning.emplace(computeBeginning(m_decoder, ids, lastOf(m_options), m_report)); }))
            note("All prompts begin with the same " + std::to_string(common) +
                 " tokens, which are computed once.");
        else
            note(apart);
    }

    void cut(const std::vector<std::size_t>& order) {
        m_batches = cutBatches(m_requests, order, m_budget, m_beginning ? m_beginning->capacity() : 0);
    }

    void needLess(const std::vector<std::size_t>& members) {
        const bool alone = members.size() == 1; // no smaller budget makes it smaller
        if (m_delivered.inSink || (alone && !m_beginning))
            throw Error("memory.exhausted",
                        "Memory ran out while reading a prompt of " +
                            std::to_string(m_requests[members.front()].ids.size()) + " tokens.",
                        "Use shorter or fewer prompts, a smaller model, or bf16 instead of fp32.");
        if (alone) {
            m_beginning.reset();
            note(apart);
        } else {
            m_budget = std::max(smallestBudget, m_budget / 2);
            note("Memory ran out; prompts are read " + std::to_string(m_budget) + " tokens at a time.");
        }
        std::vector<std::size_t> left = members;
        for (const auto& batch : m_batches)
            left.insert(left.end(), batch.begin(), batch.end());
        cut(left);
    }

    void note(const std::string& text) const {
        if (m_options.note)
            m_options.note(text);
    }

    static constexpr const char* apart =
        "Memory ran out; what all prompts begin with is computed for each of them.";
    const Decoder& m_decoder;
    const std::vector<CaptureRequest>& m_requests;
    const CaptureOptions& m_options;
    const CaptureSink& m_sink;
    std::function<void()> m_report;
    std::int64_t m_budget = 0, m_done = 0, m_total = 0;
    Delivered m_delivered;
    std::optional<KeyValueCache> m_beginning;
    std::deque<std::vector<std::size_t>> m_batches;
};

} // namespace

std::int64_t commonBeginning(const std::vector<std::span<const std::int32_t>>& prompts) {
    auto common = prompts.empty() ? std::span<const std::int32_t>() : prompts.front();
    for (const auto& prompt : prompts)
        common = common.first(
            static_cast<std::size_t>(std::ranges::mismatch(common, prompt).in1 - common.begin()));
    return static_cast<std::int64_t>(common.size());
}

std::uint64_t sharingBytes(const ArchitectureSpec& spec, std::int64_t common, std::int64_t prompts,
                           std::int64_t longest) {
    if (common == 0 || prompts < 2)
        return 0;
    const auto copies =
        std::min(common * prompts, copiesOfBudget * budgetOfCpu + common) + std::max(longest, budgetOfCpu);
    const auto ofToken = 2 * spec.keyValueWidth() * 4;
    return static_cast<std::uint64_t>(common * spec.blocks * ofToken + 2 * copies * ofToken);
}

void capture(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
             const CaptureOptions& options, const CaptureSink& sink, const CaptureProgress& progress) {
    check(decoder, requests, options);
    const c10::InferenceMode inference;
    Capturing(decoder, requests, options, sink, progress).run();
}

std::vector<at::Tensor> captureRows(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
                                    const CaptureOptions& options, const CaptureProgress& progress,
                                    std::uint64_t maximumBytes) {
    std::vector<std::int64_t> firstRow;
    std::int64_t rows = 0;
    for (const auto& request : requests) {
        firstRow.push_back(rows);
        rows += static_cast<std::int64_t>(request.positions.size());
    }
    const std::int64_t width = decoder.spec().width;
    std::uint64_t bytes = 4;
    const auto places = options.ks.size() + options.inside.size();
    for (const auto extent : {rows, width, static_cast<std::int64_t>(places)})
        if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes) || bytes > maximumBytes)
            throw Error("capture.memory",
                        "Captured rows need more than the " + std::to_string(maximumBytes >> 20) +
                            " MiB allowed: " + std::to_string(rows) + " rows of " + std::to_string(places) +
                            " places.",
                        "Capture fewer prompts or positions at a time.");
    std::vector<at::Tensor> result;
    for (std::size_t i = 0; i < places; ++i)
        result.push_back(at::empty({rows, width}, at::kFloat));
    const auto keep = [&](std::int64_t request, std::ptrdiff_t place, const at::Tensor& captured) {
        result[static_cast<std::size_t>(place)]
            .narrow(0, firstRow[static_cast<std::size_t>(request)], captured.size(0))
            .copy_(captured);
    };
    CaptureOptions all = options;
    all.insideSink = [&](std::int64_t request, const InsideBlock& where, const at::Tensor& captured) {
        const auto at = std::ranges::lower_bound(options.inside, where) - options.inside.begin();
        keep(request, static_cast<std::ptrdiff_t>(options.ks.size()) + at, captured);
    };
    capture(
        decoder, requests, all,
        [&](std::int64_t request, std::int64_t k, const at::Tensor& captured) {
            keep(request, std::ranges::lower_bound(options.ks, k) - options.ks.begin(), captured);
        },
        progress);
    return result;
}

} // namespace azimuth
