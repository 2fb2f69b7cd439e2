// The filters of a chunk as HDF5 applies them: shuffle, deflate, Fletcher-32. Encoding and decoding need no
// HDF5 and are safe from any thread. Private to core/project.
#pragma once

#include <cstddef>
#include <hdf5.h>
#include <string>
#include <vector>

namespace azimuth::h5 {

struct ChunkLayout {
    std::vector<int> filters; // H5Z_filter_t, in the order of writing
    std::size_t elementBytes = 1, chunkBytes = 0;
};

ChunkLayout chunkLayout(hid_t creation, std::size_t elementBytes, std::size_t chunkElements);

// What is stored of one chunk; raw has layout.chunkBytes bytes. Of shuffle, deflate and Fletcher-32 only.
std::vector<std::byte> encoded(std::vector<std::byte> raw, const ChunkLayout& layout, int deflateLevel);

// layout.chunkBytes bytes. skipped: bit i set if filter i was not applied to this chunk. Error
// project.content, with place, if the bytes are not what was written.
std::vector<std::byte> decoded(std::vector<std::byte> stored, unsigned skipped, const ChunkLayout& layout,
                               const std::string& place);
[[noreturn]] void badChunk(const std::string& place, const std::string& finding); // Error project.content

} // namespace azimuth::h5
