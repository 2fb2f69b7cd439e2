// The window's table: rows of 26 px with a line under each, no zebra, hovered row, selected row, and a 3
// px `here` edge on the row that is the Selection. Its delegate draws what a model offers by role besides
// the text.
//   Model: Qt::DisplayRole and Qt::TextAlignmentRole (numbers right, text left; headers alike) and
//   TableRole. Keys: those of QTableView; Return or a double click activates a row.
#pragma once

#include "widgets/icons.h"
#include "widgets/interval.h"
#include "widgets/themed.h"

#include <QStyledItemDelegate>
#include <QTableView>

namespace azimuth {

enum TableRole {
    ValueRole = Qt::UserRole + 1000, // MeasuredValue: whisker at the left, the display text right of it
    StateRole,                       // int(State): its icon before the text
    SuffixRole,                      // text after the display text, in `secondary`: "(58 %)"
    ProgressRole,                    // double 0 to 1: a 4 px bar between text and suffix
    MutedRole,                       // bool: text in `secondary`
    LabelRole,                       // int(LabelShape): a label chip instead of the text
    HereRole,                        // bool, of column 0: this row is the Selection
    ChosenRole,                      // bool: text in SemiBold
};

class DataTable;

class TableDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    explicit TableDelegate(DataTable* table);
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    void paintGround(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index) const;
    void paintContent(QPainter& painter, const QRect& cell, const QModelIndex& index) const;
    DataTable* m_table;
};

class DataTable : public QTableView, public Themed {
    Q_OBJECT
public:
    enum class Density { compact = 22, standard = 26, comfortable = 30 };

    explicit DataTable(const QString& accessibleName, QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    void setDensity(Density density);
    int hoveredRow() const { return m_hovered; }
    bool isEditing() const { return state() == EditingState; }
    const Tokens& tokens() const { return m_tokens; }
    void setTokens(const Tokens& tokens) override;
    // As high as its rows, for tables that stand in a page among other things.
    void setFitsRows(bool fits);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    void rowActivated(int row);

protected:
    bool viewportEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;

private:
    void setHovered(int row);
    Tokens m_tokens;
    Density m_density = Density::standard;
    int m_hovered = -1;
    bool m_fitsRows = false;
    bool m_keyboard = false;
    friend class TableDelegate;
};

} // namespace azimuth
