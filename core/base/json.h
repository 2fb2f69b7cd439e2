// The one JSON reader. Stricter than the standard: depth at most 64, a size cap, UTF-8, no duplicate keys,
// nothing after the value. Every error names the path ("/models/0/find").
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace azimuth {

using Json = nlohmann::json;

struct JsonLimits {
    std::uint64_t maximumBytes = std::uint64_t{64} << 20;
    int maximumDepth = 64;
};

// `origin` names the text in errors (a file, "command line 3"). Error json.syntax, json.depth, json.size,
// json.duplicate, json.utf8.
Json parseJson(std::string_view text, const std::string& origin, const JsonLimits& limits = {});
Json readJsonFile(const std::string& path, const JsonLimits& limits = {});

// RFC 8785 (JCS): keys sorted by UTF-16 code units, numbers as IEEE doubles in ECMAScript's shortest form, no
// white space. Error json.number for a non-finite number or an integer beyond 2^53 (64-bit integers are
// strings in our formats).
std::string canonicalJson(const Json& value);

// Readable form with sorted keys and two blanks of indent, ending in a line break; same number rules.
std::string prettyJson(const Json& value);

} // namespace azimuth
