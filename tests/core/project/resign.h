// Makes a changed file of Azimuth pass its own digest again, as somebody hostile would.
#pragma once

#include "core/project/user_block.h"

#include <cstring>
#include <string>

namespace azimuth {

inline std::string resigned(std::string bytes, UserBlock block) {
    block.fileBytes = bytes.size();
    block.digest = sha256(std::string_view(bytes).substr(userBlockBytes));
    const auto encoded = encodeUserBlock(block);
    std::memcpy(bytes.data(), encoded.data(), encoded.size());
    return bytes;
}

} // namespace azimuth
