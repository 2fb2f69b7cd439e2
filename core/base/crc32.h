// CRC-32 as zlib computes it (IEEE 802.3, reflected 0xEDB88320).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace azimuth {

std::uint32_t crc32(std::span<const std::byte> bytes);

} // namespace azimuth
