#include "app/workbench/page.h"

#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/base/time.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace azimuth {

QFrame* makeRule(QWidget* parent) {
    auto* rule = new QFrame(parent);
    rule->setProperty("rule", true);
    rule->setFixedHeight(1);
    return rule;
}

QLabel* makeSectionTitle(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", QStringLiteral("section"));
    return label;
}

Page::Page(QString id, QString title, QString icon, QWidget* parent)
    : QWidget(parent), m_id(std::move(id)), m_title(std::move(title)), m_icon(std::move(icon)) {
    setObjectName(QStringLiteral("page-") + m_id);
    setProperty("surface", QStringLiteral("page"));
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(m_title);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->setSpacing(0);

    auto* header = new QWidget(this);
    header->setObjectName(QStringLiteral("pageHeader"));
    const auto setHeight = [header] { header->setFixedHeight(Theme::instance()->px(44)); };
    connect(Theme::instance(), &Theme::changed, header, setHeight);
    setHeight();
    auto* row = new QHBoxLayout(header);
    row->setContentsMargins(16, 0, 16, 0);
    row->setSpacing(8);
    auto* titleLabel = new QLabel(m_title, header);
    titleLabel->setProperty("role", QStringLiteral("pageTitle"));
    m_middle = new QHBoxLayout;
    m_middle->setSpacing(8);
    m_buttons = new QHBoxLayout;
    m_buttons->setSpacing(8);
    row->addWidget(titleLabel);
    row->addSpacing(8);
    row->addLayout(m_middle);
    row->addStretch(1);
    row->addLayout(m_buttons);
    outer->addWidget(header);

    outer->addWidget(makeRule(this));

    m_body = new QVBoxLayout;
    m_body->setContentsMargins(16, 12, 16, 12);
    m_body->setSpacing(12);
    outer->addLayout(m_body, 1);
}

void Page::setContext(std::shared_ptr<const ProjectView> view, const Selection& selection,
                      const Activity& activity) {
    m_view = std::move(view);
    m_selection = selection;
    m_activity = activity;
    refresh();
}

bool Page::usesField(const QString&) const { return false; }

const Model* Page::model() const { return m_view ? m_view->model(m_selection.model.toStdString()) : nullptr; }

const Concept* Page::concept_() const {
    return m_view ? m_view->study->concept_(m_selection.concept_.toStdString()) : nullptr;
}

const DirectionBank* Page::bank() const {
    const auto* found = model();
    if (!found || !concept_())
        return nullptr;
    return m_view->bank(found->identity, concept_()->name, m_view->study->methods.front());
}

QPushButton* Page::addButton(const QString& text, const QString& icon) {
    auto* button = new QPushButton(text, this);
    if (!icon.isEmpty())
        button->setIcon(Theme::icon(icon));
    m_buttons->addWidget(button);
    return button;
}

QPushButton* Page::setPrimary(const QString& text, const QString& icon) {
    if (!m_primary) {
        m_primary = new QPushButton(this);
        m_primary->setProperty("primary", true);
        m_buttons->addWidget(m_primary);
    }
    m_primary->setText(text);
    m_primary->setIcon(icon.isEmpty() ? QIcon() : Theme::icon(icon, IconTone::onAccent));
    return m_primary;
}

InspectorNote Page::noteOn(NoteSubject subject, const std::string& object) const {
    InspectorNote out{m_view ? QString::fromStdString(m_view->uuid) : QString(),
                      subject,
                      QString::fromStdString(object),
                      {},
                      {}};
    if (const auto* note = m_view ? m_view->note(subject, object) : nullptr) {
        out.text = QString::fromStdString(note->text);
        out.byline =
            tr("%1, %2").arg(QString::fromStdString(note->author), words::whenText(utcText(note->time)));
    }
    return out;
}

} // namespace azimuth
