// One column of a file, read piece by piece without HDF5 and from any thread: where its chunks lie is taken
// down while HDF5 has the file open, their bytes are read later through the same open file, checked with
// their Fletcher-32, inflated, and kept for a while. Private to core/project.
#pragma once

#include "core/project/chunk_filters.h"
#include "core/project/read_file.h"
#include "core/project/source_file.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace azimuth::h5 {

// The open file and the chunks that were asked for last. Thread-safe.
class ChunkStore {
public:
    explicit ChunkStore(const ReadFile& file); // the descriptor is duplicated

    struct Chunk {
        std::uint64_t address = 0, storedBytes = 0;
        unsigned skippedFilters = 0;           // bit i: filter i was not applied
        std::optional<std::uint32_t> checksum; // Fletcher-32 at its end when it was taken down
    };
    using Bytes = std::shared_ptr<const std::vector<std::byte>>;
    // layout.chunkBytes bytes, as they were when the chunk was taken down: without a checksum the file must
    // not have been written to since. Error file.read, project.changing, project.content.
    Bytes chunk(const Chunk& at, const ChunkLayout& layout, const std::string& place);

    Bytes kept(const Chunk& at) const; // null: it would be read

    const std::string& path() const { return m_source.path(); }
    // Of a chunk whose last filter is Fletcher-32. Error file.read, project.content.
    std::uint32_t checksumOf(const Chunk& at, const std::string& place) const;

private:
    std::vector<std::byte> stored(const Chunk& at, const std::string& place) const;

    static constexpr std::size_t keptBytes = std::size_t{32} << 20;

    const SourceFile m_source;
    mutable std::mutex m_mutex;
    std::list<std::pair<std::uint64_t, Bytes>> m_recent; // by address, the newest first
    std::unordered_map<std::uint64_t, decltype(m_recent)::iterator> m_known;
    std::size_t m_bytes = 0;
};

class StoredColumn {
public:
    // Of one dimension. Error project.content if the dataset is not of the profile or of the type.
    StoredColumn(const ReadFile& file, const std::string& place, hid_t type,
                 std::shared_ptr<ChunkStore> store);

    std::uint64_t elements() const { return m_elements; }
    // out.size() / element bytes elements from `first`; they must be there. Error as ChunkStore::chunk.
    void read(std::uint64_t first, std::span<std::byte> out) const;
    // The same without reading the file: false if a chunk of it is not in memory.
    bool readKept(std::uint64_t first, std::span<std::byte> out) const;

private:
    template <class ChunkOf> bool copy(std::uint64_t first, std::span<std::byte> out, ChunkOf chunkOf) const;
    void takeDownChunks(const ReadFile& file, hid_t dataset);

    std::shared_ptr<ChunkStore> m_store;
    std::string m_place;
    std::uint64_t m_elements = 0;
    ChunkLayout m_layout;
    std::vector<ChunkStore::Chunk> m_chunks;
    std::vector<std::byte> m_small; // a column that is not chunked
};

} // namespace azimuth::h5
