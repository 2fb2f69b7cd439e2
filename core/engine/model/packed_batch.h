// Tokens of several sequences, one after another, never padded; and the static key-value cache.
// Not thread-safe; one thread drives a batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace azimuth {

struct ArchitectureSpec;

struct Sequence {
    std::int64_t start = 0;  // absolute position of its first token here; what lies before is in the cache
    std::int64_t length = 0; // tokens here
    std::int64_t promptLength = 0; // a token at an absolute position from here on is a generated one
    std::int64_t row = -1;         // row of the Steering; -1: never steered
    std::vector<std::int64_t>
        slots; // cache rows that hold its past and receive its keys and values; may be empty
};

// One token of the residual stream as a hook sees it.
struct TokenPlace {
    std::int64_t sequence = 0; // index into PackedBatch::sequences()
    std::int64_t position = 0; // absolute
};

class PackedBatch {
public:
    PackedBatch() = default;
    // ids: one span per sequence, of sequence.length ids. Error batch.length if they differ or a sequence is
    // empty.
    PackedBatch(std::vector<Sequence> sequences, std::span<const std::span<const std::int32_t>> ids,
                at::Device device);

    std::int64_t tokens() const { return m_offsets.empty() ? 0 : m_offsets.back(); }
    const std::vector<Sequence>& sequences() const { return m_sequences; }
    const std::vector<std::int64_t>& offsets() const { return m_offsets; } // [sequences + 1]
    const std::vector<TokenPlace>& places() const { return m_places; }     // [tokens]
    const at::Tensor& ids() const { return m_ids; }                        // I64 [tokens], on the device
    const at::Tensor& positions() const { return m_positions; }            // I64 [tokens], on the device
    // I64 [tokens], on the device: how long the token's sequence is with the tokens here, start + length.
    const at::Tensor& lengths() const { return m_lengths; }
    std::int64_t longest() const; // of the sequences' lengths, their starts included

    // Adds a sequence that goes on as a copy of the tokens of `from`: same ids and positions, a row of its
    // own; it takes `slot` over from it. The caller appends the same tokens to the residual.
    void fork(std::int64_t from, std::int64_t row, std::int64_t slot);
    void setRow(std::int64_t sequence, std::int64_t row);

private:
    std::vector<Sequence> m_sequences;
    std::vector<std::int64_t> m_offsets;
    std::vector<TokenPlace> m_places;
    at::Tensor m_ids, m_positions, m_lengths;
};

// Keys and values of every block: [rows, capacity, key-value heads, head width] each; in memory a head's
// positions follow each other, as attention reads them. Contents beyond a row's length are never read.
class KeyValueCache {
public:
    // Error cache.size before anything is allocated if a product overflows.
    KeyValueCache(const ArchitectureSpec& spec, std::int64_t rows, std::int64_t capacity, at::ScalarType type,
                  at::Device device);

    std::int64_t rows() const { return m_rows; }
    std::int64_t capacity() const { return m_capacity; }
    const at::Tensor& keys(std::int64_t block) const { return m_keys[static_cast<std::size_t>(block)]; }
    const at::Tensor& values(std::int64_t block) const { return m_values[static_cast<std::size_t>(block)]; }
    static std::uint64_t bytes(const ArchitectureSpec& spec, std::int64_t rows, std::int64_t capacity,
                               std::uint64_t elementBytes);

private:
    std::int64_t m_rows, m_capacity;
    std::vector<at::Tensor> m_keys, m_values;
};

} // namespace azimuth
