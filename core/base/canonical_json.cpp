#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace azimuth {
namespace {

// ECMAScript Number::toString: the shortest digits that read back, laid out by exponent.
std::string ecmaNumber(double value) {
    if (!std::isfinite(value))
        throw Error("json.number", "A number is not finite.",
                    "Store a missing value as null or leave the key out.");
    if (value == 0)
        return "0";
    char buffer[40];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific).ptr;
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    const auto e = text.find('e');
    std::string digits;
    for (const char c : text.substr(0, e))
        if (c != '.')
            digits += c;
    const int n = std::stoi(std::string(text.substr(e + 1))) + 1; // position of the decimal point
    const int k = static_cast<int>(digits.size());
    std::string out = value < 0 ? "-" : "";
    if (k <= n && n <= 21)
        return out + digits + std::string(static_cast<std::size_t>(n - k), '0');
    if (0 < n && n <= 21)
        return out + digits.substr(0, static_cast<std::size_t>(n)) + "." +
               digits.substr(static_cast<std::size_t>(n));
    if (-6 < n && n <= 0)
        return out + "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
    const int exponent = n - 1;
    out += digits.substr(0, 1);
    if (k > 1)
        out += "." + digits.substr(1);
    return out + "e" + (exponent < 0 ? "-" : "+") + std::to_string(std::abs(exponent));
}

std::string numberOf(const Json& value) {
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    if (value.is_number_float())
        return ecmaNumber(value.get<double>());
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= std::uint64_t{exact}
                          : value.get<std::int64_t>() >= -exact && value.get<std::int64_t>() <= exact;
    if (!fits)
        throw Error("json.number", "The integer " + value.dump() + " does not fit a double exactly.",
                    "Write 64-bit integers as strings.");
    return ecmaNumber(value.get<double>());
}

std::string quoted(const std::string& text) {
    if (!isValidUtf8(text))
        throw Error("json.utf8", "A text is not UTF-8: " + forMessage(text, 40), "");
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\b':
            out += "\\b";
            break;
        case '\f':
            out += "\\f";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (byte < 0x20) {
                char buffer[8];
                std::snprintf(buffer, sizeof buffer, "\\u%04x", byte);
                out += buffer;
            } else
                out += c;
        }
    }
    return out + "\"";
}

std::u16string utf16(const std::string& text) {
    std::u16string out;
    for (const auto code : toCodePoints(text)) {
        if (code < 0x10000) {
            out += static_cast<char16_t>(code);
        } else {
            out += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10));
            out += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF));
        }
    }
    return out;
}

struct Writer {
    bool pretty;
    std::string out;

    void lineBreak(int depth) {
        if (pretty)
            out += "\n" + std::string(static_cast<std::size_t>(2 * depth), ' ');
    }

    void object(const Json& value, int depth) {
        std::vector<std::pair<std::u16string, Json::const_iterator>> members;
        for (auto it = value.begin(); it != value.end(); ++it)
            members.emplace_back(utf16(it.key()), it);
        std::sort(members.begin(), members.end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
        out += "{";
        bool first = true;
        for (const auto& [name, it] : members) {
            if (!first)
                out += ",";
            first = false;
            lineBreak(depth + 1);
            out += quoted(it.key()) + (pretty ? ": " : ":");
            write(*it, depth + 1);
        }
        if (!first)
            lineBreak(depth);
        out += "}";
    }

    void array(const Json& value, int depth) {
        const bool flat =
            std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_number(); });
        out += "[";
        bool first = true;
        for (const auto& element : value) {
            if (!first)
                out += pretty && flat ? ", " : ",";
            first = false;
            if (!flat)
                lineBreak(depth + 1);
            write(element, depth + 1);
        }
        if (!first && !flat)
            lineBreak(depth);
        out += "]";
    }

    void write(const Json& value, int depth) {
        if (depth > 64)
            throw Error("json.depth", "A value is nested deeper than 64 levels.", "");
        if (value.is_object())
            object(value, depth);
        else if (value.is_array())
            array(value, depth);
        else if (value.is_string())
            out += quoted(value.get_ref<const std::string&>());
        else if (value.is_boolean())
            out += value.get<bool>() ? "true" : "false";
        else if (value.is_null())
            out += "null";
        else if (value.is_number())
            out += numberOf(value);
        else
            throw Error("json.type", "A value has no JSON form.", "");
    }
};

} // namespace

std::string canonicalJson(const Json& value) {
    Writer writer{false, {}};
    writer.write(value, 0);
    return std::move(writer.out);
}

std::string prettyJson(const Json& value) {
    Writer writer{true, {}};
    writer.write(value, 0);
    return std::move(writer.out) + "\n";
}

} // namespace azimuth
