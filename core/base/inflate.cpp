#include "core/base/inflate.h"

#include <zlib.h>

namespace azimuth {

std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> stream, std::size_t most) {
    std::vector<std::byte> out(most);
    auto bytes = static_cast<uLongf>(most);
    if (::uncompress(reinterpret_cast<Bytef*>(out.data()), &bytes,
                     reinterpret_cast<const Bytef*>(stream.data()),
                     static_cast<uLong>(stream.size())) != Z_OK)
        return {};
    out.resize(bytes);
    return out;
}

} // namespace azimuth
