#include "app/workbench/theme/theme_icon.h"

#include "widgets/icons.h"

#include <QPainter>

namespace azimuth {

ThemeIcon::ThemeIcon(QString name, IconTone tone) : m_name(std::move(name)), m_tone(tone) {}

QColor ThemeIcon::colour(QIcon::Mode mode, QIcon::State state) const {
    const Theme* theme = Theme::instance();
    const Tokens& tokens = theme ? theme->tokens() : lightTokens();
    if (mode == QIcon::Disabled) {
        return tokens.disabled;
    }
    switch (m_tone) {
    case IconTone::rest:
        return state == QIcon::On ? tokens.accent : tokens.secondary;
    case IconTone::text:
        return state == QIcon::On ? tokens.accent : tokens.text;
    case IconTone::onAccent:
        return tokens.onAccent;
    case IconTone::here:
        return tokens.here;
    case IconTone::caution:
        return tokens.caution;
    case IconTone::failure:
        return tokens.failure;
    case IconTone::positive:
        break;
    }
    return tokens.positive;
}

void ThemeIcon::paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) {
    paintIcon(*painter, m_name, rect, qMin(rect.width(), rect.height()), colour(mode, state));
}

QPixmap ThemeIcon::pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) {
    return iconPixmap(m_name, qMin(size.width(), size.height()), colour(mode, state), 1.0);
}

QSize ThemeIcon::actualSize(const QSize& size, QIcon::Mode, QIcon::State) {
    const int side = qMin(size.width(), size.height());
    return {side, side};
}

QIconEngine* ThemeIcon::clone() const { return new ThemeIcon(*this); }

QString ThemeIcon::key() const { return QStringLiteral("azimuth"); }

} // namespace azimuth
