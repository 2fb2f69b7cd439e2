#include "core/engine/generate/prefill.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

namespace azimuth {
namespace {

// Rows of one prompt that have not parted yet.
struct Trunk {
    std::int64_t sequence = 0;
    std::vector<std::size_t> rows; // indices into the pass
};

class Pass {
public:
    Pass(const Decoder& decoder, KeyValueCache& cache, const Steering& steering,
         std::span<const PrefillRow> rows)
        : m_decoder(decoder), m_cache(cache), m_steering(steering), m_rows(rows), m_sequenceOf(rows.size()) {
        std::vector<Sequence> sequences;
        std::vector<std::span<const std::int32_t>> ids;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto same = std::find_if(m_trunks.begin(), m_trunks.end(), [&](const Trunk& trunk) {
                const auto& other = rows[trunk.rows.front()];
                return rows[i].promptLength == 0 && other.promptLength == 0 &&
                       std::ranges::equal(other.ids, rows[i].ids);
            });
            if (same != m_trunks.end()) {
                same->rows.push_back(i);
                auto& sequence = sequences[static_cast<std::size_t>(same->sequence)];
                sequence.row = -1;
                sequence.slots.push_back(rows[i].slot);
                continue;
            }
            const auto length = static_cast<std::int64_t>(rows[i].ids.size());
            m_trunks.push_back({static_cast<std::int64_t>(sequences.size()), {i}});
            const auto prompt = rows[i].promptLength > 0 ? rows[i].promptLength : length;
            sequences.push_back({0, length, prompt, rows[i].row, {rows[i].slot}});
            ids.push_back(rows[i].ids);
        }
        m_batch = PackedBatch(std::move(sequences), ids, decoder.device());
    }

    at::Tensor run(const std::function<void()>& poll) {
        const std::int64_t last = m_decoder.spec().blocks;
        at::Tensor residual = m_decoder.embed(m_batch);
        std::vector<std::int64_t> ends;
        std::vector<TokenPlace> places;
        for (std::int64_t k = 0; k < last; ++k) {
            if (poll)
                poll();
            part(k, residual);
            m_steering.apply(k, residual, m_batch, m_batch.places());
            BlockOptions options;
            options.cache = &m_cache;
            if (k + 1 == last) {
                for (std::size_t i = 1; i < m_batch.offsets().size(); ++i) {
                    ends.push_back(m_batch.offsets()[i] - 1);
                    places.push_back(m_batch.places()[static_cast<std::size_t>(ends.back())]);
                }
                options.wanted = &ends;
            }
            const std::span<const TokenPlace> all(m_batch.places()), narrowed(places);
            const auto hook = m_steering.blockHook(k, m_batch, options.wanted ? narrowed : all);
            options.hook = hook ? &hook : nullptr;
            residual = m_decoder.block(k, residual, m_batch, options);
        }
        m_steering.apply(last, residual, m_batch, places);
        for (const auto& trunk : m_trunks)
            for (const auto row : trunk.rows)
                m_sequenceOf[row] = trunk.sequence;
        return m_decoder.logits(residual).index_select(
            0, at::tensor(m_sequenceOf, at::TensorOptions().dtype(at::kLong)).to(m_decoder.device()));
    }

private:
    // Rows whose first edit is at k leave their trunk; edits of R[L] part before the last block, which keeps
    // last rows only.
    void part(std::int64_t k, at::Tensor& residual) {
        const std::int64_t beforeLast = m_decoder.spec().blocks - 1;
        std::vector<at::Tensor> pieces{residual};
        for (auto& trunk : m_trunks) {
            if (trunk.rows.size() < 2)
                continue;
            const auto first =
                std::stable_partition(trunk.rows.begin(), trunk.rows.end(), [&](std::size_t row) {
                    return std::min(m_steering.firstPromptEdit(m_rows[row].row), beforeLast) != k ||
                           m_steering.firstPromptEdit(m_rows[row].row) > beforeLast + 1;
                });
            std::vector<std::size_t> leaving(first, trunk.rows.end());
            trunk.rows.erase(first, trunk.rows.end());
            if (trunk.rows.empty() && !leaving.empty()) { // the first of them goes on as the trunk
                trunk.rows.push_back(leaving.front());
                leaving.erase(leaving.begin());
                m_batch.setRow(trunk.sequence, m_rows[trunk.rows.front()].row);
            }
            const auto begin = m_batch.offsets()[static_cast<std::size_t>(trunk.sequence)];
            const auto length = m_batch.sequences()[static_cast<std::size_t>(trunk.sequence)].length;
            for (const auto row : leaving) {
                m_sequenceOf[row] = static_cast<std::int64_t>(m_batch.sequences().size());
                m_batch.fork(trunk.sequence, m_rows[row].row, m_rows[row].slot);
                pieces.push_back(residual.narrow(0, begin, length));
            }
            if (trunk.rows.size() == 1)
                m_batch.setRow(trunk.sequence, m_rows[trunk.rows.front()].row);
        }
        if (pieces.size() > 1)
            residual = at::cat(pieces);
    }

    const Decoder& m_decoder;
    KeyValueCache& m_cache;
    const Steering& m_steering;
    std::span<const PrefillRow> m_rows;
    std::vector<Trunk> m_trunks;
    std::vector<std::int64_t> m_sequenceOf; // [rows]
    PackedBatch m_batch;
};

} // namespace

at::Tensor prefill(const Decoder& decoder, KeyValueCache& cache, const Steering& steering,
                   const std::vector<PrefillRow>& rows, std::int64_t tokenBudget,
                   const std::function<void()>& poll) {
    std::vector<at::Tensor> parts;
    for (std::size_t first = 0; first < rows.size();) {
        std::size_t last = first;
        std::int64_t tokens = 0;
        while (last < rows.size() &&
               (last == first || tokens + static_cast<std::int64_t>(rows[last].ids.size()) <= tokenBudget))
            tokens += static_cast<std::int64_t>(rows[last++].ids.size());
        parts.push_back(Pass(decoder, cache, steering, std::span(rows).subspan(first, last - first)).run(poll));
        first = last;
    }
    return parts.size() == 1 ? parts.front() : at::cat(parts);
}

} // namespace azimuth
