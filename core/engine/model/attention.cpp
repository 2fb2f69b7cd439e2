#include "core/engine/model/operations.h"

#include "core/base/error.h"
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/parallel.h"

#include <algorithm>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <cstring>
#include <limits>

namespace azimuth::operations {
namespace {

// The queries of one sequence: rows [first, first + count) of the query tensor, at `positions`.
struct Queries {
    std::int64_t first = 0, count = 0;
    std::vector<std::int64_t> positions;
};

std::vector<Queries> queriesBySequence(const AttentionInput& input, const PackedBatch& batch) {
    std::vector<Queries> result(batch.sequences().size());
    const std::int64_t total = input.query.size(0);
    for (std::int64_t i = 0; i < total; ++i) {
        const auto& place = batch.places()[static_cast<std::size_t>(
            input.wanted ? (*input.wanted)[static_cast<std::size_t>(i)] : i)];
        auto& queries = result[static_cast<std::size_t>(place.sequence)];
        if (queries.count++ == 0)
            queries.first = i;
        queries.positions.push_back(place.position);
    }
    return result;
}

void checkRoom(const Sequence& sequence, const KeyValueCache& cache) {
    if (sequence.start + sequence.length > cache.capacity())
        throw Error("cache.capacity",
                    "A sequence of " + std::to_string(sequence.start + sequence.length) +
                        " tokens does not fit a cache of " + std::to_string(cache.capacity()) + " positions.",
                    "");
}

// to [rows, capacity, heads, head width], from [tokens, heads, head width], as bytes.
void copyToCache(const at::Tensor& to, const at::Tensor& from, const PackedBatch& batch) {
    const auto element = static_cast<std::int64_t>(from.element_size()), size = from.size(2) * element;
    auto* const cached = static_cast<std::byte*>(to.data_ptr());
    const auto* const given = static_cast<const std::byte*>(from.const_data_ptr());
    const auto copy = [&](std::int64_t slot, const Sequence& sequence, std::int64_t offset) {
        for (std::int64_t t = 0; t < sequence.length; ++t)
            for (std::int64_t head = 0; head < from.size(1); ++head)
                std::memcpy(cached + element * (slot * to.stride(0) + (sequence.start + t) * to.stride(1) +
                                                head * to.stride(2)),
                            given + element * ((offset + t) * from.stride(0) + head * from.stride(1)),
                            static_cast<std::size_t>(size));
    };
    const auto count = static_cast<std::int64_t>(batch.sequences().size());
    const auto perSequence = from.size(1) * size * batch.tokens() / count;
    parallelFor(0, count, 32768 / std::max<std::int64_t>(1, perSequence) + 1,
                [&](std::int64_t first, std::int64_t last) {
                    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                        for (const auto slot : batch.sequences()[i].slots)
                            copy(slot, batch.sequences()[i], batch.offsets()[i]);
                });
}

void writeCache(const AttentionInput& input, const PackedBatch& batch, KeyValueCache& cache) {
    for (const auto& sequence : batch.sequences())
        checkRoom(sequence, cache);
    for (const auto& [to, from] :
         {std::pair(cache.keys(input.block), input.key), std::pair(cache.values(input.block), input.value)}) {
        if (from.is_cpu() && from.stride(2) == 1 && from.scalar_type() == to.scalar_type()) {
            copyToCache(to, from, batch);
            continue;
        }
        for (std::size_t i = 0; i < batch.sequences().size(); ++i) {
            const auto& sequence = batch.sequences()[i];
            for (const auto slot : sequence.slots)
                to.select(0, slot)
                    .narrow(0, sequence.start, sequence.length)
                    .copy_(from.narrow(0, batch.offsets()[i], sequence.length));
        }
    }
}

// [queries, keys], true where a query may look.
at::Tensor visible(const Queries& queries, std::int64_t firstKey, std::int64_t keys, std::int64_t window,
                   at::Device device) {
    const at::Tensor at =
        at::tensor(queries.positions, at::TensorOptions().dtype(at::kLong)).to(device).unsqueeze(1);
    const at::Tensor key =
        at::arange(firstKey, firstKey + keys, at::TensorOptions().dtype(at::kLong).device(device));
    at::Tensor mask = key <= at;
    if (window > 0)
        mask = mask & (key > at - window);
    return mask;
}

// Scores, cap, mask, softmax in float, cast, as the eager paths of transformers.
at::Tensor cappedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& mask, const ArchitectureSpec& spec) {
    const std::int64_t group = spec.heads / spec.keyValueHeads;
    const at::Tensor keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
    at::Tensor scores = at::matmul(q, keys.transpose(-2, -1)) * spec.attentionScale;
    scores = at::tanh(scores / spec.attentionSoftCap) * spec.attentionSoftCap;
    scores = scores.masked_fill(mask.logical_not(), -std::numeric_limits<float>::infinity());
    return at::matmul(at::softmax(scores, -1, at::kFloat).to(q.scalar_type()), values);
}

struct Keys {
    at::Tensor key, value; // [keys, key-value heads, head width], from position 0
};

// Whether what came before is in the cache.
bool continues(const Sequence& sequence, const AttentionInput& input, const KeyValueCache* cache) {
    if (input.common)
        return false;
    if (sequence.start > 0 && (!cache || sequence.slots.empty()))
        throw Error("cache.missing",
                    "A sequence continues at token " + std::to_string(sequence.start) +
                        " without a key-value cache.",
                    "");
    return sequence.start > 0;
}

// Where the keys and values of a sequence begin.
std::int64_t firstKeyOf(const AttentionInput& input, const PackedBatch& batch, std::size_t index) {
    const auto before = input.common ? batch.sequences().front().start : 0;
    return batch.offsets()[index] + static_cast<std::int64_t>(index) * before;
}

// The keys and values of all sequences with a copy of the common ones before each of them.
AttentionInput withCommon(const AttentionInput& input, const PackedBatch& batch) {
    const auto before = batch.sequences().front().start;
    std::vector<std::int64_t> from;
    for (std::size_t i = 0; i < batch.sequences().size(); ++i) {
        const auto& sequence = batch.sequences()[i];
        if (sequence.start != before || before > input.common->capacity() || !sequence.slots.empty())
            throw Error("cache.common",
                        "Sequence " + std::to_string(i) + " of a batch starts at token " +
                            std::to_string(sequence.start) + " behind " + std::to_string(before) +
                            " common ones.",
                        "");
        for (std::int64_t t = 0; t < before; ++t)
            from.push_back(t);
        for (std::int64_t t = 0; t < sequence.length; ++t)
            from.push_back(before + batch.offsets()[i] + t);
    }
    const at::Tensor index = at::tensor(from, at::TensorOptions().dtype(at::kLong)).to(input.key.device());
    const auto joined = [&](const at::Tensor& common, const at::Tensor& own) {
        return at::cat({common.select(0, 0).narrow(0, 0, before), own}).index_select(0, index);
    };
    AttentionInput result = input;
    result.key = joined(input.common->keys(input.block), input.key);
    result.value = joined(input.common->values(input.block), input.value);
    return result;
}

Keys keysOf(const AttentionInput& input, const PackedBatch& batch, const KeyValueCache* cache,
            std::size_t index) {
    const auto& sequence = batch.sequences()[index];
    const auto length = sequence.start + sequence.length;
    if (!continues(sequence, input, cache)) {
        const auto first = firstKeyOf(input, batch, index);
        return {input.key.narrow(0, first, length), input.value.narrow(0, first, length)};
    }
    const auto slot = sequence.slots.front();
    return {cache->keys(input.block).select(0, slot).narrow(0, 0, length),
            cache->values(input.block).select(0, slot).narrow(0, 0, length)};
}

at::Tensor attendOne(const at::Tensor& query, const Keys& keys, const Queries& queries,
                     const ArchitectureSpec& spec, std::int64_t window) {
    const std::int64_t length = keys.key.size(0);
    std::int64_t firstKey = 0, count = length;
    if (queries.count == 1) { // its window is one run of keys, no mask
        count = queries.positions.front() + 1;
        firstKey = window > 0 ? std::max<std::int64_t>(0, count - window) : 0;
        count -= firstKey;
    }
    const auto heads = [](const at::Tensor& x) { return x.transpose(0, 1).unsqueeze(0); };
    const at::Tensor q = heads(query), k = heads(keys.key.narrow(0, firstKey, count)),
                     v = heads(keys.value.narrow(0, firstKey, count));
    const bool causal = queries.count == count && count > 1 && (window == 0 || count <= window);
    at::Tensor mask;
    if (queries.count > 1 && (!causal || spec.attentionSoftCap > 0))
        mask = visible(queries, firstKey, count, window, query.device());
    at::Tensor out;
    if (spec.attentionSoftCap > 0) {
        if (!mask.defined())
            mask = visible(queries, firstKey, count, 0, query.device());
        out = cappedAttention(q, k, v, mask, spec);
    } else {
        const std::optional<at::Tensor> given =
            mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
        out = at::scaled_dot_product_attention(q, k, v, given, 0.0, causal, spec.attentionScale,
                                               spec.heads != spec.keyValueHeads);
    }
    return out.squeeze(0).transpose(0, 1); // [queries, heads, head width]
}

constexpr std::int64_t unboundedWindow = std::int64_t{1} << 30; // wider than any sequence

// Our kernels on a CPU: no mask, and a query's bits depend on its own sequence only.
template <class T> class KernelAttention {
public:
    KernelAttention(const AttentionInput& input, const PackedBatch& batch, const KeyValueCache* cache,
                    const std::vector<Queries>& queries, const ArchitectureSpec& spec, std::int64_t window)
        : m_input(input) {
        m_arguments.heads = spec.heads;
        m_arguments.keyValueHeads = spec.keyValueHeads;
        m_arguments.headWidth = spec.headWidth;
        m_arguments.queryStride = input.query.stride(0);
        m_arguments.window = std::min(window, unboundedWindow); // positions are counted in 32 bits
        m_arguments.scale = static_cast<float>(spec.attentionScale);
        m_arguments.softCap = static_cast<float>(spec.attentionSoftCap);
        for (std::size_t i = 0; i < queries.size(); ++i) {
            if (queries[i].count == 0)
                continue;
            addItems(queries[i]);
            const auto& sequence = batch.sequences()[i];
            if (continues(sequence, input, cache))
                addSequence(cache->keys(input.block), cache->values(input.block), sequence.slots.front());
            else
                addSequence(input.key, input.value, firstKeyOf(input, batch, i));
        }
    }

    at::Tensor run() {
        m_arguments.position = m_positions.data();
        const at::Tensor out = at::empty({m_input.query.size(0), m_arguments.heads * m_arguments.headWidth},
                                         m_input.query.options());
        const auto room = static_cast<std::size_t>(cpu::attentionScratch(m_arguments, m_longest));
        const auto count = static_cast<std::int64_t>(m_items.size());
        const std::int64_t group = m_arguments.heads / m_arguments.keyValueHeads;
        const auto perItem = m_work * group * m_arguments.headWidth / std::max<std::int64_t>(1, count);
        const auto items = dealt();
        parallelFor(0, count, std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, perItem)),
                    [&](std::int64_t first, std::int64_t last) {
                        thread_local std::vector<float> scratch;
                        if (scratch.size() < room)
                            scratch.resize(room);
                        cpu::attend(static_cast<T*>(out.data_ptr()),
                                    static_cast<const T*>(m_input.query.const_data_ptr()), m_sequences.data(),
                                    items.data(), m_arguments, scratch.data(), first, last);
                    });
        return out;
    }

private:
    // The sequence's position 0 lies at index `first` of the first axis of both.
    void addSequence(const at::Tensor& keys, const at::Tensor& values, std::int64_t first) {
        m_sequences.push_back({static_cast<const T*>(keys.const_data_ptr()) + first * keys.stride(0),
                               static_cast<const T*>(values.const_data_ptr()) + first * values.stride(0),
                               keys.stride(-3), keys.stride(-2), values.stride(-3), values.stride(-2)});
    }

    void addItems(const Queries& queries) {
        const auto most = cpu::attentionQueries(m_arguments);
        const auto sequence = static_cast<std::int64_t>(m_sequences.size());
        for (std::int64_t first = 0; first < queries.count; first += most)
            for (std::int64_t head = 0; head < m_arguments.keyValueHeads; ++head)
                m_items.push_back(
                    {sequence, head, queries.first + first, std::min(most, queries.count - first)});
        for (const auto position : queries.positions)
            m_work += 2 * m_arguments.keyValueHeads * (position + 1);
        m_longest = std::max(m_longest, queries.positions.back() + 1);
        m_positions.insert(m_positions.end(), queries.positions.begin(), queries.positions.end());
    }

    // Late items of a long sequence cost most: each thread gets every n-th.
    std::vector<cpu::AttentionItem> dealt() const {
        const auto threads = static_cast<std::size_t>(at::get_num_threads());
        std::vector<cpu::AttentionItem> items;
        items.reserve(m_items.size());
        for (std::size_t thread = 0; thread < threads; ++thread)
            for (std::size_t i = thread; i < m_items.size(); i += threads)
                items.push_back(m_items[i]);
        return items;
    }

    const AttentionInput& m_input;
    cpu::AttentionArguments m_arguments;
    std::vector<cpu::AttentionSequence<T>> m_sequences;
    std::vector<cpu::AttentionItem> m_items;
    std::vector<std::int64_t> m_positions;
    std::int64_t m_longest = 0, m_work = 0;
};

bool kernelAttends(const AttentionInput& input) {
    const auto fits = [&](const at::Tensor& x) {
        return x.stride(2) == 1 && x.scalar_type() == input.query.scalar_type();
    };
    return usesKernels(input.query) && input.query.stride(1) == input.query.size(2) && fits(input.query) &&
           fits(input.key) && fits(input.value);
}

} // namespace

std::int64_t attentionStep(const ArchitectureSpec& spec) {
    cpu::AttentionArguments arguments;
    arguments.heads = spec.heads;
    arguments.keyValueHeads = spec.keyValueHeads;
    return cpu::attentionQueries(arguments);
}

at::Tensor attend(const AttentionInput& given, const PackedBatch& batch, KeyValueCache* cache,
                  const ArchitectureSpec& spec) {
    if (cache)
        writeCache(given, batch, *cache);
    const AttentionInput input = given.common ? withCommon(given, batch) : given;
    const std::int64_t window = spec.isWindowed(input.block) ? spec.window : 0;
    const auto queries = queriesBySequence(input, batch);
    if (kernelAttends(input)) {
        if (input.query.scalar_type() == at::kFloat)
            return KernelAttention<float>(input, batch, cache, queries, spec, window).run();
        return KernelAttention<cpu::Bfloat16>(input, batch, cache, queries, spec, window).run();
    }
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i < queries.size(); ++i)
        if (queries[i].count > 0)
            parts.push_back(attendOne(input.query.narrow(0, queries[i].first, queries[i].count),
                                      keysOf(input, batch, cache, i), queries[i], spec, window));
    const at::Tensor out = parts.size() == 1 ? parts.front() : at::cat(parts);
    return out.reshape({input.query.size(0), spec.queryWidth()});
}

} // namespace azimuth::operations
