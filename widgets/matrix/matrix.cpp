#include "widgets/matrix/matrix.h"

#include "core/base/error.h"
#include "widgets/numbers.h"

#include <QApplication>
#include <QClipboard>
#include <QFontMetrics>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QToolTip>

namespace azimuth {

namespace {

constexpr int groupGap = 8;
constexpr QSize usualCell{79, 47};
constexpr int largestWidth = 112;
constexpr int smallestWidth = 28;

int gaps(const QList<MatrixHeader>& headers) {
    int gaps = 0;
    for (qsizetype i = 1; i < headers.size(); ++i) {
        gaps += headers[i].group != headers[i - 1].group ? 1 : 0;
    }
    return gaps;
}

std::vector<int> places(const QList<MatrixHeader>& headers, int start, int size) {
    std::vector<int> places;
    for (qsizetype i = 0; i < headers.size(); ++i) {
        if (i > 0) {
            start += size + (headers[i].group != headers[i - 1].group ? groupGap : 0);
        }
        places.push_back(start);
    }
    return places;
}

int indexAt(const std::vector<int>& places, int size, int at) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (at >= places[i] && at < places[i] + size) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

} // namespace

Matrix::Matrix(QWidget* parent) : QWidget(parent), m_tokens(lightTokens()) {
    installAccessibleGrids();
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setProperty("ownFocus", true);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void Matrix::setData(MatrixData data) {
    const auto expected = static_cast<std::size_t>(data.rows.size() * data.columns.size());
    if (data.cells.size() != expected) {
        throw Error("widget.shape",
                    data.name.toStdString() + ": expected " + std::to_string(expected) + " cells, found " +
                        std::to_string(data.cells.size()),
                    "This is a defect of Azimuth; the log says where.");
    }
    const bool sameShape =
        data.rows.size() == m_data.rows.size() && data.columns.size() == m_data.columns.size();
    m_data = std::move(data);
    if (!sameShape) {
        m_current = m_cursor = {-1, -1};
    }
    m_hovered = {-1, -1};
    setAccessibleName(tr("%1, %2 by %3").arg(m_data.name).arg(m_data.rows.size()).arg(m_data.columns.size()));
    layOut();
    updateGeometry();
    update();
    announceGridReset(this);
}

void Matrix::setIntervalsShown(bool shown) {
    m_intervals = shown;
    update();
}

void Matrix::setNotDifferentDimmed(bool dimmed) {
    m_dim = dimmed;
    update();
}

void Matrix::setCurrent(int row, int column) {
    m_current = row >= 0 && row < gridRows() && column >= 0 && column < gridColumns() ? QPoint(column, row)
                                                                                      : QPoint(-1, -1);
    update();
}

void Matrix::gridSelect(int row, int column) {
    setCurrent(row, column);
    Q_EMIT currentChanged(row, column);
}

int Matrix::headerWidth() const {
    const QFontMetrics name(m_tokens.sans(12, QFont::DemiBold));
    const QFontMetrics detail(m_tokens.sans(11));
    int width = name.horizontalAdvance(m_data.rowTitle) + name.horizontalAdvance(m_data.columnTitle) + 24;
    width = std::max(width, detail.horizontalAdvance(m_data.rowDetail) +
                                detail.horizontalAdvance(m_data.columnDetail) + 24);
    for (const MatrixHeader& header : m_data.rows) {
        width = std::max(
            {width, name.horizontalAdvance(header.name) + 12, detail.horizontalAdvance(header.detail) + 12});
    }
    return std::min(width, m_tokens.px(200));
}

int Matrix::headerHeight() const { return m_tokens.px(42); }

QSize Matrix::cellFor(int width) const {
    const int columns = std::max(1, gridColumns());
    const int room = width - headerWidth() - groupGap * gaps(m_data.columns) - 2;
    const int cellWidth = std::clamp(room / columns, smallestWidth, m_tokens.px(largestWidth));
    // The usual cell while there is room for it; then both sides shrink or grow alike.
    const int cellHeight = cellWidth * usualCell.height() / usualCell.width();
    return {cellWidth, std::clamp(cellHeight, 20, m_tokens.px(64))};
}

void Matrix::layOut() {
    m_cell = cellFor(width());
    m_left = places(m_data.columns, headerWidth(), m_cell.width());
    m_top = places(m_data.rows, headerHeight(), m_cell.height());
}

int Matrix::heightForWidth(int width) const {
    return headerHeight() + gridRows() * cellFor(width).height() + groupGap * gaps(m_data.rows) + 4;
}

QSize Matrix::sizeHint() const {
    const int width =
        headerWidth() + gridColumns() * m_tokens.px(usualCell.width()) + groupGap * gaps(m_data.columns) + 4;
    return {width, heightForWidth(width)};
}

QSize Matrix::minimumSizeHint() const {
    const int width = headerWidth() + gridColumns() * smallestWidth + groupGap * gaps(m_data.columns) + 4;
    return {width, heightForWidth(width)};
}

QRect Matrix::gridCellRect(int row, int column) const {
    if (row < 0 || column < 0 || row >= gridRows() || column >= gridColumns()) {
        return {};
    }
    return QRect(QPoint(m_left[static_cast<std::size_t>(column)], m_top[static_cast<std::size_t>(row)]),
                 m_cell);
}

QPoint Matrix::gridCellAt(const QPoint& place) const {
    const QPoint at(indexAt(m_left, m_cell.width(), place.x()), indexAt(m_top, m_cell.height(), place.y()));
    return at.x() < 0 || at.y() < 0 ? QPoint(-1, -1) : at;
}

void Matrix::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    layOut();
    updateGeometry();
    update();
}

void Matrix::resizeEvent(QResizeEvent*) { layOut(); }

void Matrix::copy() const {
    QString text;
    for (const MatrixHeader& column : m_data.columns) {
        text += QLatin1Char('\t') + column.name;
    }
    for (int row = 0; row < gridRows(); ++row) {
        text += QLatin1Char('\n') + m_data.rows[row].name;
        for (int column = 0; column < gridColumns(); ++column) {
            const MatrixCell& shown = cell(row, column);
            text += QLatin1Char('\t') + (shown.kind == MatrixCell::Kind::measured
                                             ? QString::number(shown.value, 'g', 9)
                                             : shown.text);
        }
    }
    QApplication::clipboard()->setText(text + QLatin1Char('\n'));
}

void Matrix::keyPressEvent(QKeyEvent* event) {
    const int rows = event->key() == Qt::Key_Down ? 1 : event->key() == Qt::Key_Up ? -1 : 0;
    const int columns = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
    const bool plain = event->modifiers() == Qt::NoModifier || event->modifiers() == Qt::KeypadModifier;
    if (m_data.cells.empty()) {
        QWidget::keyPressEvent(event);
    } else if (event->matches(QKeySequence::Copy)) {
        copy();
    } else if (rows != 0 || columns != 0) {
        m_keyboard = true;
        m_cursor = m_cursor.x() < 0 ? QPoint(std::max(0, m_current.x()), std::max(0, m_current.y()))
                                    : QPoint(std::clamp(m_cursor.x() + columns, 0, gridColumns() - 1),
                                             std::clamp(m_cursor.y() + rows, 0, gridRows() - 1));
        update();
        announceGridCursor(this, m_cursor.y(), m_cursor.x());
        Q_EMIT hovered(m_cursor.y(), m_cursor.x());
    } else if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && plain &&
               m_cursor.x() >= 0) {
        gridSelect(m_cursor.y(), m_cursor.x());
    } else {
        QWidget::keyPressEvent(event);
    }
}

void Matrix::mousePressEvent(QMouseEvent* event) {
    const QPoint at = gridCellAt(event->pos());
    m_keyboard = false;
    if (event->button() == Qt::LeftButton && at.x() >= 0) {
        m_cursor = at;
        gridSelect(at.y(), at.x());
    }
    update();
}

void Matrix::mouseMoveEvent(QMouseEvent* event) {
    const QPoint at = gridCellAt(event->pos());
    if (at != m_hovered) {
        m_hovered = at;
        Q_EMIT hovered(at.y(), at.x());
    }
}

void Matrix::leaveEvent(QEvent*) {
    m_hovered = {-1, -1};
    Q_EMIT hovered(-1, -1);
}

void Matrix::focusInEvent(QFocusEvent* event) {
    m_keyboard = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason ||
                 event->reason() == Qt::ShortcutFocusReason;
    if (m_keyboard && m_cursor.x() < 0 && !m_data.cells.empty()) {
        m_cursor = {std::max(0, m_current.x()), std::max(0, m_current.y())};
    }
    QWidget::focusInEvent(event);
    update();
}

void Matrix::focusOutEvent(QFocusEvent* event) {
    QWidget::focusOutEvent(event);
    update();
}

bool Matrix::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        auto* help = static_cast<QHelpEvent*>(event);
        const QPoint at = gridCellAt(help->pos());
        if (at.x() >= 0) {
            QToolTip::showText(help->globalPos(), cell(at.y(), at.x()).sentence, this,
                               gridCellRect(at.y(), at.x()));
        } else {
            QToolTip::hideText();
        }
        return true;
    }
    return QWidget::event(event);
}

} // namespace azimuth
