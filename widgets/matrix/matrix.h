// A matrix of measured values with intervals, or the reason why one was not measured: source models x
// target models.
//   A cell says its value, its interval as text and as a whisker on a fixed 0 to 2 track; cells take the
//   room there is (79 x 47, at most 112 x 64; under 64 x 40 the interval's text goes, under 40 x 24 only
//   the colour stays). Groups (equal widths) are 8 px apart. Not measured is never blank: hatch, clock,
//   bar, octagon or slashed circle, with words. `current` is the Selection (magenta frame), `cursor` the
//   cell under the keyboard. Keys: arrows, Return, Ctrl+C.
#pragma once

#include "resources/colour_scale.h"
#include "widgets/accessible_grid.h"
#include "widgets/themed.h"

#include <limits>
#include <QList>
#include <QWidget>
#include <vector>

namespace azimuth {

struct MatrixCell {
    enum class Kind {
        measured,
        own,    // the diagonal: a model's own rate, as `text`
        cannot, // cannot be measured: hatch and `text`
        notYet, // clock and `text`
        running,
        failed,
        byChoice,
    };
    Kind kind = Kind::notYet;
    double value = std::numeric_limits<double>::quiet_NaN();
    double low = value; // the interval; NaN where there is none
    double high = value;
    bool notDifferent = false; // from 0: drawn without fill
    QString text;              // own: "97 %"; not measured: a reason as short as "3584 ≠ 5120"
    QString caption;           // measured: under the value where there is no interval; own: "own rate"
    double progress = 0;       // running
    QString sentence;          // the whole cell for accessibility and tooltips
};

struct MatrixHeader {
    QString name;   // "Qwen 2.5 14B"; a column breaks it at its last blank
    QString detail; // "width 5120"
    int group = 0;  // a gap stands where it changes
};

struct MatrixData {
    QString name; // accessible name
    QString rowTitle, rowDetail, columnTitle,
        columnDetail; // "Source", "direction from", "Target", "applied to"
    QList<MatrixHeader> rows, columns;
    std::vector<MatrixCell> cells; // row-major, rows x columns
    int decimals = 2;
    double trackLeast = 0, trackMost = 2, trackTick = 1;
    ColourRange range{0, 1.5};
    const ColourMap* map = nullptr; // null: white (dark: the page) to blue, as efficiency is drawn
};

class Matrix : public QWidget, public Themed, public AccessibleGrid {
    Q_OBJECT
public:
    explicit Matrix(QWidget* parent = nullptr);

    // Throws Error widget.shape if there are not rows x columns cells.
    void setData(MatrixData data);
    const MatrixData& data() const { return m_data; }
    void setIntervalsShown(bool shown);
    void setNotDifferentDimmed(bool dimmed);

    QPoint current() const { return m_current; } // x = column, y = row
    void setCurrent(int row, int column);
    QPoint cursor() const { return m_cursor; }
    QSize cellSize() const { return m_cell; }

    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override;

    int gridRows() const override { return static_cast<int>(m_data.rows.size()); }
    int gridColumns() const override { return static_cast<int>(m_data.columns.size()); }
    QString gridCellText(int row, int column) const override { return cell(row, column).sentence; }
    QString gridRowText(int row) const override {
        return m_data.rowTitle + QLatin1Char(' ') + m_data.rows[row].name;
    }
    QString gridColumnText(int column) const override {
        return m_data.columnTitle + QLatin1Char(' ') + m_data.columns[column].name;
    }
    QRect gridCellRect(int row, int column) const override;
    QPoint gridCellAt(const QPoint& place) const override;
    QPoint gridCursor() const override { return m_cursor; }
    QPoint gridSelected() const override { return m_current; }
    void gridSelect(int row, int column) override;

Q_SIGNALS:
    void currentChanged(int row, int column); // by the user only
    void hovered(int row, int column);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override; // tooltips

private:
    const MatrixCell& cell(int row, int column) const {
        return m_data.cells[static_cast<std::size_t>(row) * m_data.columns.size() + column];
    }
    void layOut();
    QSize cellFor(int width) const;
    int headerWidth() const;
    int headerHeight() const;
    void copy() const;
    void paintHeaders(QPainter& painter) const;
    void paintCell(QPainter& painter, const QRect& rect, const MatrixCell& cell) const;
    void paintMeasured(QPainter& painter, const QRect& rect, const MatrixCell& cell) const;
    void paintReason(QPainter& painter, const QRect& rect, const MatrixCell& cell) const;
    void paintTrack(QPainter& painter, const QRect& rect, const MatrixCell& cell) const;

    MatrixData m_data;
    Tokens m_tokens;
    bool m_intervals = true;
    bool m_dim = true;
    bool m_keyboard = false;
    QPoint m_current{-1, -1}, m_cursor{-1, -1}, m_hovered{-1, -1};
    QSize m_cell{79, 47};
    std::vector<int> m_left, m_top; // of columns and rows
};

} // namespace azimuth
