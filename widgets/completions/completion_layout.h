// The laid out texts of one row of the completion list and how they are painted. Built per row and kept
// in a cache.
#pragma once

#include "widgets/completions/completion_row.h"
#include "widgets/tokens.h"

#include <memory>
#include <QRect>
#include <QRegularExpression>
#include <QTextLayout>

class QPainter;

namespace azimuth {

// Where the columns lie: x of their left edges, and the right edge of the last.
struct CompletionColumns {
    int prompt = 0, control = 0, steered = 0, label = 0, end = 0;
    friend bool operator==(const CompletionColumns&, const CompletionColumns&) = default;
};
CompletionColumns completionColumns(const Tokens& tokens, int width);

class CompletionLayout {
public:
    CompletionLayout(CompletionRow row, const Tokens& tokens, const CompletionColumns& columns,
                     CompletionMarks marks, const QRegularExpression& search);

    int height() const { return m_height; }
    const CompletionRow& row() const { return m_row; }
    // "rewritten, 3 % shared" where too little is shared to mark words, "no text" where there is none;
    // else empty.
    const QString& caption() const { return m_caption; }
    void paint(QPainter& painter, const Tokens& tokens, const QPoint& topLeft) const;

private:
    void layOut(QTextLayout& layout, const QFont& font, const QString& text, double width,
                const QList<QTextLayout::FormatRange>& formats, double lineHeight);
    CompletionRow m_row;
    CompletionColumns m_columns;
    QString m_caption;
    std::unique_ptr<QTextLayout> m_prompt, m_control, m_steered;
    int m_height = 0;
};

} // namespace azimuth
