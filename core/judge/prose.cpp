#include "core/judge/prose.h"

#include "core/base/text.h"

#include <algorithm>
#include <vector>

namespace azimuth {
namespace {

std::vector<std::string_view> linesOf(std::string_view text) {
    std::vector<std::string_view> lines;
    for (;;) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return lines;
        text.remove_prefix(end + 1);
    }
}

// A thematic break or a heading's underline: at least three of one mark, else only blanks.
bool isRule(std::string_view line) {
    char mark = 0;
    int count = 0;
    for (const char c : line) {
        if (c == ' ' || c == '\t')
            continue;
        if (c != '-' && c != '*' && c != '_' && c != '=')
            return false;
        if (mark != 0 && c != mark)
            return false;
        mark = c;
        ++count;
    }
    return count >= 3;
}

bool isTableRow(std::string_view line) { return line.find('|') != std::string_view::npos; }

// The row under a table's head: only | : - and blanks, with a | and a -.
bool isDelimiterRow(std::string_view line) {
    return isTableRow(line) && line.find('-') != std::string_view::npos &&
           line.find_first_not_of("|:- \t") == std::string_view::npos;
}

bool isMark(char c) { return c == '.' || c == '!' || c == '?' || c == '\n'; }

// The code point at the front of valid UTF-8, and its length.
struct Front {
    char32_t code = 0;
    std::size_t size = 1;
};

Front frontOf(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    Front front;
    front.size = std::min<std::size_t>(text.size(), lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4);
    front.code = front.size == 1 ? lead : lead & (0x7Fu >> front.size);
    for (std::size_t i = 1; i < front.size; ++i)
        front.code = front.code << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    return front;
}

} // namespace

std::string withoutMarkdown(std::string_view text) {
    auto lines = linesOf(text);
    for (auto& line : lines)
        line = trimmedView(line);
    std::vector<bool> table(lines.size());
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        if (!table[i] && isTableRow(lines[i]) && isDelimiterRow(lines[i + 1]))
            for (std::size_t row = i; row < lines.size() && isTableRow(lines[row]); ++row)
                table[row] = true;
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0)
            out += '\n';
        if (!table[i] && !isRule(lines[i]))
            out += lines[i];
    }
    return out;
}

std::string_view firstSentences(std::string_view text, std::int64_t n) {
    text = trimmedView(text);
    std::int64_t sentences = 0;
    bool holdsSomething = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto front = frontOf(text.substr(at));
        const auto next = at + front.size;
        if (front.size == 1 && isMark(text[at])) {
            const bool ends = next == text.size() || isSpace(frontOf(text.substr(next)).code);
            if (ends && holdsSomething && ++sentences == n)
                return text.substr(0, next);
            holdsSomething = holdsSomething && !ends;
        } else if (!isSpace(front.code)) {
            holdsSomething = true;
        }
        at = next;
    }
    return text;
}

std::string withPlainApostrophes(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto rest = text.substr(at);
        const auto size = frontOf(rest).size;
        const auto character = rest.substr(0, size);
        if (character == "\u2019" || character == "\u02BC")
            out += '\'';
        else
            out += character;
        at += size;
    }
    return out;
}

} // namespace azimuth
