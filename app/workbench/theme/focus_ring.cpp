#include "app/workbench/theme/focus_ring.h"

#include "app/workbench/theme/theme.h"

#include <QAbstractItemView>
#include <QApplication>
#include <QFocusEvent>
#include <QPainter>

namespace azimuth {

namespace {

bool byKeyboard(Qt::FocusReason reason) {
    return reason == Qt::TabFocusReason || reason == Qt::BacktabFocusReason ||
           reason == Qt::ShortcutFocusReason;
}

bool drawsItsOwn(const QWidget* widget) {
    return qobject_cast<const QAbstractItemView*>(widget) || widget->property("ownFocus").toBool();
}

} // namespace

FocusRing::FocusRing(Theme* theme) : m_theme(theme) {
    setObjectName(QStringLiteral("FocusRing"));
    QApplication::instance()->installEventFilter(this);
    connect(theme, &Theme::changed, this, [this] { update(); });
    connect(theme, &QObject::destroyed, this, &QObject::deleteLater);
}

void FocusRing::follow(QWidget* widget) {
    if (widget && drawsItsOwn(widget)) {
        widget = nullptr;
    }
    if (widget != this->widget()) {
        setWidget(widget);
    }
}

bool FocusRing::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::FocusIn && watched->isWidgetType()) {
        auto* widget = static_cast<QWidget*>(watched);
        const Qt::FocusReason reason = static_cast<QFocusEvent*>(event)->reason();
        if (byKeyboard(reason)) {
            follow(widget);
        } else if (reason == Qt::ActiveWindowFocusReason || reason == Qt::PopupFocusReason) {
            if (widget != this->widget()) {
                follow(nullptr);
            }
        } else {
            follow(nullptr);
        }
    } else if (event->type() == QEvent::MouseButtonPress) {
        follow(nullptr);
    }
    return QFocusFrame::eventFilter(watched, event);
}

void FocusRing::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(m_theme->tokens().accent, 2));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 5, 5);
}

} // namespace azimuth
