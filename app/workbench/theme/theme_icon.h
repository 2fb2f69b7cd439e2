// A QIconEngine over the look's icons: colour from the theme at paint time, sharp at every size and ratio.
#pragma once

#include "app/workbench/theme/theme.h"

#include <QIconEngine>

namespace azimuth {

class ThemeIcon : public QIconEngine {
public:
    ThemeIcon(QString name, IconTone tone);

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) override;
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override;
    QSize actualSize(const QSize& size, QIcon::Mode mode, QIcon::State state) override;
    QIconEngine* clone() const override;
    QString key() const override;
    bool isNull() override { return false; }

private:
    QColor colour(QIcon::Mode mode, QIcon::State state) const;
    QString m_name;
    IconTone m_tone;
};

} // namespace azimuth
