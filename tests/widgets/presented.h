// Helpers of the widget tests: a widget that is shown and active, and its picture.
#pragma once

#include <QApplication>
#include <QImage>
#include <QMouseEvent>
#include <QTest>
#include <QWidget>

namespace azimuth {

// Shown, active and painted, nothing focused: focus and mouse events reach it.
inline void present(QWidget& widget) {
    widget.show();
    widget.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&widget));
    if (QApplication::focusWidget()) {
        QApplication::focusWidget()->clearFocus();
    }
}

// The pointer moves to a place of the widget. Sent to the widget itself: where the platform's pointer was
// before does not matter.
inline void hover(QWidget& widget, const QPoint& place) {
    QMouseEvent event(QEvent::MouseMove, place, widget.mapToGlobal(QPointF(place)), Qt::NoButton,
                      Qt::NoButton, {});
    QApplication::sendEvent(&widget, &event);
}

inline QImage picture(QWidget& widget, double ratio = 1) {
    QImage image(widget.size() * ratio, QImage::Format_ARGB32);
    image.setDevicePixelRatio(ratio);
    image.fill(Qt::white);
    widget.render(&image);
    return image;
}

inline int countPixels(const QImage& image, const QRect& rect, const QColor& colour) {
    int found = 0;
    const QRect inside = rect.intersected(image.rect());
    for (int y = inside.top(); y <= inside.bottom(); ++y) {
        for (int x = inside.left(); x <= inside.right(); ++x) {
            found += image.pixelColor(x, y) == colour ? 1 : 0;
        }
    }
    return found;
}

} // namespace azimuth
