// Typed look-ups in config.json, which is another program's file: unknown keys stay, null counts as missing.
// Error checkpoint.metadata names the file, the key and both values.
#pragma once

#include "core/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

class ConfigObject {
public:
    // `value` must be an object and outlive this. `origin` names it in errors.
    ConfigObject(const Json& value, std::string origin);

    const std::string& origin() const { return m_origin; }
    bool has(const char* key) const { return find(key) != nullptr; }
    std::optional<std::int64_t> integer(const char* key, std::int64_t minimum, std::int64_t maximum) const;
    std::optional<double> number(const char* key, double minimum, double maximum) const;
    std::optional<bool> boolean(const char* key) const;
    std::optional<std::string> text(const char* key) const;
    std::optional<std::vector<double>> numbers(const char* key, double minimum, double maximum) const;
    std::optional<std::vector<std::string>> texts(const char* key) const;
    std::optional<ConfigObject> object(const char* key) const;

    // Whether the key is there, be it null.
    bool mentions(const char* key) const { return m_value->contains(key); }
    [[noreturn]] void refuse(const std::string& finding) const;      // checkpoint.metadata
    [[noreturn]] void unsupported(const std::string& finding) const; // checkpoint.family

private:
    const Json* find(const char* key) const;
    [[noreturn]] void refuseType(const char* key, const char* wanted) const;

    const Json* m_value;
    std::string m_origin;
};

} // namespace azimuth
