// The one place that gives the application its colours, fonts, style sheet and focus ring.
//   Construct once, right after QApplication and before any widget; GUI thread. It sets the style (Fusion
//   with the look's focus margins), the palette, the body font and the filled style sheet, and sets them
//   again on each change. Every Themed widget gets its tokens when it is polished: before it is first
//   shown and after each change. Items that are not widgets (delegates, icons in models) listen to
//   changed().
#pragma once

#include "widgets/tokens.h"

#include <QIcon>
#include <QObject>

class QApplication;

namespace azimuth {

class FocusRing;

// Which token an icon is drawn in; a checked icon is `accent`, a disabled one `disabled`.
enum class IconTone { rest, text, onAccent, here, caution, failure, positive };

class Theme : public QObject {
    Q_OBJECT
public:
    enum class Mode { light, dark, system };
    Q_ENUM(Mode)

    static constexpr double smallestScale = 0.9;
    static constexpr double largestScale = 1.5;

    explicit Theme(QApplication& application);
    ~Theme() override;

    // The one Theme, or null before it exists.
    static Theme* instance();

    Mode mode() const { return m_mode; }
    void setMode(Mode mode);
    // System asks the palette that the platform had when the program started: dark if its WindowText is
    // lighter than its Window (Qt 6.4 knows no colour scheme).
    bool isDark() const { return m_tokens.dark; }

    double fontScale() const { return m_tokens.fontScale; }
    void setFontScale(double scale); // clamped to 0.9 to 1.5, in steps of 0.05

    const Tokens& tokens() const { return m_tokens; }
    int px(double n) const { return m_tokens.px(n); }

    // An icon that follows the theme. A name that does not exist is a defect: an empty icon and a warning.
    static QIcon icon(const QString& name, IconTone tone = IconTone::rest);

    // The sheet with every @name replaced and every size scaled; static, so that a test can fill any tokens.
    static QString filledSheet(const QString& sheet, const Tokens& tokens);

Q_SIGNALS:
    void changed();

private:
    void apply();

    QApplication& m_application;
    FocusRing* m_focusRing;
    Mode m_mode = Mode::system;
    bool m_systemIsDark;
    Tokens m_tokens;
};

} // namespace azimuth
