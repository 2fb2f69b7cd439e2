// Which words of two texts are shared, by the longest common subsequence of words (white space between
// them). Pure.
#pragma once

#include <QList>
#include <QString>

namespace azimuth {

struct TextSpan {
    qsizetype start = 0;
    qsizetype length = 0;
    friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

struct WordDiff {
    QList<TextSpan> onlyFirst, onlySecond; // runs of words, blanks between them included
    double shared = 1;                     // 2 x common words / all words; 1 for two empty texts
};

// Texts of more than 2,000 words are compared over their first 2,000; the rest is not marked.
WordDiff diffWords(const QString& first, const QString& second);

} // namespace azimuth
