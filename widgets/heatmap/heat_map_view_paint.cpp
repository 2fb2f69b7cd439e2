#include "widgets/heatmap/heat_map_view.h"

#include "widgets/numbers.h"

#include <QFontMetrics>
#include <QPainter>

namespace azimuth {

namespace {

constexpr int tagHeight = 17;
constexpr int labelFree = 24; // between two labels

// Every how many cells a label stands, so that `needed` pixels lie between the starts of two labels.
int labelStep(double cell, double needed) {
    for (int step = 1;; step *= 10) {
        for (const int factor : {1, 2, 4, 5}) {
            if (step * factor * cell >= needed) {
                return step * factor;
            }
        }
    }
}

} // namespace

void HeatMapView::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    if (m_data.empty()) {
        return;
    }
    picture();
    painter.drawImage(m_map.topLeft(), m_picture);
    painter.setPen(m_tokens.border);
    painter.drawRect(m_map.adjusted(-1, -1, 0, 0));
    paintLabels(painter);
    if (m_mask) {
        paintDots(painter);
    }
    if (m_cellText) {
        paintValues(painter);
    }
    paintCrosshair(painter);
    paintFrames(painter);
}

void HeatMapView::paintLabels(QPainter& painter) const {
    painter.setFont(m_tokens.sans(11));
    painter.setPen(m_tokens.secondary);
    const QFontMetrics metrics(painter.font());
    const QPoint here = m_crosshair ? toDisplay(m_current) : QPoint(-1, -1);
    const double rowCell = m_rowAxis.cell() / ratio() / m_rowAxis.cellsPerPixel();
    const double columnCell = m_columnAxis.cell() / ratio() / m_columnAxis.cellsPerPixel();

    const bool named = !(m_transposed ? m_data.columnLabels : m_data.rowLabels).isEmpty();
    const int rowStep = labelStep(rowCell, named ? metrics.height() : metrics.ascent() + labelFree);
    const int labelsRight = m_map.left() - 8;
    const int labelsLeft =
        (m_transposed ? m_data.columnTitle : m_data.rowTitle).isEmpty() ? 0 : m_tokens.px(16);
    for (int row = 0; row < shownRows(); row += rowStep) {
        const double y = m_map.top() + m_rowAxis.firstPixel(row) / ratio() + rowCell / 2;
        if (y < m_map.top() || y > m_map.bottom() + 1 ||
            (here.y() >= 0 && std::abs(row - here.y()) * rowCell < m_tokens.px(tagHeight))) {
            continue;
        }
        const QRectF place(labelsLeft, y - metrics.height() / 2.0, labelsRight - labelsLeft,
                           metrics.height());
        painter.drawText(place, Qt::AlignRight | Qt::AlignVCenter,
                         metrics.elidedText(rowLabel(row), Qt::ElideMiddle, static_cast<int>(place.width())));
    }

    int widest = 0;
    for (int column = 0; column < std::min(shownColumns(), 400); ++column) {
        widest = std::max(widest, metrics.horizontalAdvance(columnLabel(column)));
    }
    const bool text = !(m_transposed ? m_data.rowLabels : m_data.columnLabels).isEmpty();
    const int columnStep = labelStep(columnCell, widest + (text ? 4 : labelFree));
    const double tagReach = widest / 2.0 + std::max(26, widest + 10) / 2.0 + 2;
    for (int column = 0; column < shownColumns(); column += columnStep) {
        const double x = m_map.left() + m_columnAxis.firstPixel(column) / ratio() + columnCell / 2;
        if (x < m_map.left() || x > m_map.right() + 1 ||
            (here.x() >= 0 && std::abs(column - here.x()) * columnCell < tagReach)) {
            continue;
        }
        const QRectF place(x - widest, m_map.bottom() + 5, 2 * widest, metrics.height());
        painter.drawText(place, Qt::AlignHCenter | Qt::AlignTop, columnLabel(column));
    }

    const QString& below = m_transposed ? m_data.rowTitle : m_data.columnTitle;
    painter.drawText(QRect(m_map.left(), m_map.bottom() + m_tokens.px(20), m_map.width(), m_tokens.px(16)),
                     Qt::AlignHCenter | Qt::AlignTop | Qt::TextDontClip, below);
    painter.save();
    painter.translate(m_tokens.px(9), m_map.center().y());
    painter.rotate(-90);
    painter.drawText(QRect(-m_map.height() / 2, -m_tokens.px(9), m_map.height(), m_tokens.px(16)),
                     Qt::AlignHCenter | Qt::AlignVCenter | Qt::TextDontClip,
                     m_transposed ? m_data.columnTitle : m_data.rowTitle);
    painter.restore();
}

void HeatMapView::paintTag(QPainter& painter, const QRect& rect, const QString& text) const {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_tokens.here);
    painter.drawRoundedRect(rect, 2, 2);
    painter.setPen(m_tokens.base);
    painter.setFont(m_tokens.sans(11, QFont::DemiBold));
    painter.drawText(rect, Qt::AlignCenter, text);
    painter.restore();
}

// Within the null interval: a 2 px dot in the cell.
void HeatMapView::paintDots(QPainter& painter) const {
    if (std::isnan(m_data.nullLimit) || m_rowAxis.cell() < 6 * ratio() || m_columnAxis.cell() < 6 * ratio()) {
        return;
    }
    for (int row = 0; row < shownRows(); ++row) {
        for (int column = 0; column < shownColumns(); ++column) {
            const QPoint at = toData(row, column);
            const double value = static_cast<double>(m_data.at(at.y(), at.x()));
            const QRect cell = cellRect({column, row});
            if (!cell.isEmpty() && std::abs(value) < m_data.nullLimit) {
                painter.fillRect(
                    QRect(cell.left() + (cell.width() - 2) / 2, cell.top() + (cell.height() - 2) / 2, 2, 2),
                    m_tokens.secondary);
            }
        }
    }
}

void HeatMapView::paintValues(QPainter& painter) const {
    const int across = m_columnAxis.visibleLength() / m_columnAxis.cell();
    const int down = m_rowAxis.visibleLength() / m_rowAxis.cell();
    if (m_columnAxis.cell() < 24 * ratio() || m_rowAxis.cell() < 16 * ratio() || across * down > 400) {
        return;
    }
    painter.setFont(m_tokens.sans(11));
    const QFontMetrics metrics(painter.font());
    for (int row = 0; row < shownRows(); ++row) {
        for (int column = 0; column < shownColumns(); ++column) {
            const QPoint at = toData(row, column);
            const double value = static_cast<double>(m_data.at(at.y(), at.x()));
            const QRect cell = cellRect({column, row});
            if (cell.isEmpty() || std::isnan(value)) {
                continue;
            }
            const QString text = m_data.format ? m_data.format(value) : formatNumber(value, 2);
            if (metrics.horizontalAdvance(text) <= cell.width() - 2) {
                const Rgb ground = m_scale.colour(value);
                painter.setPen(textOn(QColor(ground.red, ground.green, ground.blue)));
                painter.drawText(cell, Qt::AlignCenter, text);
            }
        }
    }
}

void HeatMapView::drawHaloLine(QPainter& painter, int x1, int y1, int x2, int y2) const {
    QColor halo = m_tokens.base;
    halo.setAlphaF(0.75F);
    const QRect line(QPoint(x1, y1), QPoint(x2, y2));
    if (line.isValid()) {
        painter.fillRect(x1 == x2 ? line.adjusted(-1, 0, 1, 0) : line.adjusted(0, -1, 0, 1), halo);
        painter.fillRect(line, m_tokens.here);
    }
}

// The Selection: lines across the whole map, broken at the cell, with a halo of the page; tags at both
// axes. Without the crosshair only the frame of the cell stays.
void HeatMapView::paintCrosshair(QPainter& painter) const {
    const QPoint here = toDisplay(m_current);
    if (here.x() < 0 && here.y() < 0) {
        return;
    }
    const double columnCell = m_columnAxis.cell() / ratio();
    const double rowCell = m_rowAxis.cell() / ratio();
    const int x =
        m_map.left() + static_cast<int>(m_columnAxis.firstPixel(here.x()) / ratio() + (columnCell - 1) / 2);
    const int y =
        m_map.top() + static_cast<int>(m_rowAxis.firstPixel(here.y()) / ratio() + (rowCell - 1) / 2);
    const QRect cell = cellRect(here);
    const bool xInside = m_crosshair && here.x() >= 0 && x >= m_map.left() && x <= m_map.right();
    const bool yInside = m_crosshair && here.y() >= 0 && y >= m_map.top() && y <= m_map.bottom();
    if (xInside) {
        drawHaloLine(painter, x, m_map.top(), x, cell.isEmpty() ? m_map.bottom() : cell.top() - 1);
        if (!cell.isEmpty()) {
            drawHaloLine(painter, x, cell.bottom() + 1, x, m_map.bottom());
        }
        const QString text = columnLabel(here.x());
        const int width =
            std::max(26, QFontMetrics(m_tokens.sans(11, QFont::DemiBold)).horizontalAdvance(text) + 10);
        paintTag(painter, QRect(x - width / 2, m_map.bottom() + 4, width, m_tokens.px(tagHeight)), text);
    }
    if (yInside) {
        drawHaloLine(painter, m_map.left(), y, cell.isEmpty() ? m_map.right() : cell.left() - 1, y);
        if (!cell.isEmpty()) {
            drawHaloLine(painter, cell.right() + 1, y, m_map.right(), y);
        }
        const QString text = rowLabel(here.y());
        const int width =
            std::max(26, QFontMetrics(m_tokens.sans(11, QFont::DemiBold)).horizontalAdvance(text) + 10);
        const int height = m_tokens.px(tagHeight);
        paintTag(painter, QRect(m_map.left() - 3 - width, y - height / 2, width, height), text);
    }
    if (!cell.isEmpty()) {
        painter.save();
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(m_tokens.base, 4, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(cell);
        painter.setPen(QPen(m_tokens.here, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(cell);
        painter.restore();
    }
}

// The chosen setting, the block that Shift extends, the keyboard's cursor and the zoom frame.
void HeatMapView::paintFrames(QPainter& painter) const {
    painter.save();
    painter.setBrush(Qt::NoBrush);
    if (const QRect chosen = cellRect(toDisplay(m_chosen)); !chosen.isEmpty()) {
        painter.setPen(QPen(QColor(0x10, 0x16, 0x1B), 1.5, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(QRectF(chosen).adjusted(2, 2, -2, -2));
    }
    if (m_keyboard && hasFocus()) {
        painter.setPen(QPen(m_tokens.accent, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        if (const QRect cursor = cellRect(toDisplay(m_cursor)); !cursor.isEmpty()) {
            const bool roomy = cursor.width() > 24 && cursor.height() > 24;
            const QRectF frame =
                roomy ? QRectF(cursor).adjusted(4, 4, -4, -4) : QRectF(cursor).adjusted(-1, -1, 1, 1);
            painter.save();
            painter.setPen(QPen(m_tokens.base, 4, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
            painter.drawRect(frame);
            painter.restore();
            painter.drawRect(frame);
        }
        if (m_anchor.x() >= 0 && m_anchor != m_cursor) {
            const QRect block = cellRect(toDisplay(m_anchor)).united(cellRect(toDisplay(m_cursor)));
            painter.setPen(QPen(m_tokens.accent, 1, Qt::DashLine));
            painter.drawRect(block.adjusted(0, 0, -1, -1));
        }
    }
    if (!m_zoomFrame.isEmpty()) {
        QColor tint = m_tokens.accent;
        tint.setAlphaF(0.16F);
        painter.fillRect(m_zoomFrame, tint);
        painter.setPen(m_tokens.accent);
        painter.drawRect(m_zoomFrame);
    }
    painter.restore();
}

} // namespace azimuth
