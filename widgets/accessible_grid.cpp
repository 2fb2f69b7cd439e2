#include "widgets/accessible_grid.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>
#include <QWidget>

namespace azimuth {

namespace {

class GridInterface;

class CellInterface : public QAccessibleInterface, public QAccessibleTableCellInterface {
public:
    CellInterface(GridInterface* table, int row, int column) : m_table(table), m_row(row), m_column(column) {}

    bool isValid() const override;
    QObject* object() const override { return nullptr; }
    QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    QAccessibleInterface* parent() const override;
    QAccessibleInterface* child(int) const override { return nullptr; }
    int childCount() const override { return 0; }
    int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    QString text(QAccessible::Text kind) const override;
    void setText(QAccessible::Text, const QString&) override {}
    QRect rect() const override;
    QAccessible::Role role() const override { return QAccessible::Cell; }
    QAccessible::State state() const override;
    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::TableCellInterface ? static_cast<QAccessibleTableCellInterface*>(this)
                                                       : nullptr;
    }

    bool isSelected() const override;
    QList<QAccessibleInterface*> columnHeaderCells() const override { return {}; }
    QList<QAccessibleInterface*> rowHeaderCells() const override { return {}; }
    int columnIndex() const override { return m_column; }
    int rowIndex() const override { return m_row; }
    int columnExtent() const override { return 1; }
    int rowExtent() const override { return 1; }
    QAccessibleInterface* table() const override;

private:
    GridInterface* m_table;
    int m_row, m_column;
};

class GridInterface : public QAccessibleWidget, public QAccessibleTableInterface {
public:
    GridInterface(QWidget* widget, AccessibleGrid* grid)
        : QAccessibleWidget(widget, QAccessible::Table), m_grid(grid) {}

    ~GridInterface() override { forgetCells(); }

    void forgetCells() {
        for (const QAccessible::Id id : std::as_const(m_cells)) {
            QAccessible::deleteAccessibleInterface(id);
        }
        m_cells.clear();
    }

    AccessibleGrid* grid() const { return m_grid; }
    QWidget* gridWidget() const { return widget(); }

    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::TableInterface ? static_cast<QAccessibleTableInterface*>(this)
                                                   : QAccessibleWidget::interface_cast(type);
    }

    int childCount() const override { return rowCount() * columnCount(); }
    QAccessibleInterface* child(int index) const override {
        const int columns = columnCount();
        return index < 0 || columns == 0 ? nullptr : cellAt(index / columns, index % columns);
    }
    int indexOfChild(const QAccessibleInterface* child) const override {
        const auto* cell = dynamic_cast<const CellInterface*>(child);
        return cell ? cell->rowIndex() * columnCount() + cell->columnIndex() : -1;
    }
    QAccessibleInterface* childAt(int x, int y) const override {
        const QPoint cell = m_grid->gridCellAt(widget()->mapFromGlobal(QPoint(x, y)));
        return cellAt(cell.y(), cell.x());
    }
    QAccessibleInterface* focusChild() const override {
        const QPoint cursor = m_grid->gridCursor();
        return widget()->hasFocus() && cursor.y() >= 0 ? cellAt(cursor.y(), cursor.x()) : nullptr;
    }

    QAccessibleInterface* caption() const override { return nullptr; }
    QAccessibleInterface* summary() const override { return nullptr; }
    QString columnDescription(int column) const override { return m_grid->gridColumnText(column); }
    QString rowDescription(int row) const override { return m_grid->gridRowText(row); }
    int columnCount() const override { return m_grid->gridColumns(); }
    int rowCount() const override { return m_grid->gridRows(); }
    QAccessibleInterface* cellAt(int row, int column) const override {
        if (row < 0 || column < 0 || row >= rowCount() || column >= columnCount()) {
            return nullptr;
        }
        const qint64 key = static_cast<qint64>(row) * columnCount() + column;
        if (const auto found = m_cells.constFind(key); found != m_cells.constEnd()) {
            return QAccessible::accessibleInterface(*found);
        }
        auto* cell = new CellInterface(const_cast<GridInterface*>(this), row, column);
        m_cells.insert(key, QAccessible::registerAccessibleInterface(cell));
        return cell;
    }

    int selectedCellCount() const override { return m_grid->gridSelected().y() >= 0 ? 1 : 0; }
    QList<QAccessibleInterface*> selectedCells() const override {
        const QPoint at = m_grid->gridSelected();
        QList<QAccessibleInterface*> cells;
        if (at.y() >= 0) {
            cells.append(cellAt(at.y(), at.x()));
        }
        return cells;
    }
    int selectedColumnCount() const override { return 0; }
    int selectedRowCount() const override { return 0; }
    QList<int> selectedColumns() const override { return {}; }
    QList<int> selectedRows() const override { return {}; }
    bool isColumnSelected(int) const override { return false; }
    bool isRowSelected(int) const override { return false; }
    bool selectRow(int) override { return false; }
    bool selectColumn(int) override { return false; }
    bool unselectRow(int) override { return false; }
    bool unselectColumn(int) override { return false; }
    void modelChange(QAccessibleTableModelChangeEvent*) override { forgetCells(); }

private:
    AccessibleGrid* m_grid;
    mutable QHash<qint64, QAccessible::Id> m_cells;
};

bool CellInterface::isValid() const {
    return m_row < m_table->rowCount() && m_column < m_table->columnCount();
}
QAccessibleInterface* CellInterface::parent() const { return m_table; }
QAccessibleInterface* CellInterface::table() const { return m_table; }
QString CellInterface::text(QAccessible::Text kind) const {
    return kind == QAccessible::Name ? m_table->grid()->gridCellText(m_row, m_column) : QString();
}
QRect CellInterface::rect() const {
    const QRect rect = m_table->grid()->gridCellRect(m_row, m_column);
    return rect.isEmpty() ? QRect() : QRect(m_table->gridWidget()->mapToGlobal(rect.topLeft()), rect.size());
}
bool CellInterface::isSelected() const { return m_table->grid()->gridSelected() == QPoint(m_column, m_row); }
QAccessible::State CellInterface::state() const {
    QAccessible::State state;
    state.focusable = true;
    state.selectable = true;
    state.selected = isSelected();
    state.focused =
        m_table->gridWidget()->hasFocus() && m_table->grid()->gridCursor() == QPoint(m_column, m_row);
    state.offscreen = m_table->grid()->gridCellRect(m_row, m_column).isEmpty();
    return state;
}

QAccessibleInterface* makeGrid(const QString&, QObject* object) {
    auto* grid = object && object->isWidgetType() ? dynamic_cast<AccessibleGrid*>(object) : nullptr;
    return grid ? new GridInterface(static_cast<QWidget*>(object), grid) : nullptr;
}

} // namespace

void installAccessibleGrids() {
    static const bool once = [] {
        QAccessible::installFactory(makeGrid);
        return true;
    }();
    Q_UNUSED(once);
}

void announceGridReset(QWidget* widget) {
    if (QAccessible::isActive()) {
        QAccessibleTableModelChangeEvent event(widget, QAccessibleTableModelChangeEvent::ModelReset);
        QAccessible::updateAccessibility(&event);
    }
    if (auto* table = dynamic_cast<GridInterface*>(QAccessible::queryAccessibleInterface(widget))) {
        table->forgetCells();
    }
}

void announceGridCursor(QWidget* widget, int row, int column) {
    auto* grid = dynamic_cast<AccessibleGrid*>(widget);
    if (!grid || !QAccessible::isActive() || row < 0 || column < 0) {
        return;
    }
    QAccessibleEvent event(widget, QAccessible::Focus);
    event.setChild(row * grid->gridColumns() + column);
    QAccessible::updateAccessibility(&event);
}

} // namespace azimuth
