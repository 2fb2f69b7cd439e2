#include "core/engine/model/packed_batch.h"

#include "core/base/error.h"
#include "core/engine/model/architecture_spec.h"
#include "core/engine/model/huge_pages.h"

#include <algorithm>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

namespace azimuth {

PackedBatch::PackedBatch(std::vector<Sequence> sequences, std::span<const std::span<const std::int32_t>> ids,
                         at::Device device)
    : m_sequences(std::move(sequences)) {
    if (ids.size() != m_sequences.size())
        throw Error("batch.length",
                    "A batch of " + std::to_string(m_sequences.size()) + " sequences has ids for " +
                        std::to_string(ids.size()) + ".",
                    "");
    m_offsets.push_back(0);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto& sequence = m_sequences[i];
        if (sequence.length < 1 || sequence.length != static_cast<std::int64_t>(ids[i].size()) ||
            sequence.start < 0)
            throw Error("batch.length",
                        "Sequence " + std::to_string(i) + " of a batch: length " +
                            std::to_string(sequence.length) + ", ids " + std::to_string(ids[i].size()) +
                            ", start " + std::to_string(sequence.start) + ".",
                        "");
        for (std::int64_t t = 0; t < sequence.length; ++t)
            m_places.push_back({static_cast<std::int64_t>(i), sequence.start + t});
        m_offsets.push_back(m_offsets.back() + sequence.length);
    }
    at::Tensor host = at::empty({3, tokens()}, at::kLong);
    auto* hostIds = host.mutable_data_ptr<std::int64_t>();
    auto* hostPositions = hostIds + tokens();
    auto* hostLengths = hostPositions + tokens();
    for (const auto& part : ids)
        hostIds = std::copy(part.begin(), part.end(), hostIds);
    for (const auto& place : m_places) {
        const auto& sequence = m_sequences[static_cast<std::size_t>(place.sequence)];
        *hostPositions++ = place.position;
        *hostLengths++ = sequence.start + sequence.length;
    }
    host = host.to(device);
    m_ids = host[0];
    m_positions = host[1];
    m_lengths = host[2];
}

std::int64_t PackedBatch::longest() const {
    std::int64_t result = 0;
    for (const auto& sequence : m_sequences)
        result = std::max(result, sequence.start + sequence.length);
    return result;
}

void PackedBatch::fork(std::int64_t from, std::int64_t row, std::int64_t slot) {
    auto& trunk = m_sequences.at(static_cast<std::size_t>(from));
    std::erase(trunk.slots, slot);
    Sequence branch = trunk;
    branch.row = row;
    branch.slots = {slot};
    const auto begin = m_offsets[static_cast<std::size_t>(from)];
    const auto index = static_cast<std::int64_t>(m_sequences.size());
    m_ids = at::cat({m_ids, m_ids.narrow(0, begin, branch.length)});
    m_positions = at::cat({m_positions, m_positions.narrow(0, begin, branch.length)});
    m_lengths = at::cat({m_lengths, m_lengths.narrow(0, begin, branch.length)});
    for (std::int64_t t = 0; t < branch.length; ++t)
        m_places.push_back({index, branch.start + t});
    m_offsets.push_back(m_offsets.back() + branch.length);
    m_sequences.push_back(std::move(branch));
}

void PackedBatch::setRow(std::int64_t sequence, std::int64_t row) {
    m_sequences.at(static_cast<std::size_t>(sequence)).row = row;
}

std::uint64_t KeyValueCache::bytes(const ArchitectureSpec& spec, std::int64_t rows, std::int64_t capacity,
                                   std::uint64_t elementBytes) {
    std::uint64_t total = 2 * elementBytes;
    for (const auto extent : {spec.blocks, rows, capacity, spec.keyValueWidth()})
        if (extent < 0 || __builtin_mul_overflow(total, static_cast<std::uint64_t>(extent), &total))
            throw Error("cache.size",
                        "A key-value cache of " + std::to_string(rows) + " rows and " +
                            std::to_string(capacity) + " positions is too large.",
                        "Use fewer rows or fewer new tokens.");
    return total;
}

KeyValueCache::KeyValueCache(const ArchitectureSpec& spec, std::int64_t rows, std::int64_t capacity,
                             at::ScalarType type, at::Device device)
    : m_rows(rows), m_capacity(capacity) {
    bytes(spec, rows, capacity, c10::elementSize(type));
    const auto options = at::TensorOptions().dtype(type).device(device);
    const at::Tensor all =
        at::empty({spec.blocks, 2, rows, spec.keyValueHeads, capacity, spec.headWidth}, options);
    preferHugePages(all);
    for (std::int64_t block = 0; block < spec.blocks; ++block) {
        m_keys.push_back(all[block][0].transpose(1, 2));
        m_values.push_back(all[block][1].transpose(1, 2));
    }
}

} // namespace azimuth
