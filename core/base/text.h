// Text is UTF-8 bytes in std::string. Functions that count or change case work on code points as Python's str
// does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

bool isValidUtf8(std::string_view text); // RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF
std::string repairedUtf8(std::string_view bytes); // each maximal invalid subsequence becomes U+FFFD

// Error text.utf8 if not valid.
std::vector<char32_t> toCodePoints(std::string_view text);
std::string fromCodePoints(const std::vector<char32_t>& codePoints);

// As Python 3: str.isspace of one character, str.isalnum of one character, str.lower of a text (full mapping
// with final sigma).
bool isSpace(char32_t codePoint);
bool isAlphanumeric(char32_t codePoint);
std::string lowered(std::string_view text);

std::string_view trimmedView(std::string_view text);          // str.strip()
std::vector<std::string> splitOnSpace(std::string_view text); // str.split()

// One line of at most `limit` code points for a message: control characters escaped as \n, \x07; cut with an
// ellipsis.
std::string forMessage(std::string_view text, std::size_t limit = 80);

} // namespace azimuth
