#include "widgets/completions/completion_list.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>

namespace azimuth {

void CompletionList::moveCursor(int shown) {
    if (shownCount() == 0) {
        return;
    }
    shown = std::clamp(shown, 0, shownCount() - 1);
    m_cursor = rowOfShown(shown);
    m_keyboard = true;
    reveal(shown);
    viewport()->update();
    announceGridCursor(this, shown, 2);
}

void CompletionList::keyPressEvent(QKeyEvent* event) {
    if (shownCount() == 0) {
        QAbstractScrollArea::keyPressEvent(event);
        return;
    }
    if (event->matches(QKeySequence::Copy)) {
        copy();
        return;
    }
    const bool plain = event->modifiers() == Qt::NoModifier || event->modifiers() == Qt::KeypadModifier;
    if (!plain) {
        QAbstractScrollArea::keyPressEvent(event);
        return;
    }
    const int at = shownOf(m_cursor);
    const int scroll = verticalScrollBar()->value();
    const int page = verticalScrollBar()->pageStep();
    switch (event->key()) {
    case Qt::Key_Down:
    case Qt::Key_J:
        moveCursor(at < 0 ? m_heights.rowAt(scroll) : at + 1);
        break;
    case Qt::Key_Up:
    case Qt::Key_K:
        moveCursor(at < 0 ? m_heights.rowAt(scroll) : at - 1);
        break;
    case Qt::Key_PageDown:
        moveCursor(std::max(at + 1, m_heights.rowAt(m_heights.top(std::max(0, at)) + page)));
        break;
    case Qt::Key_PageUp:
        moveCursor(std::min(at - 1, m_heights.rowAt(m_heights.top(std::max(0, at)) - page)));
        break;
    case Qt::Key_Home:
        moveCursor(0);
        break;
    case Qt::Key_End:
        moveCursor(shownCount() - 1);
        break;
    default:
        if (!rowKey(event)) {
            QAbstractScrollArea::keyPressEvent(event);
        }
    }
}

// Keys that act on the cursor's row, or on the Selection where there is no cursor.
bool CompletionList::rowKey(QKeyEvent* event) {
    if (event->key() == Qt::Key_D) {
        const auto next = static_cast<CompletionMarks>((static_cast<int>(m_marks) + 1) % 3);
        setMarks(next);
        Q_EMIT marksChanged(next);
        return true;
    }
    const int row = shownOf(m_cursor) >= 0 ? m_cursor : m_current;
    if (row < 0) {
        return false;
    }
    switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
        gridSelect(shownOf(row), 2);
        return true;
    case Qt::Key_1:
        Q_EMIT labelRequested(row, LabelShape::coherent);
        return true;
    case Qt::Key_2:
        Q_EMIT labelRequested(row, LabelShape::garbled);
        return true;
    case Qt::Key_3:
        Q_EMIT labelRequested(row, LabelShape::normal);
        return true;
    case Qt::Key_0:
        Q_EMIT labelRequested(row, LabelShape::none);
        return true;
    case Qt::Key_P:
        Q_EMIT pinRequested(row);
        return true;
    case Qt::Key_M:
        Q_EMIT noteRequested(row);
        return true;
    default:
        return false;
    }
}

void CompletionList::copy() const {
    const int row = shownOf(m_cursor) >= 0 ? m_cursor : m_current;
    if (row < 0) {
        return;
    }
    const CompletionRow& copied = layout(row).row();
    if (copied.coming || copied.failed) {
        QApplication::beep();
        return;
    }
    const QString tab = QStringLiteral("\t");
    QStringList cells{copied.number, copied.prompt, copied.control, copied.steered, labelWord(copied.label)};
    for (QString& cell : cells) {
        cell.replace(QLatin1Char('\t'), QLatin1Char(' ')).replace(QLatin1Char('\n'), QLatin1Char(' '));
    }
    QApplication::clipboard()->setText(cells.join(tab) + QLatin1Char('\n'));
}

void CompletionList::mousePressEvent(QMouseEvent* event) {
    const QPoint at = gridCellAt(event->pos());
    m_keyboard = false;
    if (event->button() == Qt::LeftButton && at.y() >= 0) {
        m_cursor = rowOfShown(at.y());
        gridSelect(at.y(), at.x());
    }
}

bool CompletionList::viewportEvent(QEvent* event) {
    int hovered = m_hovered;
    if (event->type() == QEvent::MouseMove) {
        hovered = gridCellAt(static_cast<QMouseEvent*>(event)->pos()).y();
    } else if (event->type() == QEvent::Leave) {
        hovered = -1;
    }
    if (hovered != m_hovered) {
        m_hovered = hovered;
        viewport()->update();
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void CompletionList::focusInEvent(QFocusEvent* event) {
    m_keyboard = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason ||
                 event->reason() == Qt::ShortcutFocusReason;
    if (m_keyboard && shownOf(m_cursor) < 0 && shownCount() > 0) {
        const int current = shownOf(m_current);
        moveCursor(current >= 0 ? current : m_heights.rowAt(verticalScrollBar()->value()));
    }
    QAbstractScrollArea::focusInEvent(event);
    viewport()->update();
}

void CompletionList::focusOutEvent(QFocusEvent* event) {
    QAbstractScrollArea::focusOutEvent(event);
    viewport()->update();
}

QString CompletionList::gridRowText(int shown) const {
    return tr("Prompt %1").arg(layout(rowOfShown(shown)).row().number);
}

QString CompletionList::gridColumnText(int column) const {
    const QString titles[] = {tr("Prompt"), m_controlTitle.isEmpty() ? tr("Control") : m_controlTitle,
                              m_steeredTitle.isEmpty() ? tr("Steered") : m_steeredTitle, tr("Label")};
    return titles[std::clamp(column, 0, 3)];
}

QString CompletionList::gridCellText(int shown, int column) const {
    const CompletionRow& row = layout(rowOfShown(shown)).row();
    const QString texts[] = {
        row.prompt, row.control, row.steered,
        labelWord(row.label) + (row.labelNote.isEmpty() ? QString() : QStringLiteral(", ") + row.labelNote)};
    return gridRowText(shown) + QStringLiteral(", ") + gridColumnText(column) + QStringLiteral(": ") +
           texts[std::clamp(column, 0, 3)];
}

QRect CompletionList::gridCellRect(int shown, int column) const {
    if (shown < 0 || shown >= shownCount()) {
        return {};
    }
    const int edges[] = {m_columns.prompt, m_columns.control, m_columns.steered, m_columns.label,
                         m_columns.end};
    const long long y = m_heights.top(shown) - verticalScrollBar()->value() + headerHeight();
    if (y + m_heights.height(shown) < headerHeight() || y > viewport()->height()) {
        return {};
    }
    const int c = std::clamp(column, 0, 3);
    return {edges[c], static_cast<int>(y), edges[c + 1] - edges[c], m_heights.height(shown)};
}

QPoint CompletionList::gridCellAt(const QPoint& place) const {
    const long long y = place.y() - headerHeight() + verticalScrollBar()->value();
    if (place.y() < headerHeight() || shownCount() == 0 || y >= m_heights.total()) {
        return {-1, -1};
    }
    const int column = place.x() < m_columns.control   ? 0
                       : place.x() < m_columns.steered ? 1
                       : place.x() < m_columns.label   ? 2
                                                       : 3;
    return {column, m_heights.rowAt(y)};
}

QPoint CompletionList::gridCursor() const {
    const int shown = shownOf(m_cursor);
    return shown < 0 ? QPoint(-1, -1) : QPoint(2, shown);
}

QPoint CompletionList::gridSelected() const {
    const int shown = shownOf(m_current);
    return shown < 0 ? QPoint(-1, -1) : QPoint(2, shown);
}

void CompletionList::gridSelect(int shown, int) {
    setCurrent(rowOfShown(shown));
    Q_EMIT currentChanged(m_current);
}

} // namespace azimuth
