// What the fuzz targets share. A target may refuse its input with azimuth::Error only: any other exception, a
// sanitizer's finding or a broken promise ends the run.
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace azimuth::fuzz {

template <class Body> void orRefused(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        if (error.code().empty() || error.message().empty() || error.code() == "text.internal") {
            std::fprintf(stderr, "not an error for a user: %s\n", error.what());
            std::abort();
        }
    }
}

inline void promise(bool kept, const char* what) {
    if (kept)
        return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

// The part before the first line that holds only "----", and the rest; all and nothing without one.
inline std::pair<std::string_view, std::string_view> parts(std::string_view text) {
    constexpr std::string_view line = "\n----\n";
    const auto at = text.find(line);
    if (at == std::string_view::npos)
        return {text, {}};
    return {text.substr(0, at), text.substr(at + line.size())};
}

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace azimuth::fuzz
