#include "core/base/text.h"

#include "core/base/error.h"

#include <cstdio>
#include <utf8proc.h>

namespace azimuth {
namespace {

// Length of the valid sequence at the front, 0 if there is none; `code` gets its code point.
std::size_t decodeOne(std::string_view text, char32_t& code) {
    utf8proc_int32_t value = -1;
    const auto count = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                        static_cast<utf8proc_ssize_t>(text.size()), &value);
    if (count <= 0 || value < 0)
        return 0;
    code = static_cast<char32_t>(value);
    return static_cast<std::size_t>(count);
}

void append(std::string& out, char32_t code) {
    utf8proc_uint8_t buffer[4];
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), buffer);
    out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(count));
}

utf8proc_category_t category(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

bool isCased(char32_t code) {
    const auto value = static_cast<utf8proc_int32_t>(code);
    if (utf8proc_tolower(value) != value || utf8proc_toupper(value) != value)
        return true;
    switch (category(code)) {
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        return true;
    default:
        break;
    }
    // Other_Lowercase and Other_Uppercase without a mapping: the ordinal indicators, the squared and circled
    // capitals.
    return code == 0xAA || code == 0xBA || (code >= 0x1F130 && code <= 0x1F149) ||
           (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
}

bool isCaseIgnorable(char32_t code) {
    switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        break;
    }
    // Word_Break = Single_Quote, MidLetter, MidNumLet
    static constexpr std::u32string_view inWords = U"'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027"
                                                   U"\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";
    return inWords.find(code) != std::u32string_view::npos;
}

bool isFinalSigma(const std::vector<char32_t>& text, std::size_t at) {
    std::size_t before = at;
    while (before > 0 && isCaseIgnorable(text[before - 1]))
        --before;
    if (before == 0 || !isCased(text[before - 1]))
        return false;
    std::size_t after = at + 1;
    while (after < text.size() && isCaseIgnorable(text[after]))
        ++after;
    return after == text.size() || !isCased(text[after]);
}

// Bytes at the front of invalid text that stand for one U+FFFD: the longest start of some valid sequence,
// else one byte (Unicode 3.9, "substitution of maximal subparts", as Python and the web do).
std::size_t brokenLength(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned lead = at(0);
    const std::size_t full = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 1;
    std::size_t length = 1;
    while (length < full && length < bytes.size()) {
        unsigned low = 0x80, high = 0xBF;
        if (length == 1) { // no overlong forms, no surrogates, nothing above U+10FFFF
            low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
            high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        }
        if (at(length) < low || at(length) > high)
            break;
        ++length;
    }
    return length;
}

} // namespace

bool isValidUtf8(std::string_view text) {
    char32_t code = 0;
    while (!text.empty()) {
        const auto count = decodeOne(text, code);
        if (count == 0)
            return false;
        text.remove_prefix(count);
    }
    return true;
}

std::string repairedUtf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    char32_t code = 0;
    while (!bytes.empty()) {
        const auto count = decodeOne(bytes, code);
        if (count > 0) {
            out.append(bytes.substr(0, count));
            bytes.remove_prefix(count);
            continue;
        }
        out += "\xEF\xBF\xBD";
        const auto skip = brokenLength(bytes);
        bytes.remove_prefix(skip);
    }
    return out;
}

std::vector<char32_t> toCodePoints(std::string_view text) {
    std::vector<char32_t> out;
    out.reserve(text.size());
    char32_t code = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto count = decodeOne(text.substr(at), code);
        if (count == 0)
            throw Error("text.utf8", "The text is not UTF-8 at byte " + std::to_string(at) + ".",
                        "Save the file as UTF-8.");
        out.push_back(code);
        at += count;
    }
    return out;
}

std::string fromCodePoints(const std::vector<char32_t>& codePoints) {
    std::string out;
    out.reserve(codePoints.size());
    for (const auto code : codePoints)
        append(out, code);
    return out;
}

bool isSpace(char32_t code) {
    if ((code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0)
        return true;
    return code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000;
}

bool isAlphanumeric(char32_t code) {
    switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    // Python's isnumeric is wider than Nd: letter-like and other numbers carry a numeric value.
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

std::string lowered(std::string_view text) {
    const auto codes = toCodePoints(text);
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (codes[i] == U'\u0130') // the one lower-case mapping that grows
            out += "i\xCC\x87";
        else if (codes[i] == U'\u03a3')
            append(out, isFinalSigma(codes, i) ? U'\u03c2' : U'\u03c3');
        else
            append(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(codes[i]))));
    }
    return out;
}

std::string_view trimmedView(std::string_view text) {
    std::size_t begin = 0, end = 0;
    bool started = false;
    char32_t code = 0;
    for (std::size_t at = 0; at < text.size();) {
        auto count = decodeOne(text.substr(at), code);
        const bool space = count > 0 && isSpace(code);
        count = count == 0 ? 1 : count;
        if (!space) {
            if (!started)
                begin = at;
            started = true;
            end = at + count;
        }
        at += count;
    }
    return started ? text.substr(begin, end - begin) : std::string_view{};
}

std::vector<std::string> splitOnSpace(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    char32_t code = 0;
    for (std::size_t at = 0; at < text.size();) {
        auto count = decodeOne(text.substr(at), code);
        const bool space = count > 0 && isSpace(code);
        count = count == 0 ? 1 : count;
        if (space) {
            if (!word.empty())
                words.push_back(std::move(word));
            word.clear();
        } else {
            word.append(text.substr(at, count));
        }
        at += count;
    }
    if (!word.empty())
        words.push_back(std::move(word));
    return words;
}

std::string forMessage(std::string_view text, std::size_t limit) {
    const auto clean = repairedUtf8(text.substr(0, 8 * limit));
    std::string out;
    std::size_t shown = 0;
    char32_t code = 0;
    for (std::size_t at = 0; at < clean.size();) {
        const auto count = decodeOne(std::string_view(clean).substr(at), code);
        if (shown++ == limit)
            return out + "\u2026";
        if (code == U'\n')
            out += "\\n";
        else if (code < 0x20 || code == 0x7F) {
            char buffer[8];
            std::snprintf(buffer, sizeof buffer, "\\x%02x", static_cast<unsigned>(code));
            out += buffer;
        } else
            out.append(clean, at, count);
        at += count;
    }
    return out;
}

} // namespace azimuth
