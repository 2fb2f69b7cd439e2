// Fusion with the look's focus margins and delays. It also hands tokens to every Themed widget that is
// polished.
#pragma once

#include <QProxyStyle>

namespace azimuth {

class AzimuthStyle : public QProxyStyle {
    Q_OBJECT
public:
    AzimuthStyle();

    using QProxyStyle::polish;
    void polish(QWidget* widget) override;
    int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override;
    int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                  QStyleHintReturn* returned) const override;
    void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                       const QWidget* widget) const override;
};

} // namespace azimuth
