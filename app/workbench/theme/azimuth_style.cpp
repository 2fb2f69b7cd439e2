#include "app/workbench/theme/azimuth_style.h"

#include "app/workbench/theme/theme.h"
#include "widgets/themed.h"

#include <QStyleFactory>
#include <QWidget>

namespace azimuth {

AzimuthStyle::AzimuthStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}

void AzimuthStyle::polish(QWidget* widget) {
    QProxyStyle::polish(widget);
    if (auto* themed = dynamic_cast<Themed*>(widget); themed && Theme::instance()) {
        themed->setTokens(Theme::instance()->tokens());
    }
}

int AzimuthStyle::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
    switch (metric) {
    case PM_FocusFrameHMargin:
    case PM_FocusFrameVMargin:
        return 3;
    case PM_SmallIconSize:
    case PM_ButtonIconSize:
    case PM_TabBarIconSize:
    case PM_ListViewIconSize:
        return 16;
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int AzimuthStyle::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                            QStyleHintReturn* returned) const {
    switch (hint) {
    case SH_ToolTip_WakeUpDelay:
        return 500;
    case SH_FocusFrame_AboveWidget:
        return 1;
    case SH_DialogButtonBox_ButtonsHaveIcons:
        return 0;
    default:
        return QProxyStyle::styleHint(hint, option, widget, returned);
    }
}

void AzimuthStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                                 const QWidget* widget) const {
    if (element == PE_FrameFocusRect) {
        return; // the focus ring, or the cursor cell of a view, says it
    }
    QProxyStyle::drawPrimitive(element, option, painter, widget);
}

} // namespace azimuth
