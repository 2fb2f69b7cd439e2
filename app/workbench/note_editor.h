// The Notes section of the inspector: a text on the thing that is shown. What is typed is handed over one
// second after the last key, when the focus leaves, with Ctrl+Return, and before another thing is shown.
#pragma once

#include "app/workbench/inspector_content.h"

#include <optional>
#include <QTimer>
#include <QWidget>

class QPlainTextEdit;

namespace azimuth {

class ElidedLabel;

class NoteEditor : public QWidget {
    Q_OBJECT
public:
    explicit NoteEditor(QWidget* parent = nullptr);
    void setNote(const InspectorNote& note);
    void setReadOnly(bool readOnly);
    void commit();
    void refused(); // what was handed over did not reach the project: it is handed over again next time
    void edit();    // takes the focus

Q_SIGNALS:
    void committed(const azimuth::InspectorNote& note); // with the text as typed

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    bool changed() const;
    InspectorNote m_note;                // as the project has it
    std::optional<QString> m_handedOver; // and not in the project yet
    QPlainTextEdit* m_text;
    ElidedLabel* m_byline;
    QTimer m_idle;
};

} // namespace azimuth
