#include "core/project/stored_column.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <unistd.h>

namespace azimuth::h5 {
namespace {

constexpr std::uint64_t maximumUnchunkedBytes = std::uint64_t{64} << 20;

// Since 1.14.4 HDF5 counts chunk addresses from the beginning of the file, before from the end of the user
// block.
std::uint64_t chunkBase() {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    const bool fromStart = std::tie(major, minor, release) >= std::make_tuple(1U, 14U, 4U);
    return fromStart ? 0 : userBlockBytes;
}

std::uint32_t lastWord(const std::vector<std::byte>& bytes) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + bytes.size() - sizeof word, sizeof word);
    return word;
}

} // namespace

ChunkStore::ChunkStore(const ReadFile& file) : m_source(file.source().descriptor(), file.path()) {}

std::vector<std::byte> ChunkStore::stored(const Chunk& at, const std::string& place) const {
    std::vector<std::byte> bytes(at.storedBytes);
    for (std::size_t done = 0; done < bytes.size();) {
        const auto count = ::pread(m_source.descriptor(), bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(at.address + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", path(), errno);
        if (count == 0)
            badChunk(path() + ", " + place, "the file ends before a chunk does");
        done += static_cast<std::size_t>(count);
    }
    return bytes;
}

std::uint32_t ChunkStore::checksumOf(const Chunk& at, const std::string& place) const {
    constexpr std::uint64_t size = sizeof(std::uint32_t);
    if (at.storedBytes < size)
        badChunk(path() + ", " + place, "a chunk is too short for its checksum");
    return lastWord(stored({at.address + at.storedBytes - size, size, 0, {}}, place));
}

ChunkStore::Bytes ChunkStore::chunk(const Chunk& at, const ChunkLayout& layout, const std::string& place) {
    {
        const std::lock_guard lock(m_mutex);
        if (const auto known = m_known.find(at.address); known != m_known.end()) {
            m_recent.splice(m_recent.begin(), m_recent, known->second);
            return known->second->second;
        }
    }
    if (!at.checksum)
        m_source.requireUnchanged();
    auto stored = this->stored(at, place);
    if (at.checksum && (stored.size() < sizeof(std::uint32_t) || lastWord(stored) != *at.checksum))
        badChunk(path() + ", " + place, "a chunk is not what it was when the file was opened");
    auto bytes = std::make_shared<const std::vector<std::byte>>(
        decoded(std::move(stored), at.skippedFilters, layout, path() + ", " + place));
    const std::lock_guard lock(m_mutex);
    if (m_known.count(at.address) == 0) {
        m_recent.emplace_front(at.address, bytes);
        m_known[at.address] = m_recent.begin();
        m_bytes += bytes->size();
        while (m_bytes > keptBytes && m_recent.size() > 1) {
            m_bytes -= m_recent.back().second->size();
            m_known.erase(m_recent.back().first);
            m_recent.pop_back();
        }
    }
    return bytes;
}

ChunkStore::Bytes ChunkStore::kept(const Chunk& at) const {
    const std::lock_guard lock(m_mutex);
    const auto known = m_known.find(at.address);
    return known == m_known.end() ? nullptr : known->second->second;
}

StoredColumn::StoredColumn(const ReadFile& file, const std::string& place, hid_t type,
                           std::shared_ptr<ChunkStore> store)
    : m_store(std::move(store)), m_place(place) {
    const auto id = file.dataset(place);
    if (H5Tequal(datatype(H5Dget_type(id), place), type) <= 0)
        file.bad(place, "its type is not the one of the format");
    const auto shape = inspectDataset(file, id, place);
    if (shape.extents.size() != 1)
        file.bad(place, "it has " + std::to_string(shape.extents.size()) + " dimensions, expected 1");
    m_elements = shape.elements;
    m_layout.elementBytes = shape.elementBytes;
    const auto creation = properties(H5Dget_create_plist(id), place);
    if (m_elements > 0 && H5Pget_layout(creation) == H5D_CHUNKED) {
        takeDownChunks(file, id);
        return;
    }
    const auto bytes = m_elements * m_layout.elementBytes;
    if (bytes > maximumUnchunkedBytes)
        file.bad(place, "it is not stored in chunks");
    m_small.resize(bytes);
    if (bytes > 0)
        checkStatus(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, m_small.data()),
                    file.path() + ", " + place);
}

void StoredColumn::takeDownChunks(const ReadFile& file, hid_t dataset) {
    const auto what = file.path() + ", " + m_place;
    const auto creation = properties(H5Dget_create_plist(dataset), what);
    hsize_t perChunk = 0;
    check(H5Pget_chunk(creation, 1, &perChunk), what);
    m_layout = chunkLayout(creation, m_layout.elementBytes, perChunk); // bounded by inspectDataset
    const auto most = m_layout.chunkBytes + m_layout.chunkBytes / 100 + 256;
    for (hsize_t at = 0; at < m_elements; at += perChunk) {
        haddr_t address = HADDR_UNDEF;
        hsize_t bytes = 0;
        ChunkStore::Chunk chunk;
        checkStatus(H5Dget_chunk_info_by_coord(dataset, &at, &chunk.skippedFilters, &address, &bytes), what);
        if (address == HADDR_UNDEF)
            file.bad(m_place, "a chunk of it is missing");
        chunk.address = address + chunkBase();
        chunk.storedBytes = bytes;
        const auto fileBytes = file.block().fileBytes;
        if (bytes > most || chunk.address > fileBytes || bytes > fileBytes - chunk.address)
            file.bad(m_place, "a chunk of it lies outside the file or is too large");
        const auto last = m_layout.filters.size() - 1;
        if (!m_layout.filters.empty() && m_layout.filters.back() == H5Z_FILTER_FLETCHER32 &&
            (chunk.skippedFilters >> last & 1) == 0)
            chunk.checksum = m_store->checksumOf(chunk, m_place);
        m_chunks.push_back(chunk);
    }
}

// chunkOf(index): its bytes, or null, which ends it.
template <class ChunkOf>
bool StoredColumn::copy(std::uint64_t first, std::span<std::byte> out, ChunkOf chunkOf) const {
    auto at = first * m_layout.elementBytes;
    if (m_chunks.empty() && !out.empty()) {
        std::memcpy(out.data(), m_small.data() + at, out.size());
        return true;
    }
    while (!out.empty()) {
        const ChunkStore::Bytes chunk = chunkOf(m_chunks.at(at / m_layout.chunkBytes));
        if (!chunk)
            return false;
        const auto from = at % m_layout.chunkBytes;
        const auto count = std::min<std::size_t>(out.size(), m_layout.chunkBytes - from);
        std::memcpy(out.data(), chunk->data() + from, count);
        out = out.subspan(count);
        at += count;
    }
    return true;
}

void StoredColumn::read(std::uint64_t first, std::span<std::byte> out) const {
    copy(first, out, [&](const auto& at) { return m_store->chunk(at, m_layout, m_place); });
}

bool StoredColumn::readKept(std::uint64_t first, std::span<std::byte> out) const {
    return copy(first, out, [&](const auto& at) { return m_store->kept(at); });
}

} // namespace azimuth::h5
