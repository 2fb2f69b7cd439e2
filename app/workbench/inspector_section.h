// One section of the inspector: a heading that folds it, rows of key and value, and a paragraph. Rows are
// painted, and a section takes other content without new widgets: the inspector changes at every key press.
//   Values are elided (digests in the middle); the whole value is in the tooltip, a right click copies it.
#pragma once

#include "app/workbench/inspector_content.h"
#include "widgets/themed.h"

#include <QWidget>

class QLabel;
class QToolButton;

namespace azimuth {

class InspectorRows : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit InspectorRows(QWidget* parent = nullptr);
    void setRows(const std::vector<InspectorRow>& rows);
    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {60, sizeHint().height()}; }

protected:
    bool event(QEvent* event) override; // tooltips
    void paintEvent(QPaintEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    int rowAt(int y) const; // -1: none
    QString shown(const InspectorRow& row) const;
    QFont valueFont(const InspectorRow& row) const;
    std::vector<InspectorRow> m_rows;
    Tokens m_tokens;
};

class InspectorSectionView : public QWidget {
    Q_OBJECT
public:
    explicit InspectorSectionView(QWidget* parent = nullptr);
    void setSection(const InspectorSection& section, bool open);
    const QString& title() const { return m_title; }

Q_SIGNALS:
    void folded(const QString& title, bool open);

private:
    void setOpen(bool open);
    QString m_title;
    QToolButton* m_toggle;
    InspectorRows* m_rows;
    QLabel* m_paragraph;
    bool m_open = true, m_hasRows = false, m_hasParagraph = false;
};

} // namespace azimuth
