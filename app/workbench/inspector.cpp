#include "app/workbench/inspector.h"

#include "app/workbench/elided_label.h"
#include "app/workbench/page.h"
#include "app/workbench/theme/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QToolButton>
#include <QVBoxLayout>

namespace azimuth {
namespace {

constexpr int keyWidth = 92;

} // namespace

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
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setWidgetResizable(true);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_scroll->setProperty("surface", QStringLiteral("chrome"));
    m_scroll->viewport()->setAutoFillBackground(false);
    layout->addWidget(m_scroll, 1);
    connect(m_copy, &QToolButton::clicked, this, [this] { QApplication::clipboard()->setText(plainText()); });
    setContent({});
}

void Inspector::setContent(const InspectorContent& content) {
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
    return text;
}

QWidget* Inspector::makeRow(const InspectorRow& row, QWidget* parent) {
    auto* line = new QWidget(parent);
    auto* layout = new QHBoxLayout(line);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    auto* key = new QLabel(row.key, line);
    key->setTextFormat(Qt::PlainText);
    key->setFont(m_tokens.sans(12));
    key->setProperty("role", QStringLiteral("secondary"));
    key->setFixedWidth(m_tokens.px(keyWidth));
    auto* value = new ElidedLabel(row.value, row.mono ? Qt::ElideMiddle : Qt::ElideRight, line);
    value->setFont(row.mono ? m_tokens.mono(12)
                            : m_tokens.sans(12, row.strong ? QFont::DemiBold : QFont::Normal));
    value->setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* copy = new QAction(tr("Copy"), value);
    const QString text = row.value;
    connect(copy, &QAction::triggered, this, [text] { QApplication::clipboard()->setText(text); });
    value->addAction(copy);
    layout->addWidget(key);
    layout->addWidget(value, 1);
    line->setFixedHeight(m_tokens.px(20));
    return line;
}

QWidget* Inspector::makeSection(const InspectorSection& section) {
    auto* box = new QWidget;
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(12, 7, 12, 10);
    layout->setSpacing(0);
    auto* toggle = new QToolButton(box);
    toggle->setText(section.title);
    toggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    toggle->setProperty("role", QStringLiteral("inspectorSection"));
    toggle->setIconSize(QSize(16, 16));
    toggle->setFocusPolicy(Qt::TabFocus);
    layout->addWidget(toggle);
    auto* inner = new QWidget(box);
    auto* rows = new QVBoxLayout(inner);
    rows->setContentsMargins(0, 4, 0, 0);
    rows->setSpacing(0);
    for (const auto& row : section.rows)
        rows->addWidget(makeRow(row, inner));
    if (!section.paragraph.isEmpty()) {
        auto* text = new QLabel(section.paragraph, inner);
        text->setTextFormat(Qt::PlainText);
        text->setWordWrap(true);
        text->setFont(m_tokens.sans(12));
        if (!section.rows.empty())
            text->setContentsMargins(0, 4, 0, 0);
        rows->addWidget(text);
    }
    layout->addWidget(inner);
    const QString title = section.title;
    const auto show = [this, title, toggle, inner] {
        const bool open = !m_collapsed.count(title);
        inner->setVisible(open);
        toggle->setIcon(Theme::icon(open ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right")));
    };
    connect(toggle, &QToolButton::clicked, this, [this, title, show] {
        if (!m_collapsed.erase(title))
            m_collapsed.insert(title);
        show();
    });
    show();
    return box;
}

void Inspector::rebuild() {
    const bool empty = m_content.empty();
    m_head->setVisible(true);
    m_name->setWhole(empty ? tr("Inspector") : m_content.name);
    m_kind->setWhole(m_content.kind);
    m_kind->setVisible(!m_content.kind.isEmpty());
    m_copy->setVisible(!empty);
    m_hint->setVisible(empty);
    m_scroll->setVisible(!empty);
    auto* content = new QWidget;
    content->setObjectName(QStringLiteral("inspectorContent"));
    content->setProperty("surface", QStringLiteral("chrome"));
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    for (const auto& section : m_content.sections) {
        layout->addWidget(makeSection(section));
        layout->addWidget(makeRule(content));
    }
    layout->addStretch(1);
    const int place = m_scroll->verticalScrollBar()->value();
    m_scroll->setWidget(content);
    m_scroll->verticalScrollBar()->setValue(place);
}

QSize Inspector::sizeHint() const { return {m_tokens.px(272), m_tokens.px(400)}; }

void Inspector::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_head->setFixedHeight(tokens.px(44));
    m_name->setFont(tokens.sans(13, QFont::DemiBold));
    m_icon->setPixmap(Theme::icon(QStringLiteral("crosshair"), IconTone::here).pixmap(16, 16));
    rebuild();
}

} // namespace azimuth
