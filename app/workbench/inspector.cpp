#include "app/workbench/inspector.h"

#include "app/workbench/elided_label.h"
#include "app/workbench/inspector_section.h"
#include "app/workbench/note_editor.h"
#include "app/workbench/page.h"
#include "app/workbench/theme/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>

namespace azimuth {

Inspector::Inspector(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("inspector"));
    setProperty("surface", QStringLiteral("chrome"));
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(tr("Inspector"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);

    m_head = new QWidget(this);
    auto* row = new QHBoxLayout(m_head);
    row->setContentsMargins(12, 4, 8, 4);
    row->setSpacing(8);
    m_icon = new QLabel(m_head);
    auto* names = new QVBoxLayout;
    names->setSpacing(0);
    m_name = new ElidedLabel({}, Qt::ElideRight, m_head);
    m_kind = new ElidedLabel({}, Qt::ElideRight, m_head);
    m_kind->setProperty("role", QStringLiteral("caption"));
    names->addWidget(m_name);
    names->addWidget(m_kind);
    m_copy = new QToolButton(m_head);
    m_copy->setIcon(Theme::icon(QStringLiteral("copy")));
    m_copy->setFixedSize(28, 28);
    m_copy->setToolTip(tr("Copy these values as text"));
    m_copy->setAccessibleName(tr("Copy values"));
    row->addWidget(m_icon);
    row->addLayout(names, 1);
    row->addWidget(m_copy);
    layout->addWidget(m_head);
    layout->addWidget(makeRule(this));

    m_hint = new QLabel(tr("Select something to see its values and where they come from."), this);
    m_hint->setWordWrap(true);
    m_hint->setProperty("role", QStringLiteral("secondary"));
    m_hint->setContentsMargins(12, 12, 12, 12);
    m_hint->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    layout->addWidget(m_hint, 1);

    m_scroll = new QScrollArea(this);
    m_scroll->setAccessibleName(tr("Values of the selection"));
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setWidgetResizable(true);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_scroll->setProperty("surface", QStringLiteral("chrome"));
    m_scroll->viewport()->setAutoFillBackground(false);
    auto* content = new QWidget;
    content->setObjectName(QStringLiteral("inspectorContent"));
    content->setProperty("surface", QStringLiteral("chrome"));
    m_sectionLayout = new QVBoxLayout(content);
    m_sectionLayout->setContentsMargins(0, 0, 0, 0);
    m_sectionLayout->setSpacing(0);
    m_note = new NoteEditor(content);
    connect(m_note, &NoteEditor::committed, this, &Inspector::noteCommitted);
    m_sectionLayout->addWidget(m_note);
    m_sectionLayout->addStretch(1);
    m_scroll->setWidget(content);
    layout->addWidget(m_scroll, 1);
    connect(m_copy, &QToolButton::clicked, this, [this] { QApplication::clipboard()->setText(plainText()); });
    rebuild();
}

void Inspector::setContent(const InspectorContent& content) {
    if (content == m_content)
        return;
    m_content = content;
    rebuild();
}

QString Inspector::plainText() const {
    QString text = m_content.name + QLatin1Char('\n') + m_content.kind + QLatin1Char('\n');
    for (const auto& section : m_content.sections) {
        text += QLatin1Char('\n') + section.title + QLatin1Char('\n');
        for (const auto& row : section.rows)
            text += row.key + QLatin1Char('\t') + row.value + QLatin1Char('\n');
        if (!section.paragraph.isEmpty())
            text += section.paragraph + QLatin1Char('\n');
    }
    if (m_content.note && !m_content.note->text.isEmpty())
        text +=
            QLatin1Char('\n') + tr("Notes") + QLatin1Char('\n') + m_content.note->text + QLatin1Char('\n');
    return text;
}

void Inspector::rebuild() {
    const bool empty = m_content.empty();
    m_name->setWhole(empty ? tr("Inspector") : m_content.name);
    m_kind->setWhole(m_content.kind);
    m_kind->setVisible(!m_content.kind.isEmpty());
    m_copy->setVisible(!empty);
    m_hint->setVisible(empty);
    m_scroll->setVisible(!empty);
    while (m_sections.size() < m_content.sections.size()) {
        auto* section = new InspectorSectionView(m_scroll->widget());
        m_sectionLayout->insertWidget(static_cast<int>(m_sections.size()), section);
        m_sections.push_back(section);
        connect(section, &InspectorSectionView::folded, this, [this](const QString& title, bool open) {
            if (open)
                m_collapsed.erase(title);
            else
                m_collapsed.insert(title);
        });
    }
    for (std::size_t i = 0; i < m_sections.size(); ++i) {
        const bool used = i < m_content.sections.size();
        if (used)
            m_sections[i]->setSection(m_content.sections[i], !m_collapsed.count(m_content.sections[i].title));
        m_sections[i]->setVisible(used);
    }
    if (m_content.note)
        m_note->setNote(*m_content.note);
    else
        m_note->commit();
    m_note->setVisible(m_content.note.has_value());
    if (m_note->isAncestorOf(QApplication::focusWidget())) // it may just have become higher
        QTimer::singleShot(0, this, [this] { m_scroll->ensureWidgetVisible(m_note); });
}

void Inspector::setNotesReadOnly(bool readOnly) { m_note->setReadOnly(readOnly); }

void Inspector::commitNote() { m_note->commit(); }

void Inspector::noteRefused() { m_note->refused(); }

void Inspector::editNote() {
    if (!m_content.note)
        return;
    m_note->edit();
    m_scroll->ensureWidgetVisible(m_note);
}

QSize Inspector::sizeHint() const { return {m_tokens.px(272), m_tokens.px(400)}; }

void Inspector::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_head->setFixedHeight(tokens.px(44));
    m_name->setFont(tokens.sans(13, QFont::DemiBold));
    m_icon->setPixmap(Theme::icon(QStringLiteral("crosshair"), IconTone::here).pixmap(16, 16));
}

} // namespace azimuth
