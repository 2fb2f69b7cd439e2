// Bytes to a zlib stream and back. Safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace azimuth {

std::vector<std::byte> deflate(std::span<const std::byte> bytes, int level); // level: zlib's, 1 to 9
// At most `most` bytes; nothing if it is not a whole zlib stream, its Adler-32 does not fit, or there are
// more.
std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> stream, std::size_t most);

} // namespace azimuth
