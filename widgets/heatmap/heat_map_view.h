// The painted map itself: cells, labels, crosshair, cursor. HeatMap puts a colour bar and a readout
// beside it.
//   Cells are whole device pixels (map_axis.h); the picture is cached until data, colours, range, order,
//   zoom, size or device pixel ratio change; overlays are painted over the cache, so hovering renders
//   nothing. `current` is the Selection (magenta crosshair, set from outside or by click and Enter);
//   `cursor` is the cell under the keyboard. All indices of the interface are those of the data, whatever
//   the order on the screen. Mouse: click selects, drag draws a zoom frame, wheel zooms about the pointer
//   (Ctrl: columns only), middle button or Space pans, double click fits. Keys: arrows, Shift+arrows
//   extend, Enter, Home, +, −, R, Backspace, Ctrl+C.
#pragma once

#include "widgets/accessible_grid.h"
#include "widgets/heatmap/heat_map_data.h"
#include "widgets/heatmap/map_raster.h"
#include "widgets/themed.h"

#include <QWidget>

namespace azimuth {

class HeatMapView : public QWidget, public Themed, public AccessibleGrid {
    Q_OBJECT
public:
    explicit HeatMapView(QWidget* parent = nullptr);

    // Throws Error widget.shape if values, labels or intervals do not fit rows and columns. Keeps zoom,
    // orders and selection if the shape is that of before.
    void setData(HeatMapData data);
    const HeatMapData& data() const { return m_data; }
    void setScale(const ColourScale& scale);
    const ColourScale& scale() const { return m_scale; }

    // Permutations of rows and columns, empty for the identity. False and no change if it is none.
    bool setOrder(std::vector<int> rows, std::vector<int> columns);
    void setSquareCells(bool square);
    void setMaskBelowNull(bool mask);
    void setCrosshairShown(bool shown);
    void setCellText(bool shown); // values in the cells where they fit and at most 400 are visible
    void setTransposed(bool transposed);
    bool isTransposed() const { return m_transposed; }
    void setLargestCell(int width, int height); // device-independent pixels; fit stops there

    QPoint current() const { return m_current; } // x = column, y = row; -1 for none
    void setCurrent(int row, int column);        // either may be -1: a line without the other
    QPoint cursor() const { return m_cursor; }
    void setChosen(int row, int column); // a thin dark frame: the calibrated setting; -1, -1 for none

    void fit();
    void zoom(int steps);
    bool isFitted() const { return m_rowAxis.isFitted() && m_columnAxis.isFitted(); }
    // The frame of the cells in device-independent pixels of this widget.
    QRect mapRect() const;
    // Where the labels and the title under the cells end.
    int contentBottom() const;
    // Says how the pixels were chosen where cells are smaller than pixels; empty otherwise.
    QString aggregation() const;
    QString cellText(int row, int column) const; // the sentence of the accessible cell

    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

    int gridRows() const override { return m_data.rows; }
    int gridColumns() const override { return m_data.columns; }
    QString gridCellText(int row, int column) const override { return cellText(row, column); }
    QString gridRowText(int row) const override;
    QString gridColumnText(int column) const override;
    QRect gridCellRect(int row, int column) const override;
    QPoint gridCellAt(const QPoint& place) const override;
    QPoint gridCursor() const override { return m_cursor; }
    QPoint gridSelected() const override { return m_current; }
    void gridSelect(int row, int column) override;

Q_SIGNALS:
    void currentChanged(int row, int column); // by the user only
    void hovered(int row, int column);        // -1, -1 when the pointer leaves the cells
    void cursorMoved(int row, int column);
    void viewChanged(); // zoom, scroll or geometry of mapRect()

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void keyReleaseEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    struct Zoom {
        int rowCell, rowPer, rowOffset, columnCell, columnPer, columnOffset;
        friend bool operator==(const Zoom&, const Zoom&) = default;
    };

    // heat_map_view.cpp
    double ratio() const { return devicePixelRatioF(); }
    int shownRows() const { return m_transposed ? m_data.columns : m_data.rows; }
    int shownColumns() const { return m_transposed ? m_data.rows : m_data.columns; }
    QPoint toData(int displayRow, int displayColumn) const; // x = column, y = row
    QPoint toDisplay(const QPoint& data) const;             // x = display column, y = display row
    QString rowLabel(int displayRow) const;
    QString columnLabel(int displayColumn) const;
    QRect
    cellRect(const QPoint& display) const; // device-independent, clipped to the map; empty if not visible
    MapValues mapValues() const;
    void resetAxes();
    void layOut();
    void fitAxes();
    void picture();
    void dataChanged();
    void startPeaks();

    // heat_map_view_paint.cpp
    void paintLabels(QPainter& painter) const;
    void paintTag(QPainter& painter, const QRect& rect, const QString& text) const;
    void paintDots(QPainter& painter) const;
    void paintValues(QPainter& painter) const;
    void paintCrosshair(QPainter& painter) const;
    void paintFrames(QPainter& painter) const;
    void drawHaloLine(QPainter& painter, int x1, int y1, int x2, int y2) const;

    // heat_map_view_input.cpp
    void moveCursor(int rows, int columns, bool extend);
    void zoomAt(const QPointF& place, int steps, bool columnsOnly);
    void zoomTo(const QRect& frame);
    void remember();
    Zoom zoomNow() const;
    void restore(const Zoom& zoom);
    void copy() const;
    void changedView();

    HeatMapData m_data;
    ColourScale m_scale;
    Tokens m_tokens;
    MapAxis m_rowAxis, m_columnAxis;            // of the screen
    std::vector<int> m_rowOrder, m_columnOrder; // of the data
    bool m_square = true;
    bool m_mask = false;
    bool m_crosshair = true;
    bool m_cellText = false;
    bool m_transposed = false;
    QSize m_largestCell{100, 100};
    QPoint m_current{-1, -1}, m_cursor{-1, -1}, m_anchor{-1, -1}, m_chosen{-1, -1}, m_hovered{-1, -1};
    QRect m_map; // device-independent
    QImage m_picture;
    bool m_stale = true;
    std::shared_ptr<const PeakPyramid> m_peaks;
    int m_generation = 0;
    QList<Zoom> m_history;
    QPoint m_press;
    QRect m_zoomFrame;
    bool m_panning = false, m_space = false, m_pressed = false, m_keyboard = false;
    QPoint m_panFrom;
};

} // namespace azimuth
