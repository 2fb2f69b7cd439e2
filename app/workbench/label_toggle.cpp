#include "app/workbench/label_toggle.h"

#include <QPainter>

namespace azimuth {

LabelToggle::LabelToggle(LabelShape label, QWidget* parent)
    : QToolButton(parent), m_label(label), m_tokens(lightTokens()) {
    setCheckable(true);
    setFocusPolicy(Qt::TabFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setCount(0);
}

void LabelToggle::setCount(int count) {
    setText(QStringLiteral("%1 %2").arg(labelWord(m_label)).arg(count));
    setAccessibleName(tr("Only %1, %2").arg(labelWord(m_label)).arg(count));
    setToolTip(tr("Show only the completions labelled %1").arg(labelWord(m_label)));
    updateGeometry();
    update();
}

void LabelToggle::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

QSize LabelToggle::sizeHint() const {
    const QFontMetrics metrics(m_tokens.sans(12, QFont::Medium));
    return {8 + 10 + 5 + metrics.horizontalAdvance(text()) + 9, m_tokens.px(24)};
}

void LabelToggle::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QColor colour = labelColour(m_tokens, m_label);
    painter.setPen(isChecked() ? colour : m_tokens.line);
    painter.setBrush(isChecked()                   ? labelTint(m_tokens, m_label)
                     : isDown()                    ? m_tokens.pressed
                     : underMouse() && isEnabled() ? m_tokens.hover
                                                   : m_tokens.raised);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
    paintLabelShape(painter, m_label, QPointF(13, height() / 2.0), 10, colour);
    painter.setPen(isChecked() ? colour : m_tokens.text);
    painter.setFont(m_tokens.sans(12, isChecked() ? QFont::Medium : QFont::Normal));
    painter.drawText(rect().adjusted(23, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, text());
}

} // namespace azimuth
