// The right pane: the selection's values and where they come from.
#pragma once

#include "app/workbench/inspector_content.h"
#include "widgets/themed.h"

#include <QScrollArea>
#include <QWidget>
#include <set>
#include <vector>

class QLabel;
class QToolButton;
class QVBoxLayout;

namespace azimuth {

class ElidedLabel;
class InspectorSectionView;
class NoteEditor;

class Inspector : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit Inspector(QWidget* parent = nullptr);
    void setContent(const InspectorContent& content);
    const InspectorContent& content() const { return m_content; }
    QString plainText() const; // what Copy puts on the clipboard
    void setNotesReadOnly(bool readOnly);
    void editNote();   // focus; nothing where no note can be
    void commitNote(); // what is typed and not handed over yet
    void noteRefused();
    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override; // the same whatever is shown

Q_SIGNALS:
    void noteCommitted(const azimuth::InspectorNote& note);

private:
    void rebuild();

    InspectorContent m_content;
    Tokens m_tokens;
    QWidget* m_head;
    QLabel *m_icon, *m_hint;
    ElidedLabel *m_name, *m_kind;
    QToolButton* m_copy;
    QScrollArea* m_scroll;
    QVBoxLayout* m_sectionLayout;
    NoteEditor* m_note;
    std::vector<InspectorSectionView*> m_sections; // made as needed, then reused
    std::set<QString> m_collapsed;                 // titles
};

} // namespace azimuth
