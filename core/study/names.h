// Names of an enumeration's values, in its order; private to core/study.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth::names {

template <class E> std::string of(const std::vector<std::string>& names, E value) {
    return names.at(static_cast<std::size_t>(value));
}

template <class E> std::optional<E> find(const std::vector<std::string>& names, std::string_view name) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name)
            return static_cast<E>(i);
    return std::nullopt;
}

} // namespace azimuth::names
