#include "app/workbench/theme/theme.h"

#include "app/workbench/theme/azimuth_style.h"
#include "app/workbench/theme/focus_ring.h"
#include "app/workbench/theme/theme_icon.h"
#include "resources/resources.h"

#include <algorithm>
#include <cmath>
#include <QApplication>
#include <QFile>
#include <QPalette>
#include <QRegularExpression>
#include <QToolTip>
#include <QWidget>
#include <vector>

namespace azimuth {

namespace {

Theme* theTheme = nullptr;

bool paletteIsDark(const QPalette& palette) {
    return palette.color(QPalette::WindowText).lightnessF() > palette.color(QPalette::Window).lightnessF();
}

QPalette paletteOf(const Tokens& tokens) {
    QPalette palette;
    const std::pair<QPalette::ColorRole, QColor> roles[] = {
        {QPalette::Window, tokens.window},
        {QPalette::Base, tokens.base},
        {QPalette::AlternateBase, tokens.alternate},
        {QPalette::Button, tokens.raised},
        {QPalette::Light, tokens.raised},
        {QPalette::WindowText, tokens.text},
        {QPalette::Text, tokens.text},
        {QPalette::ButtonText, tokens.text},
        {QPalette::PlaceholderText, tokens.placeholder},
        {QPalette::Mid, tokens.line},
        {QPalette::Midlight, tokens.line},
        {QPalette::Dark, tokens.border},
        {QPalette::Shadow, tokens.border},
        {QPalette::Highlight, tokens.accent},
        {QPalette::HighlightedText, tokens.onAccent},
        {QPalette::Link, tokens.accent},
        {QPalette::LinkVisited, tokens.accent},
        {QPalette::BrightText, tokens.failure},
        {QPalette::ToolTipBase, tokens.tooltip},
        {QPalette::ToolTipText, tokens.onTooltip},
    };
    for (const auto& [role, colour] : roles) {
        palette.setColor(role, colour);
    }
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, tokens.disabled);
    }
    palette.setColor(QPalette::Disabled, QPalette::Highlight, tokens.line);
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, tokens.disabled);
    return palette;
}

QString sheetTemplate() {
    QFile file(QStringLiteral(":/azimuth/azimuth.qss"));
    if (!file.open(QIODevice::ReadOnly)) {
        qFatal("The style sheet is not inside the program");
    }
    return QString::fromUtf8(file.readAll());
}

// Fonts and heights follow the user's scale; lines, radii, paddings and anything under 11 px stay.
QString scaled(const QString& sheet, const Tokens& tokens) {
    static const QRegularExpression size(
        QStringLiteral("((?:font-size|min-height|max-height|height|width)\\s*:\\s*)(\\d+)px"));
    QString result;
    qsizetype from = 0;
    for (auto match = size.globalMatch(sheet); match.hasNext();) {
        const auto found = match.next();
        const int pixels = found.captured(2).toInt();
        result += sheet.mid(from, found.capturedStart() - from) + found.captured(1) +
                  QString::number(pixels < 11 ? pixels : tokens.px(pixels)) + QStringLiteral("px");
        from = found.capturedEnd();
    }
    return result + sheet.mid(from);
}

} // namespace

Theme::Theme(QApplication& application)
    : m_application(application), m_systemIsDark(paletteIsDark(application.palette())) {
    Q_ASSERT(!theTheme);
    theTheme = this;
    loadFonts();
    application.setStyle(new AzimuthStyle);
    m_focusRing = new FocusRing(this);
    apply();
}

Theme::~Theme() { theTheme = nullptr; }

Theme* Theme::instance() { return theTheme; }

void Theme::setMode(Mode mode) {
    if (mode != m_mode) {
        m_mode = mode;
        apply();
    }
}

void Theme::setFontScale(double scale) {
    const double step = std::round(std::clamp(scale, smallestScale, largestScale) * 20) / 20;
    if (step != m_tokens.fontScale) {
        m_tokens.fontScale = step;
        apply();
    }
}

QIcon Theme::icon(const QString& name, IconTone tone) {
    if (!QFile::exists(QStringLiteral(":/azimuth/icons/%1.svg").arg(name))) {
        qWarning("There is no icon %s", qPrintable(name));
        return {};
    }
    return QIcon(new ThemeIcon(name, tone));
}

QString Theme::filledSheet(const QString& sheet, const Tokens& tokens) {
    QString filled = sheet;
    const QString folder = QStringLiteral(":/azimuth/icons/");
    filled.replace(QStringLiteral("@icons"),
                   folder + (tokens.dark ? QStringLiteral("dark") : QStringLiteral("light")));
    std::vector<TokenName> names(tokenNames().begin(), tokenNames().end());
    std::sort(names.begin(), names.end(), [](const TokenName& one, const TokenName& other) {
        return qstrlen(one.name) > qstrlen(other.name);
    });
    for (const TokenName& token : names) {
        filled.replace(QLatin1Char('@') + QLatin1String(token.name), (tokens.*token.member).name());
    }
    return scaled(filled, tokens);
}

void Theme::apply() {
    const bool dark = m_mode == Mode::dark || (m_mode == Mode::system && m_systemIsDark);
    const double scale = m_tokens.fontScale;
    m_tokens = dark ? darkTokens() : lightTokens();
    m_tokens.fontScale = scale;
    m_application.setPalette(paletteOf(m_tokens));
    m_application.setFont(m_tokens.sans());
    QToolTip::setFont(m_tokens.sans(12));
    m_application.setStyleSheet(filledSheet(sheetTemplate(), m_tokens));
    Q_EMIT changed();
}

} // namespace azimuth
