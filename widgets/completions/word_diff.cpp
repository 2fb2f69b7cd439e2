#include "widgets/completions/word_diff.h"

#include <algorithm>
#include <vector>

namespace azimuth {

namespace {

constexpr qsizetype mostWords = 2000;

QList<TextSpan> words(const QString& text) {
    QList<TextSpan> words;
    for (qsizetype i = 0; i < text.size() && words.size() < mostWords;) {
        while (i < text.size() && text[i].isSpace()) {
            ++i;
        }
        const qsizetype start = i;
        while (i < text.size() && !text[i].isSpace()) {
            ++i;
        }
        if (i > start) {
            words.append({start, i - start});
        }
    }
    return words;
}

QList<TextSpan> runsOf(const QList<TextSpan>& words, const std::vector<bool>& common) {
    QList<TextSpan> runs;
    bool open = false;
    for (qsizetype i = 0; i < words.size(); ++i) {
        if (common[static_cast<std::size_t>(i)]) {
            open = false;
        } else if (open) {
            runs.last().length = words[i].start + words[i].length - runs.last().start;
        } else {
            runs.append(words[i]);
            open = true;
        }
    }
    return runs;
}

} // namespace

WordDiff diffWords(const QString& first, const QString& second) {
    const QList<TextSpan> one = words(first);
    const QList<TextSpan> other = words(second);
    const auto n = static_cast<std::size_t>(one.size());
    const auto m = static_cast<std::size_t>(other.size());
    const auto same = [&](std::size_t i, std::size_t j) {
        const TextSpan& a = one[static_cast<qsizetype>(i)];
        const TextSpan& b = other[static_cast<qsizetype>(j)];
        return QStringView(first).mid(a.start, a.length) == QStringView(second).mid(b.start, b.length);
    };
    // length[i][j]: of the longest common subsequence of the words from i and j on.
    std::vector<std::uint16_t> length((n + 1) * (m + 1), 0);
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& { return length[i * (m + 1) + j]; };
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t j = m; j-- > 0;) {
            at(i, j) = same(i, j) ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1)
                                  : std::max(at(i + 1, j), at(i, j + 1));
        }
    }
    std::vector<bool> inOne(n, false), inOther(m, false);
    for (std::size_t i = 0, j = 0; i < n && j < m;) {
        if (same(i, j) && at(i, j) == at(i + 1, j + 1) + 1) {
            inOne[i++] = true;
            inOther[j++] = true;
        } else if (at(i + 1, j) >= at(i, j + 1)) {
            ++i;
        } else {
            ++j;
        }
    }
    WordDiff diff;
    diff.onlyFirst = runsOf(one, inOne);
    diff.onlySecond = runsOf(other, inOther);
    diff.shared = n + m == 0 ? 1 : 2.0 * at(0, 0) / static_cast<double>(n + m);
    return diff;
}

} // namespace azimuth
