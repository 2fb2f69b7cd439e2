// What a reader takes for running text. Linear; views stay inside the given text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace azimuth {

// Without Markdown's scaffolding: rules (a line of at least three -, *, _ or = and blanks) and tables (lines
// with | whose second line is a delimiter row) become empty lines, indentation goes.
std::string withoutMarkdown(std::string_view text);

// The first n sentences of the trimmed text. A sentence ends at . ! ? or a line break followed by white space
// or the end, and holds at least one character that is neither white space nor such a mark.
std::string_view firstSentences(std::string_view text, std::int64_t n);

// U+2019 and U+02BC become '.
std::string withPlainApostrophes(std::string_view text);

} // namespace azimuth
