#include "widgets/empty_state.h"

#include "widgets/icons.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

namespace azimuth {

EmptyState::EmptyState(const QString& icon, const QString& title, const QString& line, const QString& button,
                       QWidget* parent)
    : QFrame(parent), m_icon(icon), m_tokens(lightTokens()), m_iconLabel(new QLabel), m_title(new QLabel),
      m_line(new QLabel), m_button(new QPushButton) {
    m_line->setWordWrap(true);
    m_button->setProperty("primary", true);
    connect(m_button, &QPushButton::clicked, this, &EmptyState::clicked);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(1);
    texts->addStretch();
    texts->addWidget(m_title);
    texts->addWidget(m_line);
    texts->addStretch();
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(18, 0, 18, 0);
    row->setSpacing(16);
    row->addWidget(m_iconLabel);
    row->addLayout(texts, 1);
    row->addWidget(m_button);
    setText(title, line, button);
    setTokens(m_tokens);
}

void EmptyState::setText(const QString& title, const QString& line, const QString& button) {
    m_title->setText(title);
    m_line->setText(line);
    m_line->setVisible(!line.isEmpty());
    m_button->setText(button);
    m_button->setVisible(!button.isEmpty());
    setAccessibleName(title);
    setAccessibleDescription(line);
}

void EmptyState::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    setFixedHeight(tokens.px(92));
    m_iconLabel->setPixmap(iconPixmap(m_icon, 16, tokens.secondary, devicePixelRatioF()));
    m_title->setFont(tokens.sans(13, QFont::DemiBold));
    m_line->setFont(tokens.sans(12));
    QPalette secondary = m_line->palette();
    secondary.setColor(QPalette::WindowText, tokens.secondary);
    m_line->setPalette(secondary);
    update();
}

void EmptyState::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(m_tokens.line);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
}

} // namespace azimuth
