#include "app/workbench/elided_label.h"

#include <QEvent>

namespace azimuth {

ElidedLabel::ElidedLabel(const QString& text, Qt::TextElideMode mode, QWidget* parent)
    : QLabel(parent), m_mode(mode) {
    setTextFormat(Qt::PlainText);
    setMinimumWidth(20);
    setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    setWhole(text);
}

void ElidedLabel::setWhole(const QString& text) {
    m_text = text;
    setAccessibleName(text);
    elide();
}

void ElidedLabel::elide() {
    const QString shown = fontMetrics().elidedText(m_text, m_mode, contentsRect().width());
    setText(shown);
    setToolTip(shown == m_text ? QString() : m_text);
}

void ElidedLabel::resizeEvent(QResizeEvent* event) {
    QLabel::resizeEvent(event);
    elide();
}

void ElidedLabel::changeEvent(QEvent* event) {
    QLabel::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        elide();
}

} // namespace azimuth
