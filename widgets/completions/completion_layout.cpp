#include "widgets/completions/completion_layout.h"

#include "widgets/completions/word_diff.h"
#include "widgets/numbers.h"

#include <QCoreApplication>
#include <QFontMetrics>
#include <QPainter>
#include <QTextLayout>

namespace azimuth {

namespace {

constexpr int outer = 16; // left padding of the first column, that of the page
constexpr int padding = 8;
constexpr int top = 7;
constexpr int bottom = 8;
constexpr double fewestShared = 0.05;
constexpr int mostCharactersAcross = 96;
constexpr double strongestChange = 4; // nats
constexpr double underlinedChange = 2;

QString tr(const char* text) { return QCoreApplication::translate("azimuth::CompletionList", text); }

QTextLayout::FormatRange ground(qsizetype start, qsizetype length, const QColor& colour) {
    QTextLayout::FormatRange range;
    range.start = static_cast<int>(start);
    range.length = static_cast<int>(length);
    range.format.setBackground(colour);
    return range;
}

void markSearch(QList<QTextLayout::FormatRange>& formats, const QString& text,
                const QRegularExpression& search, const QColor& colour) {
    if (search.pattern().isEmpty()) {
        return;
    }
    for (auto match = search.globalMatch(text); match.hasNext();) {
        const auto found = match.next();
        if (found.capturedLength() > 0) {
            formats.append(ground(found.capturedStart(), found.capturedLength(), colour));
        }
    }
}

// More likely than in the control: the coherent colour, less likely: the garbled one, 6 to 36 % over 0 to
// 4 nats.
QList<QTextLayout::FormatRange> changeFormats(const Tokens& tokens, const QList<TokenChange>& changes) {
    QList<QTextLayout::FormatRange> formats;
    for (const TokenChange& change : changes) {
        const double size = std::abs(static_cast<double>(change.nats));
        QColor colour = change.nats >= 0 ? tokens.coherent : tokens.garbled;
        auto range = ground(change.start, change.length, colour);
        if (size >= underlinedChange) {
            range.format.setUnderlineStyle(QTextCharFormat::SingleUnderline);
            range.format.setUnderlineColor(colour);
        }
        colour.setAlphaF(static_cast<float>(0.06 + 0.30 * std::min(1.0, size / strongestChange)));
        range.format.setBackground(colour);
        formats.append(range);
    }
    return formats;
}

} // namespace

CompletionColumns completionColumns(const Tokens& tokens, int width) {
    CompletionColumns columns;
    columns.prompt = 0;
    columns.control = tokens.px(150);
    const int label = tokens.px(96);
    const int widest = QFontMetrics(tokens.sans(13)).averageCharWidth() * mostCharactersAcross + 2 * padding;
    const int text = std::clamp((width - columns.control - label) / 2, tokens.px(80), widest);
    columns.steered = columns.control + text;
    columns.label = columns.steered + text;
    columns.end = std::max(width, columns.label + label);
    return columns;
}

CompletionLayout::CompletionLayout(CompletionRow row, const Tokens& tokens, const CompletionColumns& columns,
                                   CompletionMarks marks, const QRegularExpression& search)
    : m_row(std::move(row)), m_columns(columns), m_prompt(std::make_unique<QTextLayout>()),
      m_control(std::make_unique<QTextLayout>()), m_steered(std::make_unique<QTextLayout>()) {
    QList<QTextLayout::FormatRange> promptFormats, controlFormats, steeredFormats;
    const QString prompt =
        m_row.number.isEmpty() ? m_row.prompt : m_row.number + QStringLiteral("  ") + m_row.prompt;
    QTextLayout::FormatRange number;
    number.start = 0;
    number.length = static_cast<int>(m_row.number.size());
    number.format.setForeground(tokens.secondary);
    promptFormats.append(number);

    if (m_row.steered.trimmed().isEmpty()) {
        m_caption = tr("no text");
    } else if (marks == CompletionMarks::words) {
        const WordDiff diff = diffWords(m_row.control, m_row.steered);
        if (diff.shared < fewestShared) {
            m_caption = tr("rewritten, %1 shared").arg(formatPercent(diff.shared));
        } else {
            for (const TextSpan& span : diff.onlyFirst) {
                controlFormats.append(ground(span.start, span.length, tokens.diffOld));
            }
            for (const TextSpan& span : diff.onlySecond) {
                steeredFormats.append(ground(span.start, span.length, tokens.diffNew));
            }
        }
    } else if (marks == CompletionMarks::logProbability) {
        steeredFormats = changeFormats(tokens, m_row.changes);
    }
    markSearch(promptFormats, prompt, search, tokens.search);
    markSearch(controlFormats, m_row.control, search, tokens.search);
    markSearch(steeredFormats, m_row.steered, search, tokens.search);

    const double text = columns.steered - columns.control - 2 * padding;
    layOut(*m_prompt, tokens.sans(12), prompt, columns.control - outer - padding, promptFormats,
           tokens.px(16));
    layOut(*m_control, tokens.sans(13), m_row.control, text, controlFormats, tokens.px(18));
    layOut(*m_steered, tokens.sans(13), m_row.steered, text, steeredFormats, tokens.px(18));
    const double captionHeight = m_caption.isEmpty() ? 0 : tokens.px(16);
    const double labels = tokens.px(20) + 3 + tokens.px(14);
    const double highest = std::max({m_prompt->boundingRect().height(), m_control->boundingRect().height(),
                                     m_steered->boundingRect().height() + captionHeight, labels});
    m_height = top + static_cast<int>(std::ceil(highest)) + bottom + 1;
}

void CompletionLayout::layOut(QTextLayout& layout, const QFont& font, const QString& text, double width,
                              const QList<QTextLayout::FormatRange>& formats, double lineHeight) {
    QString shown = text;
    shown.replace(QLatin1Char('\n'), QChar::LineSeparator);
    layout.setText(shown);
    layout.setFont(font);
    layout.setFormats(formats);
    layout.setCacheEnabled(true);
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    layout.setTextOption(option);
    layout.beginLayout();
    double y = 0;
    for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
        line.setLineWidth(std::max(20.0, width));
        line.setPosition({0, y + (lineHeight - line.height()) / 2});
        y += lineHeight;
    }
    layout.endLayout();
}

void CompletionLayout::paint(QPainter& painter, const Tokens& tokens, const QPoint& topLeft) const {
    const int y = topLeft.y() + top;
    painter.setPen(tokens.text);
    m_prompt->draw(&painter, QPointF(topLeft.x() + outer, y));
    m_control->draw(&painter, QPointF(topLeft.x() + m_columns.control + padding, y));
    m_steered->draw(&painter, QPointF(topLeft.x() + m_columns.steered + padding, y));
    if (!m_caption.isEmpty()) {
        painter.setFont(tokens.sans(11));
        painter.setPen(tokens.secondary);
        const double under = m_row.steered.isEmpty() ? y + 1 : y + m_steered->boundingRect().bottom() + 2;
        painter.drawText(QRectF(topLeft.x() + m_columns.steered + padding, under,
                                m_columns.label - m_columns.steered - 2 * padding, tokens.px(14)),
                         Qt::AlignLeft | Qt::AlignVCenter, m_caption);
    }
    const int labelX = topLeft.x() + m_columns.label + padding;
    if (m_row.label != LabelShape::none) {
        paintLabelChip(painter, tokens, m_row.label, {labelX, y});
    }
    painter.setFont(tokens.sans(11));
    painter.setPen(tokens.secondary);
    const QRect note(labelX, m_row.label == LabelShape::none ? y : y + tokens.px(20) + 3,
                     tokens.px(96) - 2 * padding + 4, tokens.px(14));
    painter.drawText(note, Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(m_row.labelNote, Qt::ElideRight, note.width()));
    if (m_row.pinned) {
        paintIcon(painter, QStringLiteral("pin"), QRectF(topLeft.x() + 1, y + 1, 14, 14), 12, tokens.accent);
    }
}

} // namespace azimuth
