#include "core/project/chunk_filters.h"

#include "core/base/deflate.h"
#include "core/base/error.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace azimuth::h5 {
namespace {

// As HDF5 computes it: sums of big-endian words of two bytes.
std::uint32_t fletcher32(std::span<const std::byte> data) {
    std::uint32_t low = 0, high = 0;
    const auto fold = [&] {
        low = (low & 0xFFFF) + (low >> 16);
        high = (high & 0xFFFF) + (high >> 16);
    };
    const auto words = data.size() / 2;
    for (std::size_t i = 0; i < words;) {
        for (const auto end = std::min(i + 360, words); i < end; ++i) {
            low += std::to_integer<std::uint32_t>(data[2 * i]) << 8 |
                   std::to_integer<std::uint32_t>(data[2 * i + 1]);
            high += low;
        }
        fold();
    }
    if (data.size() % 2 != 0) {
        low += std::to_integer<std::uint32_t>(data.back()) << 8;
        high += low;
        fold();
    }
    fold();
    return high << 16 | low;
}

void checkAndStrip(std::vector<std::byte>& data, const std::string& place) {
    std::uint32_t stored = 0;
    if (data.size() < sizeof stored)
        badChunk(place, "a chunk is too short for its checksum");
    std::memcpy(&stored, data.data() + data.size() - sizeof stored, sizeof stored);
    data.resize(data.size() - sizeof stored);
    if (fletcher32(data) != stored)
        badChunk(place, "a chunk does not have its checksum");
}

// The first bytes of all elements, then the second ones; what is left over stays at the end.
std::vector<std::byte> shuffled(const std::vector<std::byte>& data, std::size_t elementBytes) {
    std::vector<std::byte> out(data);
    const auto elements = data.size() / elementBytes;
    for (std::size_t byte = 0; byte < elementBytes; ++byte)
        for (std::size_t i = 0; i < elements; ++i)
            out[byte * elements + i] = data[i * elementBytes + byte];
    return out;
}

std::vector<std::byte> unshuffled(const std::vector<std::byte>& data, std::size_t elementBytes) {
    std::vector<std::byte> out(data);
    const auto elements = data.size() / elementBytes;
    for (std::size_t byte = 0; byte < elementBytes; ++byte)
        for (std::size_t i = 0; i < elements; ++i)
            out[i * elementBytes + byte] = data[byte * elements + i];
    return out;
}

} // namespace

void badChunk(const std::string& place, const std::string& finding) {
    throw Error(
        "project.content", place + ": " + finding + ".",
        "The file was damaged since it was opened, or was not written by Azimuth; open an earlier copy.");
}

ChunkLayout chunkLayout(hid_t creation, std::size_t elementBytes, std::size_t chunkElements) {
    ChunkLayout layout{{}, elementBytes, chunkElements * elementBytes};
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
        unsigned flags = 0, config = 0;
        std::size_t values = 0;
        layout.filters.push_back(H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr,
                                                0, nullptr, &config));
    }
    return layout;
}

std::vector<std::byte> encoded(std::vector<std::byte> raw, const ChunkLayout& layout, int deflateLevel) {
    for (const auto filter : layout.filters)
        if (filter == H5Z_FILTER_SHUFFLE) {
            raw = shuffled(raw, layout.elementBytes);
        } else if (filter == H5Z_FILTER_DEFLATE) {
            raw = deflate(raw, deflateLevel);
        } else {
            const auto sum = fletcher32(raw);
            const auto bytes = std::as_bytes(std::span(&sum, 1));
            raw.insert(raw.end(), bytes.begin(), bytes.end());
        }
    return raw;
}

std::vector<std::byte> decoded(std::vector<std::byte> data, unsigned skipped, const ChunkLayout& layout,
                               const std::string& place) {
    for (auto i = layout.filters.size(); i-- > 0;) {
        if ((skipped >> i & 1) != 0)
            continue;
        switch (layout.filters[i]) {
        case H5Z_FILTER_FLETCHER32:
            checkAndStrip(data, place);
            break;
        case H5Z_FILTER_DEFLATE: // a checksum may have been added before
            if (auto bytes = inflate(data, layout.chunkBytes + 4 * layout.filters.size()))
                data = std::move(*bytes);
            else
                badChunk(place, "a chunk cannot be inflated");
            break;
        case H5Z_FILTER_SHUFFLE:
            data = unshuffled(data, layout.elementBytes);
            break;
        default:
            badChunk(place, "a chunk has a filter that is not of the format");
        }
    }
    if (data.size() != layout.chunkBytes)
        badChunk(place, "a chunk has " + std::to_string(data.size()) + " bytes, expected " +
                            std::to_string(layout.chunkBytes));
    return data;
}

} // namespace azimuth::h5
