#include "core/engine/model/operations.h"

#include "core/base/error.h"
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/parallel.h"

#include <algorithm>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/TensorOperators.h>
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

void writeCache(const AttentionInput& input, const PackedBatch& batch, KeyValueCache& cache) {
    for (std::size_t i = 0; i < batch.sequences().size(); ++i) {
        const auto& sequence = batch.sequences()[i];
        if (sequence.start + sequence.length > cache.capacity())
            throw Error("cache.capacity",
                        "A sequence of " + std::to_string(sequence.start + sequence.length) +
                            " tokens does not fit a cache of " + std::to_string(cache.capacity()) +
                            " positions.",
                        "");
        for (const auto slot : sequence.slots) {
            const auto write = [&](const at::Tensor& to, const at::Tensor& from) {
                to.select(0, slot)
                    .narrow(0, sequence.start, sequence.length)
                    .copy_(from.narrow(0, batch.offsets()[i], sequence.length));
            };
            write(cache.keys(input.block), input.key);
            write(cache.values(input.block), input.value);
        }
    }
}

// [queries, keys], true where a query may look; undefined if it may look at all or plain causality does.
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

Keys keysOf(const AttentionInput& input, const PackedBatch& batch, const KeyValueCache* cache,
            std::size_t index) {
    const auto& sequence = batch.sequences()[index];
    if (sequence.start == 0)
        return {input.key.narrow(0, batch.offsets()[index], sequence.length),
                input.value.narrow(0, batch.offsets()[index], sequence.length)};
    if (!cache || sequence.slots.empty())
        throw Error("cache.missing",
                    "A sequence continues at token " + std::to_string(sequence.start) +
                        " without a key-value cache.",
                    "");
    const auto slot = sequence.slots.front();
    const auto length = sequence.start + sequence.length;
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

at::Tensor attendCached(const AttentionInput& input, const PackedBatch& batch, const KeyValueCache& cache,
                        const ArchitectureSpec& spec, std::int64_t window) {
    const std::int64_t rows = input.query.size(0);
    std::vector<std::int64_t> slots, lengths;
    for (const auto& sequence : batch.sequences()) {
        slots.push_back(sequence.slots.front());
        lengths.push_back(sequence.start + 1);
    }
    cpu::DecodeArguments arguments;
    arguments.heads = spec.heads;
    arguments.keyValueHeads = spec.keyValueHeads;
    arguments.headWidth = spec.headWidth;
    arguments.queryStride = input.query.stride(0);
    arguments.capacity = cache.capacity();
    arguments.slot = slots.data();
    arguments.length = lengths.data();
    arguments.window = window;
    arguments.scale = static_cast<float>(spec.attentionScale);
    arguments.softCap = static_cast<float>(spec.attentionSoftCap);
    at::Tensor out = at::empty({rows, spec.queryWidth()}, input.query.options());
    const auto longest = *std::max_element(lengths.begin(), lengths.end());
    const auto room = static_cast<std::size_t>(spec.heads / spec.keyValueHeads * longest);
    const auto run = [&]<class T>(T* to) {
        const T* q = static_cast<const T*>(input.query.const_data_ptr());
        const T* k = static_cast<const T*>(cache.keys(input.block).const_data_ptr());
        const T* v = static_cast<const T*>(cache.values(input.block).const_data_ptr());
        const std::int64_t work = 2 * longest * spec.headWidth * spec.heads / spec.keyValueHeads;
        parallelFor(0, rows * spec.keyValueHeads, std::max<std::int64_t>(1, 16384 / work),
                    [&](std::int64_t first, std::int64_t last) {
                        std::vector<float> scores(room);
                        cpu::decodeAttention(to, q, k, v, arguments, scores.data(), first, last);
                    });
    };
    if (input.query.scalar_type() == at::kFloat)
        run(static_cast<float*>(out.data_ptr()));
    else
        run(static_cast<cpu::Bfloat16*>(out.data_ptr()));
    return out;
}

} // namespace

at::Tensor attend(const AttentionInput& input, const PackedBatch& batch, KeyValueCache* cache,
                  const ArchitectureSpec& spec) {
    if (cache)
        writeCache(input, batch, *cache);
    const std::int64_t window = spec.isWindowed(input.block) ? spec.window : 0;
    const bool everySlot = std::all_of(batch.sequences().begin(), batch.sequences().end(),
                                       [](const Sequence& s) { return s.slots.size() == 1; });
    if (cache && everySlot && batch.singleTokens() && !input.wanted && usesKernels(input.query) &&
        input.query.stride(1) == spec.headWidth)
        return attendCached(input, batch, *cache, spec, window);

    std::vector<at::Tensor> parts;
    const auto queries = queriesBySequence(input, batch);
    for (std::size_t i = 0; i < queries.size(); ++i)
        if (queries[i].count > 0)
            parts.push_back(attendOne(input.query.narrow(0, queries[i].first, queries[i].count),
                                      keysOf(input, batch, cache, i), queries[i], spec, window));
    const at::Tensor out = parts.size() == 1 ? parts.front() : at::cat(parts);
    return out.reshape({input.query.size(0), spec.queryWidth()});
}

} // namespace azimuth::operations
