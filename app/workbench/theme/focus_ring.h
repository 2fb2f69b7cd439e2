// The one visible sign of keyboard focus on controls: a 2 px accent frame, 3 px outside the focused
// widget.
//   It appears when focus comes by Tab, Backtab or a shortcut, and goes when focus comes any other way or
//   the user presses the mouse. Views and painted maps that draw a cursor cell of their own set the
//   property "ownFocus" to true and are left alone; so are item views.
#pragma once

#include <QFocusFrame>

namespace azimuth {

class Theme;

class FocusRing : public QFocusFrame {
    Q_OBJECT
public:
    explicit FocusRing(Theme* theme); // watches the whole application; deleted with the theme

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    class Watcher;
    void focusCame(QWidget* widget, Qt::FocusReason reason);
    void follow(QWidget* widget);
    Theme* m_theme;
};

} // namespace azimuth
