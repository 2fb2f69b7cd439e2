// Completions of an arm beside the control, one row per prompt: columns Prompt 150, Control, Steered,
// Label 96, texts wrapped, words that differ marked. 100,000 rows are listed at once: only rows on the
// screen are fetched and laid out; the others count with an estimated height.
//   Rows are the source's indices; a filter leaves some out. `current` is the Selection (magenta edge),
//   the cursor row is that of the keyboard. GUI thread; filtering runs in slices of at most 8 ms. Keys:
//   J, K, Up, Down, PageUp, PageDown, Home, End; Return selects; 1 2 3 0 ask for a label, P pins, M
//   notes, D changes the marks; Ctrl+C copies the row.
#pragma once

#include "widgets/accessible_grid.h"
#include "widgets/completions/completion_layout.h"
#include "widgets/completions/row_heights.h"
#include "widgets/themed.h"

#include <functional>
#include <QAbstractScrollArea>
#include <QCache>
#include <set>

class QTimer;

namespace azimuth {

class CompletionList : public QAbstractScrollArea, public Themed, public AccessibleGrid {
    Q_OBJECT
public:
    explicit CompletionList(QWidget* parent = nullptr);
    ~CompletionList() override;

    // count rows; fetch(i) gives row i, is called again after the row left the cache, and must stay valid
    // until the next call. The filter is applied anew; current and cursor stay if they are still in.
    void setRows(int count, std::function<CompletionRow(int)> fetch);
    int count() const { return m_count; }
    void rowsChanged(int first, int last); // their content; the filter is not applied again
    // Rows that were `coming` or `passing` are fetched anew, and a filter that waits goes on. What is in
    // sight stays there.
    void textsArrived();
    void setTitles(const QString& control, const QString& steered);
    void setMarks(CompletionMarks marks);
    CompletionMarks marks() const { return m_marks; }

    // Rows whose prompt, control or steered text matches (case ignored). False and no change if a regular
    // expression does not compile; `error` then says where.
    bool setFilter(const QString& text, bool regularExpression, QString* error = nullptr);
    // Only rows with one of these labels; empty: all.
    void setLabelFilter(std::set<LabelShape> labels);
    void setPinnedOnly(bool pinned);
    int shownCount() const { return m_filtered ? static_cast<int>(m_shown.size()) : m_count; }
    bool isFiltering() const;
    int rowOfShown(int shown) const { return m_filtered ? m_shown[static_cast<std::size_t>(shown)] : shown; }

    int current() const { return m_current; } // row, or -1
    void setCurrent(int row);                 // scrolls there
    int cursorRow() const { return m_cursor; }

    void setTokens(const Tokens& tokens) override;

    int gridRows() const override { return shownCount(); }
    int gridColumns() const override { return 4; }
    QString gridCellText(int shown, int column) const override;
    QString gridRowText(int shown) const override;
    QString gridColumnText(int column) const override;
    QRect gridCellRect(int shown, int column) const override;
    QPoint gridCellAt(const QPoint& place) const override;
    QPoint gridCursor() const override;
    QPoint gridSelected() const override;
    void gridSelect(int shown, int column) override;

Q_SIGNALS:
    void currentChanged(int row);                            // by the user only
    void labelRequested(int row, azimuth::LabelShape label); // none: clear
    void pinRequested(int row);
    void noteRequested(int row);
    void marksChanged(azimuth::CompletionMarks marks);
    void filtered(int shown, int count); // while filtering and at its end

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    const CompletionLayout& layout(int row) const;
    int shownOf(int row) const; // -1 if it is filtered out
    void resetHeights();
    void measureVisible();
    void updateScrollBar();
    void startFilter();
    void filterSlice();
    enum class Match { No, Yes, NotKnown };
    Match match(const CompletionRow& row) const;
    bool isInSight(int shown) const;
    void relayout();
    void moveCursor(int shown);
    void reveal(int shown);
    int headerHeight() const { return m_tokens.px(26); }
    void paintHeader(QPainter& painter) const;
    void copy() const;
    bool rowKey(QKeyEvent* event);

    int m_count = 0;
    std::function<CompletionRow(int)> m_fetch;
    QString m_controlTitle, m_steeredTitle;
    CompletionMarks m_marks = CompletionMarks::words;
    QRegularExpression m_search;
    std::set<LabelShape> m_labels;
    bool m_pinnedOnly = false;
    bool m_filtered = false;
    std::vector<int> m_shown; // rows that pass, ascending
    int m_filterNext = 0;
    bool m_filterWaits = false;        // for a row that is coming, or that may be read yet
    int m_filterTries = 0;             // of that row
    mutable std::set<int> m_unsettled; // coming or passing
    QTimer* m_filterTimer;
    int m_current = -1;
    int m_cursor = -1; // row
    bool m_keyboard = false;
    int m_hovered = -1;   // shown
    RowHeights m_heights; // of shown rows
    CompletionColumns m_columns;
    mutable QCache<int, CompletionLayout> m_layouts;
    Tokens m_tokens;
};

} // namespace azimuth
