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

// A filter of the whole application that is no QFocusFrame: that one takes every event it is handed for one
// of a parent of its widget, and would raise itself without end.
class FocusRing::Watcher : public QObject {
public:
    explicit Watcher(FocusRing* ring) : QObject(ring), m_ring(ring) {
        QApplication::instance()->installEventFilter(this);
    }
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::FocusIn && watched->isWidgetType())
            m_ring->focusCame(static_cast<QWidget*>(watched), static_cast<QFocusEvent*>(event)->reason());
        else if (event->type() == QEvent::MouseButtonPress)
            m_ring->follow(nullptr);
        return false;
    }

private:
    FocusRing* m_ring;
};

FocusRing::FocusRing(Theme* theme) : m_theme(theme) {
    setObjectName(QStringLiteral("FocusRing"));
    new Watcher(this);
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

void FocusRing::focusCame(QWidget* widget, Qt::FocusReason reason) {
    const bool stays = reason == Qt::ActiveWindowFocusReason || reason == Qt::PopupFocusReason;
    if (byKeyboard(reason))
        follow(widget);
    else if (!stays || widget != this->widget())
        follow(nullptr);
}

void FocusRing::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(m_theme->tokens().accent, 2));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 5, 5);
}

} // namespace azimuth
