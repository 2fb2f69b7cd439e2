#include "widgets/heatmap/heat_map_view.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QMimeData>
#include <QMouseEvent>
#include <QWheelEvent>

namespace azimuth {

namespace {

constexpr int mostRemembered = 40;

} // namespace

void HeatMapView::resizeEvent(QResizeEvent*) {
    const bool fitted = m_history.isEmpty();
    layOut();
    if (fitted) {
        fitAxes();
    }
    changedView();
}

HeatMapView::Zoom HeatMapView::zoomNow() const {
    return {m_rowAxis.cell(),    m_rowAxis.cellsPerPixel(),    m_rowAxis.offset(),
            m_columnAxis.cell(), m_columnAxis.cellsPerPixel(), m_columnAxis.offset()};
}

void HeatMapView::remember() {
    m_history.append(zoomNow());
    if (m_history.size() > mostRemembered) {
        m_history.removeFirst();
    }
}

void HeatMapView::restore(const Zoom& zoom) {
    m_rowAxis.setZoom(zoom.rowCell, zoom.rowPer);
    m_columnAxis.setZoom(zoom.columnCell, zoom.columnPer);
    layOut();
    m_rowAxis.scrollTo(zoom.rowOffset);
    m_columnAxis.scrollTo(zoom.columnOffset);
    changedView();
}

void HeatMapView::zoom(int steps) { zoomAt(QRectF(m_map).center(), steps, false); }

void HeatMapView::zoomAt(const QPointF& place, int steps, bool columnsOnly) {
    if (m_data.empty() || steps == 0) {
        return;
    }
    const Zoom before = zoomNow();
    const QPointF inside = (place - m_map.topLeft()) * ratio();
    // Gutters shrink and grow with the content: the axes are given the whole space before they zoom about
    // a pixel.
    if (!columnsOnly) {
        m_rowAxis.zoom(steps, static_cast<int>(inside.y()));
    }
    m_columnAxis.zoom(steps, static_cast<int>(inside.x()));
    if (m_square || m_rowAxis.cellsPerPixel() != m_columnAxis.cellsPerPixel()) {
        const int cell = std::min(m_rowAxis.cell(), m_columnAxis.cell());
        const int per = std::max(m_rowAxis.cellsPerPixel(), m_columnAxis.cellsPerPixel());
        if (!columnsOnly || per > 1) {
            m_rowAxis.setZoom(cell, per);
            m_columnAxis.setZoom(cell, per);
        }
    }
    if (before == zoomNow()) {
        return;
    }
    m_history.append(before);
    if (m_history.size() > mostRemembered) {
        m_history.removeFirst();
    }
    layOut();
    changedView();
}

// A frame drawn with the mouse: the largest zoom at which it is still whole.
void HeatMapView::zoomTo(const QRect& frame) {
    const QRect inside = frame.intersected(m_map).translated(-m_map.topLeft());
    const int firstColumn = m_columnAxis.displayAt(static_cast<int>(inside.left() * ratio()));
    const int lastColumn = m_columnAxis.displayAt(static_cast<int>(inside.right() * ratio()));
    const int firstRow = m_rowAxis.displayAt(static_cast<int>(inside.top() * ratio()));
    const int lastRow = m_rowAxis.displayAt(static_cast<int>(inside.bottom() * ratio()));
    if (firstColumn < 0 || firstRow < 0 || lastColumn < firstColumn || lastRow < firstRow) {
        return;
    }
    remember();
    int columnCell = m_columnAxis.length() / (lastColumn - firstColumn + 1);
    int rowCell = m_rowAxis.length() / (lastRow - firstRow + 1);
    if (m_square) {
        columnCell = rowCell = std::min(columnCell, rowCell);
    }
    if (columnCell >= 1 && rowCell >= 1) {
        m_columnAxis.setZoom(columnCell, 1);
        m_rowAxis.setZoom(rowCell, 1);
        layOut();
        m_columnAxis.scrollTo(firstColumn * m_columnAxis.cell());
        m_rowAxis.scrollTo(firstRow * m_rowAxis.cell());
    } else {
        zoomAt(QRectF(frame).center(), 1, false);
    }
    changedView();
}

void HeatMapView::moveCursor(int rows, int columns, bool extend) {
    QPoint at = toDisplay(m_cursor);
    if (at.x() < 0 || at.y() < 0) {
        const QPoint here = toDisplay(m_current);
        at = {std::max(0, here.x()), std::max(0, here.y())};
    } else {
        at = {std::clamp(at.x() + columns, 0, shownColumns() - 1),
              std::clamp(at.y() + rows, 0, shownRows() - 1)};
    }
    if (extend && m_anchor.x() < 0) {
        m_anchor = m_cursor;
    } else if (!extend) {
        m_anchor = {-1, -1};
    }
    m_keyboard = true;
    m_cursor = toData(at.y(), at.x());
    const Zoom before = zoomNow();
    m_rowAxis.reveal(at.y());
    m_columnAxis.reveal(at.x());
    if (!(before == zoomNow())) {
        changedView();
    }
    update();
    announceGridCursor(this, m_cursor.y(), m_cursor.x());
    Q_EMIT cursorMoved(m_cursor.y(), m_cursor.x());
}

void HeatMapView::copy() const {
    const QPoint from =
        m_anchor.x() >= 0 ? toDisplay(m_anchor) : toDisplay(m_cursor.x() >= 0 ? m_cursor : m_current);
    const QPoint to = toDisplay(m_cursor.x() >= 0 ? m_cursor : m_current);
    const bool all = from.x() < 0 || from.y() < 0 || to.x() < 0 || to.y() < 0;
    const int firstRow = all ? 0 : std::min(from.y(), to.y());
    const int lastRow = all ? shownRows() - 1 : std::max(from.y(), to.y());
    const int firstColumn = all ? 0 : std::min(from.x(), to.x());
    const int lastColumn = all ? shownColumns() - 1 : std::max(from.x(), to.x());
    QString text;
    for (int column = firstColumn; column <= lastColumn; ++column) {
        text += QLatin1Char('\t') + columnLabel(column);
    }
    for (int row = firstRow; row <= lastRow; ++row) {
        text += QLatin1Char('\n') + rowLabel(row);
        for (int column = firstColumn; column <= lastColumn; ++column) {
            const QPoint at = toData(row, column);
            const float value = m_data.at(at.y(), at.x());
            text += QLatin1Char('\t') +
                    (std::isnan(value) ? QString() : QString::number(static_cast<double>(value), 'g', 9));
        }
    }
    auto* mime = new QMimeData;
    mime->setText(text + QLatin1Char('\n'));
    mime->setImageData(m_picture);
    QApplication::clipboard()->setMimeData(mime);
}

void HeatMapView::keyPressEvent(QKeyEvent* event) {
    if (m_data.empty()) {
        QWidget::keyPressEvent(event);
        return;
    }
    const bool extend = event->modifiers().testFlag(Qt::ShiftModifier);
    if (event->matches(QKeySequence::Copy)) {
        copy();
        return;
    }
    switch (event->key()) {
    case Qt::Key_Left:
        moveCursor(0, -1, extend);
        break;
    case Qt::Key_Right:
        moveCursor(0, 1, extend);
        break;
    case Qt::Key_Up:
        moveCursor(-1, 0, extend);
        break;
    case Qt::Key_Down:
        moveCursor(1, 0, extend);
        break;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (event->modifiers().testFlag(Qt::ControlModifier) || m_cursor.x() < 0) {
            QWidget::keyPressEvent(event);
            return;
        }
        gridSelect(m_cursor.y(), m_cursor.x());
        break;
    case Qt::Key_Home:
        m_history.clear();
        fit();
        break;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoom(1);
        break;
    case Qt::Key_Minus:
        zoom(-1);
        break;
    case Qt::Key_R:
        setTransposed(!m_transposed);
        break;
    case Qt::Key_Backspace:
        if (!m_history.isEmpty()) {
            restore(m_history.takeLast());
        }
        break;
    case Qt::Key_Space:
        m_space = true;
        break;
    case Qt::Key_Escape:
        if (m_cursor.x() < 0) {
            QWidget::keyPressEvent(event);
            return;
        }
        m_cursor = m_anchor = {-1, -1};
        update();
        Q_EMIT cursorMoved(-1, -1);
        break;
    default:
        QWidget::keyPressEvent(event);
    }
}

void HeatMapView::keyReleaseEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Space) {
        m_space = false;
    }
    QWidget::keyReleaseEvent(event);
}

void HeatMapView::mousePressEvent(QMouseEvent* event) {
    m_press = event->pos();
    m_keyboard = false;
    if (event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && m_space)) {
        m_panning = true;
        m_panFrom = QPoint(m_columnAxis.offset(), m_rowAxis.offset());
        remember();
        setCursor(Qt::ClosedHandCursor);
    } else if (event->button() == Qt::LeftButton) {
        m_pressed = m_map.contains(event->pos());
    }
}

void HeatMapView::mouseMoveEvent(QMouseEvent* event) {
    if (m_panning) {
        const QPoint moved = event->pos() - m_press;
        m_columnAxis.scrollTo(m_panFrom.x() - static_cast<int>(moved.x() * ratio()));
        m_rowAxis.scrollTo(m_panFrom.y() - static_cast<int>(moved.y() * ratio()));
        changedView();
        return;
    }
    if (m_pressed && (event->pos() - m_press).manhattanLength() >= QApplication::startDragDistance()) {
        m_zoomFrame = QRect(m_press, event->pos()).normalized().intersected(m_map);
        update();
        return;
    }
    const QPoint at = gridCellAt(event->pos());
    if (at != m_hovered) {
        m_hovered = at;
        Q_EMIT hovered(at.y(), at.x());
    }
}

void HeatMapView::mouseReleaseEvent(QMouseEvent* event) {
    if (m_panning) {
        m_panning = false;
        unsetCursor();
        return;
    }
    if (!m_pressed || event->button() != Qt::LeftButton) {
        return;
    }
    m_pressed = false;
    if (!m_zoomFrame.isEmpty()) {
        const QRect frame = m_zoomFrame;
        m_zoomFrame = {};
        zoomTo(frame);
        return;
    }
    const QPoint at = gridCellAt(event->pos());
    if (at.x() >= 0) {
        m_cursor = at;
        m_anchor = {-1, -1};
        gridSelect(at.y(), at.x());
    }
}

void HeatMapView::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) {
        m_history.clear();
        fit();
    }
}

void HeatMapView::wheelEvent(QWheelEvent* event) {
    const int steps = event->angleDelta().y() > 0 ? 1 : event->angleDelta().y() < 0 ? -1 : 0;
    zoomAt(event->position(), steps, event->modifiers().testFlag(Qt::ControlModifier));
    event->accept();
}

void HeatMapView::leaveEvent(QEvent*) {
    m_hovered = {-1, -1};
    Q_EMIT hovered(-1, -1);
}

void HeatMapView::focusInEvent(QFocusEvent* event) {
    m_keyboard = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason ||
                 event->reason() == Qt::ShortcutFocusReason;
    if (m_keyboard && m_cursor.x() < 0 && !m_data.empty()) {
        moveCursor(0, 0, false);
    }
    QWidget::focusInEvent(event);
    update();
}

void HeatMapView::focusOutEvent(QFocusEvent* event) {
    m_space = false;
    QWidget::focusOutEvent(event);
    update();
}

} // namespace azimuth
