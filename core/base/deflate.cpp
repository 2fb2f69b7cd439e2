#include "core/base/deflate.h"

#include <new>
#include <zlib.h>

namespace azimuth {
namespace {

const Bytef* bytesOf(std::span<const std::byte> data) { return reinterpret_cast<const Bytef*>(data.data()); }
Bytef* bytesOf(std::vector<std::byte>& data) { return reinterpret_cast<Bytef*>(data.data()); }

} // namespace

std::vector<std::byte> deflate(std::span<const std::byte> bytes, int level) {
    auto length = ::compressBound(static_cast<uLong>(bytes.size()));
    std::vector<std::byte> stream(length);
    if (::compress2(bytesOf(stream), &length, bytesOf(bytes), static_cast<uLong>(bytes.size()), level) !=
        Z_OK)
        throw std::bad_alloc(); // the only thing that can be wanting
    stream.resize(length);
    return stream;
}

std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> stream, std::size_t most) {
    std::vector<std::byte> out(most);
    auto length = static_cast<uLongf>(most);
    if (::uncompress(bytesOf(out), &length, bytesOf(stream), static_cast<uLong>(stream.size())) != Z_OK)
        return {};
    out.resize(length);
    return out;
}

} // namespace azimuth
