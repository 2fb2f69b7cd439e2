#include "app/workbench/inspector_section.h"

#include "app/workbench/page.h"
#include "app/workbench/theme/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFrame>
#include <QHelpEvent>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QToolButton>
#include <QToolTip>
#include <QVBoxLayout>

namespace azimuth {
namespace {
constexpr int keyWidth = 92, rowHeight = 20;
}

InspectorRows::InspectorRows(QWidget* parent) : QWidget(parent), m_tokens(lightTokens()) {
    setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
}

void InspectorRows::setRows(const std::vector<InspectorRow>& rows) {
    const bool resized = rows.size() != m_rows.size();
    m_rows = rows;
    QStringList words;
    for (const auto& row : rows)
        words << (row.key + QLatin1Char(' ') + row.value).trimmed();
    setAccessibleName(words.join(QStringLiteral("; ")));
    if (resized)
        updateGeometry();
    update();
}

void InspectorRows::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

QSize InspectorRows::sizeHint() const {
    return {m_tokens.px(200), static_cast<int>(m_rows.size()) * m_tokens.px(rowHeight)};
}

int InspectorRows::rowAt(int y) const {
    const int row = y / m_tokens.px(rowHeight);
    return y >= 0 && row < static_cast<int>(m_rows.size()) ? row : -1;
}

QFont InspectorRows::valueFont(const InspectorRow& row) const {
    return row.mono ? m_tokens.mono(12) : m_tokens.sans(12, row.strong ? QFont::DemiBold : QFont::Normal);
}

QString InspectorRows::shown(const InspectorRow& row) const {
    return QFontMetrics(valueFont(row))
        .elidedText(row.value, row.mono ? Qt::ElideMiddle : Qt::ElideRight, width() - m_tokens.px(keyWidth));
}

void InspectorRows::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const int height = m_tokens.px(rowHeight), left = m_tokens.px(keyWidth);
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        const auto& row = m_rows[i];
        const int top = static_cast<int>(i) * height;
        painter.setFont(m_tokens.sans(12));
        painter.setPen(m_tokens.secondary);
        painter.drawText(QRect(0, top, left - 4, height), Qt::AlignVCenter,
                         painter.fontMetrics().elidedText(row.key, Qt::ElideRight, left - 4));
        painter.setFont(valueFont(row));
        painter.setPen(m_tokens.text);
        painter.drawText(QRect(left, top, width() - left, height), Qt::AlignVCenter, shown(row));
    }
}

bool InspectorRows::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const int row = rowAt(help->pos().y());
    const bool whole = row < 0 || shown(m_rows[static_cast<std::size_t>(row)]) ==
                                      m_rows[static_cast<std::size_t>(row)].value;
    QToolTip::showText(help->globalPos(), whole ? QString() : m_rows[static_cast<std::size_t>(row)].value,
                       this);
    return true;
}

void InspectorRows::contextMenuEvent(QContextMenuEvent* event) {
    const int row = rowAt(event->pos().y());
    if (row < 0)
        return;
    const QString value = m_rows[static_cast<std::size_t>(row)].value;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    connect(menu->addAction(tr("Copy")), &QAction::triggered, this,
            [value] { QApplication::clipboard()->setText(value); });
    menu->popup(event->globalPos());
}

InspectorSectionView::InspectorSectionView(QWidget* parent) : QWidget(parent) {
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->setSpacing(0);
    auto* layout = new QVBoxLayout;
    layout->setContentsMargins(12, 7, 12, 10);
    layout->setSpacing(4);
    m_toggle = new QToolButton(this);
    m_toggle->setProperty("role", QStringLiteral("inspectorSection"));
    m_toggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_toggle->setIconSize(QSize(16, 16));
    m_toggle->setFocusPolicy(Qt::TabFocus);
    m_rows = new InspectorRows(this);
    m_paragraph = new QLabel(this);
    m_paragraph->setProperty("role", QStringLiteral("small"));
    m_paragraph->setTextFormat(Qt::PlainText);
    m_paragraph->setWordWrap(true);
    layout->addWidget(m_toggle);
    layout->addWidget(m_rows);
    layout->addWidget(m_paragraph);
    outer->addLayout(layout);
    outer->addWidget(makeRule(this));
    connect(m_toggle, &QToolButton::clicked, this, [this] {
        setOpen(!m_open);
        Q_EMIT folded(m_title, m_open);
    });
}

void InspectorSectionView::setSection(const InspectorSection& section, bool open) {
    m_title = section.title;
    m_toggle->setText(section.title);
    m_hasRows = !section.rows.empty();
    m_hasParagraph = !section.paragraph.isEmpty();
    m_rows->setRows(section.rows);
    if (m_paragraph->text() != section.paragraph)
        m_paragraph->setText(section.paragraph);
    setOpen(open);
}

void InspectorSectionView::setOpen(bool open) {
    m_open = open;
    m_rows->setVisible(open && m_hasRows);
    m_paragraph->setVisible(open && m_hasParagraph);
    m_toggle->setIcon(Theme::icon(open ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right")));
    m_toggle->setAccessibleName(open ? tr("%1, open").arg(m_title) : tr("%1, folded").arg(m_title));
}

} // namespace azimuth
