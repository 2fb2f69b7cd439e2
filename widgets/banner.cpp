#include "widgets/banner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPainterPath>
#include <QPushButton>
#include <QVBoxLayout>

namespace azimuth {

QColor severityColour(const Tokens& tokens, Severity severity) {
    return severity == Severity::failure   ? tokens.failure
           : severity == Severity::caution ? tokens.caution
                                           : tokens.accent;
}

QColor severityTint(const Tokens& tokens, Severity severity) {
    return severity == Severity::failure   ? tokens.failureTint
           : severity == Severity::caution ? tokens.cautionTint
                                           : tokens.accentTint;
}

void paintSeverityGround(QPainter& painter, const Tokens& tokens, Severity severity, const QRectF& rect) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath ground;
    ground.addRoundedRect(rect, 4, 4);
    painter.setClipPath(ground);
    painter.fillRect(rect, severityTint(tokens, severity));
    painter.fillRect(QRectF(rect.topLeft(), QSizeF(3, rect.height())), severityColour(tokens, severity));
    painter.restore();
}

Banner::Banner(const QString& title, const QString& line, const QString& button, QWidget* parent)
    : QFrame(parent), m_tokens(lightTokens()), m_title(new QLabel), m_line(new QLabel),
      m_button(new QPushButton) {
    m_button->setProperty("primary", true);
    m_title->setTextFormat(Qt::PlainText);
    m_line->setTextFormat(Qt::PlainText);
    m_line->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_title->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    connect(m_button, &QPushButton::clicked, this, &Banner::clicked);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(0);
    texts->addStretch();
    texts->addWidget(m_title);
    texts->addWidget(m_line);
    texts->addStretch();
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 0, 12, 0);
    row->setSpacing(16);
    row->addLayout(texts, 1);
    row->addWidget(m_button);
    setText(title, line, button);
    setTokens(m_tokens);
}

void Banner::setText(const QString& title, const QString& line, const QString& button) {
    m_title->setText(title);
    m_words = line;
    m_line->setToolTip(line);
    elide();
    m_button->setText(button);
    m_button->setVisible(!button.isEmpty());
    setAccessibleName(title);
    setAccessibleDescription(line);
}

void Banner::setSeverity(Severity severity) {
    m_severity = severity;
    m_button->setProperty("primary", severity == Severity::information);
    update();
}

void Banner::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    setFixedHeight(tokens.px(56));
    m_title->setFont(tokens.sans(14, QFont::DemiBold));
    m_line->setFont(tokens.sans(13));
    elide();
    QPalette secondary = m_line->palette();
    secondary.setColor(QPalette::WindowText, tokens.secondary);
    m_line->setPalette(secondary);
    update();
}

void Banner::resizeEvent(QResizeEvent* event) {
    QFrame::resizeEvent(event);
    elide();
}

void Banner::elide() {
    const int room = width() - (m_button->isHidden() ? 28 : m_button->sizeHint().width() + 44);
    m_line->setText(m_line->fontMetrics().elidedText(m_words, Qt::ElideRight, std::max(40, room)));
}

void Banner::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    paintSeverityGround(painter, m_tokens, m_severity, rect());
}

} // namespace azimuth
