// A zlib stream back to its bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace azimuth {

// At most `most` bytes; nothing if it is not a whole zlib stream, its Adler-32 does not fit, or there are
// more.
std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> stream, std::size_t most);

} // namespace azimuth
