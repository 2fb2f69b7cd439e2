#include "app/workbench/note_editor.h"

#include "app/workbench/elided_label.h"
#include "app/workbench/page.h"

#include <QKeyEvent>
#include <QPlainTextEdit>
#include <QVBoxLayout>

namespace azimuth {

namespace {
constexpr int idleTime = 1000; // ms
constexpr int textHeight = 72;
} // namespace

NoteEditor::NoteEditor(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("noteEditor"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 7, 12, 10);
    layout->setSpacing(4);
    auto* title = makeSectionTitle(tr("Notes"), this);
    layout->addWidget(title);
    m_text = new QPlainTextEdit(this);
    m_text->setObjectName(QStringLiteral("note"));
    m_text->setAccessibleName(tr("Note"));
    m_text->setTabChangesFocus(true);
    m_text->setFixedHeight(textHeight);
    m_text->installEventFilter(this);
    title->setBuddy(m_text);
    layout->addWidget(m_text);
    m_byline = new ElidedLabel({}, Qt::ElideRight, this);
    m_byline->setProperty("role", QStringLiteral("caption"));
    layout->addWidget(m_byline);
    m_idle.setSingleShot(true);
    m_idle.setInterval(idleTime);
    connect(&m_idle, &QTimer::timeout, this, &NoteEditor::commit);
    connect(m_text, &QPlainTextEdit::textChanged, this, [this] {
        if (changed())
            m_idle.start();
        else
            m_idle.stop();
    });
}

bool NoteEditor::changed() const { return m_text->toPlainText() != m_note.text; }

void NoteEditor::setNote(const InspectorNote& note) {
    const bool another =
        note.project != m_note.project || note.subject != m_note.subject || note.object != m_note.object;
    if (another)
        commit();
    const bool typed = !another && changed();
    m_note = note;
    if (another || !changed())
        m_handedOver.reset();
    m_byline->setWhole(note.byline);
    m_byline->setVisible(!note.byline.isEmpty());
    if (!typed && changed())
        m_text->setPlainText(note.text);
}

void NoteEditor::setReadOnly(bool readOnly) { m_text->setReadOnly(readOnly); }

void NoteEditor::commit() {
    m_idle.stop();
    const auto text = m_text->toPlainText();
    if (!changed() || m_text->isReadOnly() || m_handedOver == text)
        return;
    m_handedOver = text;
    auto note = m_note;
    note.text = text;
    Q_EMIT committed(note);
}

void NoteEditor::refused() { m_handedOver.reset(); }

void NoteEditor::edit() {
    m_text->setFocus(Qt::ShortcutFocusReason);
    m_text->moveCursor(QTextCursor::End);
}

bool NoteEditor::eventFilter(QObject* object, QEvent* event) {
    if (event->type() == QEvent::FocusOut)
        commit();
    if (event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if ((key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) &&
            key->modifiers().testFlag(Qt::ControlModifier)) {
            if (event->type() == QEvent::KeyPress)
                commit();
            event->accept(); // the page's main button has the same keys
            return true;
        }
    }
    return QWidget::eventFilter(object, event);
}

} // namespace azimuth
