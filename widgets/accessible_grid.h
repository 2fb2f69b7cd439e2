// Painted tables for assistive technology: a widget that implements AccessibleGrid is exposed as a table
// whose cells are sentences, through QAccessibleTableInterface. Call installAccessibleGrids() in the
// widget's constructor and announceGrid*() when things change. GUI thread.
#pragma once

#include <QRect>
#include <QString>

class QWidget;

namespace azimuth {

class AccessibleGrid {
public:
    virtual ~AccessibleGrid() = default;
    virtual int gridRows() const = 0;
    virtual int gridColumns() const = 0;
    // A sentence: "Source Qwen 2.5 14B, target Qwen 2.5 32B, efficiency 1.25, 1.07 to 1.58".
    virtual QString gridCellText(int row, int column) const = 0;
    virtual QString gridRowText(int row) const = 0;
    virtual QString gridColumnText(int column) const = 0;
    // In the widget's coordinates; empty where the cell is not on the screen.
    virtual QRect gridCellRect(int row, int column) const = 0;
    // x = column, y = row of the cell at this place of the widget; (-1, -1) beside the cells.
    virtual QPoint gridCellAt(const QPoint& place) const = 0;
    // The cell under the keyboard and the selected cell; (-1, -1) for none.
    virtual QPoint gridCursor() const = 0;   // x = column, y = row
    virtual QPoint gridSelected() const = 0; // x = column, y = row
    virtual void gridSelect(int row, int column) = 0;

protected:
    AccessibleGrid() = default;
    AccessibleGrid(const AccessibleGrid&) = default;
    AccessibleGrid& operator=(const AccessibleGrid&) = default;
};

void installAccessibleGrids();
void announceGridReset(QWidget* widget);
void announceGridCursor(QWidget* widget, int row, int column);

} // namespace azimuth
