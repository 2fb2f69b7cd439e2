#include "widgets/icons.h"
#include "widgets/matrix/matrix.h"
#include "widgets/numbers.h"

#include <cmath>
#include <QFontMetrics>
#include <QPainter>
#include <QPainterPath>

namespace azimuth {

namespace {

// 45 degree lines of 1 px, 5 px apart across.
void paintHatch(QPainter& painter, const Tokens& tokens, const QRect& rect) {
    painter.save();
    painter.setClipRect(rect);
    painter.fillRect(rect, tokens.hatchBase);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(tokens.hatch, 1));
    constexpr double period = 7.0711;
    // Anchored at the widget's corner, so that neighbouring cells continue each other's lines.
    const double start = std::floor((rect.left() + rect.top()) / period) * period;
    for (double sum = start; sum < rect.right() + rect.bottom() + period; sum += period) {
        painter.drawLine(QPointF(sum - rect.top(), rect.top()),
                         QPointF(sum - rect.bottom() - 1, rect.bottom() + 1));
    }
    painter.restore();
}

// Text on the hatch, with a rim of its ground so that the lines do not run through the letters.
void paintRimmed(QPainter& painter, const QRectF& rect, const QString& text, const QColor& ink,
                 const QColor& rim) {
    const QFontMetricsF metrics(painter.font());
    QPainterPath path;
    path.addText(rect.center().x() - metrics.horizontalAdvance(text) / 2,
                 rect.center().y() + (metrics.ascent() - metrics.descent()) / 2, painter.font(), text);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.strokePath(path, QPen(rim, 5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.restore();
    painter.setPen(ink);
    painter.drawText(rect, Qt::AlignCenter, text);
}

} // namespace

void Matrix::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    if (m_data.cells.empty()) {
        return;
    }
    paintHeaders(painter);
    for (int row = 0; row < gridRows(); ++row) {
        for (int column = 0; column < gridColumns(); ++column) {
            painter.save();
            paintCell(painter, gridCellRect(row, column), cell(row, column));
            painter.restore();
        }
    }
    painter.setBrush(Qt::NoBrush);
    if (const QRect here = gridCellRect(m_current.y(), m_current.x()); !here.isEmpty()) {
        painter.setPen(QPen(m_tokens.base, 5, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(QRectF(here).adjusted(-0.5, -0.5, 0.5, 0.5));
        painter.setPen(QPen(m_tokens.here, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(here);
    }
    if (const QRect at = gridCellRect(m_cursor.y(), m_cursor.x());
        m_keyboard && hasFocus() && !at.isEmpty()) {
        painter.setPen(QPen(m_tokens.accent, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(at.adjusted(4, 4, -4, -4));
    }
}

void Matrix::paintHeaders(QPainter& painter) const {
    const QFont plain = m_tokens.sans(12, QFont::Medium);
    const QFont strong = m_tokens.sans(12, QFont::DemiBold);
    const QFont small = m_tokens.sans(11);
    const int line = m_tokens.px(16);
    const int width = headerWidth();
    const QRect corner(0, headerHeight() - 2 * line - 6, width - 10, line);
    painter.setFont(strong);
    painter.setPen(m_tokens.text);
    painter.drawText(corner, Qt::AlignLeft | Qt::AlignVCenter, m_data.rowTitle);
    painter.drawText(corner, Qt::AlignRight | Qt::AlignVCenter, m_data.columnTitle);
    painter.setFont(small);
    painter.setPen(m_tokens.secondary);
    painter.drawText(corner.translated(0, line), Qt::AlignLeft | Qt::AlignVCenter, m_data.rowDetail);
    painter.drawText(corner.translated(0, line), Qt::AlignRight | Qt::AlignVCenter, m_data.columnDetail);

    for (int column = 0; column < gridColumns(); ++column) {
        const bool here = column == m_current.x();
        const QString& name = m_data.columns[column].name;
        const qsizetype blank = name.lastIndexOf(QLatin1Char(' '));
        painter.setFont(here ? strong : plain);
        painter.setPen(here ? m_tokens.here : m_tokens.text);
        const QFontMetrics metrics(painter.font());
        QRect place(m_left[static_cast<std::size_t>(column)], corner.top(), m_cell.width(), line);
        const auto draw = [&](const QString& text) {
            painter.drawText(place, Qt::AlignCenter,
                             metrics.elidedText(text, Qt::ElideRight, place.width() - 2));
            place.translate(0, line);
        };
        if (blank > 0) {
            draw(name.left(blank));
            draw(name.mid(blank + 1));
        } else {
            place.translate(0, line);
            draw(name);
        }
    }
    for (int row = 0; row < gridRows(); ++row) {
        const bool here = row == m_current.y();
        const QRect cell = gridCellRect(row, 0);
        const bool two = !m_data.rows[row].detail.isEmpty() && cell.height() >= 2 * line;
        QRect place(0, cell.center().y() - (two ? line : line / 2), width - 8, line);
        painter.setFont(here ? strong : plain);
        painter.setPen(here ? m_tokens.here : m_tokens.text);
        painter.drawText(
            place, Qt::AlignLeft | Qt::AlignVCenter,
            QFontMetrics(painter.font()).elidedText(m_data.rows[row].name, Qt::ElideRight, place.width()));
        if (two) {
            painter.setFont(small);
            painter.setPen(m_tokens.secondary);
            painter.drawText(place.translated(0, line), Qt::AlignLeft | Qt::AlignVCenter,
                             m_data.rows[row].detail);
        }
    }
}

void Matrix::paintCell(QPainter& painter, const QRect& rect, const MatrixCell& cell) const {
    const bool onlyColour = rect.width() < m_tokens.px(40) || rect.height() < m_tokens.px(24);
    const QRect inside = rect.adjusted(0, 0, -1, -1);
    if (cell.kind == MatrixCell::Kind::cannot) {
        paintHatch(painter, m_tokens, rect);
    } else if (cell.kind == MatrixCell::Kind::measured && !(cell.notDifferent && m_dim)) {
        const ColourMap& blues = m_tokens.dark ? efficiencyDarkMap : efficiencyMap;
        const Rgb ground = ColourScale{m_data.map ? m_data.map : &blues, m_data.range}.colour(cell.value);
        painter.fillRect(rect, QColor(ground.red, ground.green, ground.blue));
    } else {
        painter.fillRect(rect, m_tokens.base);
    }
    painter.setPen(m_tokens.line);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(inside);
    if (onlyColour) {
        return;
    }
    if (cell.kind == MatrixCell::Kind::measured) {
        paintMeasured(painter, rect, cell);
    } else if (cell.kind == MatrixCell::Kind::own) {
        painter.setFont(m_tokens.sans(13));
        painter.setPen(m_tokens.text);
        const int half = m_tokens.px(16);
        const QFont small = m_tokens.sans(11);
        const bool captioned = !cell.caption.isEmpty() && rect.height() >= 2 * half + 2 &&
                               QFontMetrics(small).horizontalAdvance(cell.caption) <= rect.width() - 4;
        const QRect top(rect.left(), rect.center().y() - half + 1, rect.width(), half);
        painter.drawText(captioned ? top : rect, Qt::AlignCenter, cell.text);
        if (captioned) {
            painter.setFont(small);
            painter.setPen(m_tokens.secondary);
            painter.drawText(top.translated(0, half - 1), Qt::AlignCenter, cell.caption);
        }
    } else {
        paintReason(painter, rect, cell);
    }
}

void Matrix::paintMeasured(QPainter& painter, const QRect& rect, const MatrixCell& cell) const {
    const bool dimmed = cell.notDifferent && m_dim;
    QColor ink = m_tokens.text;
    if (m_data.map && !dimmed) {
        const Rgb ground = ColourScale{m_data.map, m_data.range}.colour(cell.value);
        ink = textOn(QColor(ground.red, ground.green, ground.blue));
    }
    const bool interval = m_intervals && std::isfinite(cell.low) && std::isfinite(cell.high);
    const QString under = interval ? formatRange(cell.low, cell.high, m_data.decimals) : cell.caption;
    const bool words = !under.isEmpty() && rect.width() >= m_tokens.px(64) &&
                       rect.height() >= m_tokens.px(40) &&
                       QFontMetrics(m_tokens.sans(11)).horizontalAdvance(under) <= rect.width() - 2;
    const int valueHeight = m_tokens.px(18);
    const int wordsHeight = words ? m_tokens.px(13) : 0;
    const int trackHeight = interval ? 9 : 0;
    const int top = rect.top() + (rect.height() - valueHeight - wordsHeight - trackHeight) / 2;
    painter.setFont(m_tokens.sans(14, dimmed ? QFont::Normal : QFont::DemiBold));
    painter.setPen(dimmed ? m_tokens.secondary : ink);
    painter.drawText(QRect(rect.left(), top, rect.width(), valueHeight), Qt::AlignCenter,
                     formatFixed(cell.value, m_data.decimals));
    if (words) {
        painter.setFont(m_tokens.sans(11));
        painter.setPen(ink);
        painter.drawText(QRect(rect.left(), top + valueHeight, rect.width(), wordsHeight), Qt::AlignCenter,
                         under);
    }
    if (interval) {
        painter.setPen(ink);
        paintTrack(painter, QRect(rect.left(), top + valueHeight + wordsHeight, rect.width(), trackHeight),
                   cell);
    }
}

// The whisker at the foot: track 18 % of the text, tick at 1, interval 2 px, point r 2.6.
void Matrix::paintTrack(QPainter& painter, const QRect& rect, const MatrixCell& cell) const {
    const QColor ink = painter.pen().color();
    const double left = rect.left() + 8;
    const double right = rect.right() - 7;
    const double y = rect.top() + 5.5;
    const auto x = [&](double value) {
        const double part = (value - m_data.trackLeast) / (m_data.trackMost - m_data.trackLeast);
        return left + std::clamp(part, 0.0, 1.0) * (right - left);
    };
    const auto faded = [&](double alpha) {
        QColor colour = ink;
        colour.setAlphaF(static_cast<float>(alpha));
        return colour;
    };
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(faded(0.18), 1));
    painter.drawLine(QPointF(left, y), QPointF(right, y));
    painter.setPen(QPen(faded(0.45), 1));
    const double tick = std::floor(x(m_data.trackTick)) + 0.5;
    painter.drawLine(QPointF(tick, y - 3.5), QPointF(tick, y + 3.5));
    painter.setPen(QPen(ink, 2, Qt::SolidLine, Qt::FlatCap));
    painter.drawLine(QPointF(x(cell.low), y), QPointF(x(cell.high), y));
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawEllipse(QPointF(x(cell.value), y), 2.6, 2.6);
}

void Matrix::paintReason(QPainter& painter, const QRect& rect, const MatrixCell& cell) const {
    painter.setFont(m_tokens.sans(11));
    const QFontMetrics metrics(painter.font());
    // A reason that does not fit is left out, not cut: hatch, icon and tooltip still say it.
    const bool running = cell.kind == MatrixCell::Kind::running;
    const bool fits = metrics.horizontalAdvance(cell.text) <= rect.width() - 6;
    const QString text = fits      ? cell.text
                         : running ? metrics.elidedText(cell.text, Qt::ElideRight, rect.width() - 6)
                                   : QString();
    if (cell.kind == MatrixCell::Kind::cannot) {
        paintRimmed(painter, rect, text, m_tokens.notMeasured, m_tokens.hatchBase);
        return;
    }
    const int line = m_tokens.px(14);
    const bool tall = rect.height() >= 13 + 4 + line + 4;
    const int top = rect.top() + (rect.height() - 13 - 6 - line) / 2;
    const QRect words(rect.left(), tall ? top + 19 : rect.center().y() - line / 2, rect.width(), line);
    if (running) {
        painter.setPen(m_tokens.text);
        painter.drawText(QRect(rect.left(), top, rect.width(), line), Qt::AlignCenter, text);
        const QRectF bar(rect.left() + 12, top + line + 5, rect.width() - 24, 4);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_tokens.line);
        painter.drawRoundedRect(bar, 2, 2);
        painter.setBrush(m_tokens.accent);
        painter.drawRoundedRect(
            QRectF(bar.topLeft(), QSizeF(bar.width() * std::clamp(cell.progress, 0.0, 1.0), 4)), 2, 2);
        return;
    }
    const bool failed = cell.kind == MatrixCell::Kind::failed;
    const QColor colour = failed                                    ? m_tokens.failure
                          : cell.kind == MatrixCell::Kind::byChoice ? m_tokens.notMeasured
                                                                    : m_tokens.secondary;
    const QString icon = failed                                    ? QStringLiteral("failure")
                         : cell.kind == MatrixCell::Kind::byChoice ? QStringLiteral("not-measured")
                                                                   : QStringLiteral("queued");
    if (text.isEmpty()) {
        paintIcon(painter, icon, rect, 13, colour);
        return;
    }
    if (tall) {
        paintIcon(painter, icon, QRectF(rect.left(), top, rect.width(), 13), 13, colour);
    }
    painter.setPen(failed ? m_tokens.failure : m_tokens.secondary);
    painter.drawText(words, Qt::AlignCenter, text);
}

} // namespace azimuth
