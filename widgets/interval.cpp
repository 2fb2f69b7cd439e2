#include "widgets/interval.h"

#include <algorithm>
#include <cmath>
#include <QPainter>

namespace azimuth {

void paintWhisker(QPainter& painter, const Tokens& tokens, const QRectF& track, const MeasuredValue& value,
                  const QColor& colour, double reference) {
    constexpr double end = 4;
    const double left = track.left() + end;
    const double right = track.right() - end;
    const double y = std::floor(track.center().y()) + 0.5;
    const auto x = [&](double at) {
        const double part = (at - value.least) / (value.most - value.least);
        return left + std::clamp(part, 0.0, 1.0) * (right - left);
    };
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(tokens.line, 1));
    painter.drawLine(QPointF(left, y), QPointF(right, y));
    if (std::isfinite(reference)) {
        painter.setPen(QPen(tokens.border, 1));
        painter.drawLine(QPointF(std::floor(x(reference)) + 0.5, y - 6),
                         QPointF(std::floor(x(reference)) + 0.5, y + 6));
    }
    if (std::isfinite(value.low) && std::isfinite(value.high)) {
        painter.setPen(QPen(colour, 1.5, Qt::SolidLine, Qt::FlatCap));
        painter.drawLine(QPointF(x(value.low), y), QPointF(x(value.high), y));
        painter.drawLine(QPointF(x(value.low), y - 3.5), QPointF(x(value.low), y + 3.5));
        painter.drawLine(QPointF(x(value.high), y - 3.5), QPointF(x(value.high), y + 3.5));
    }
    if (std::isfinite(value.value)) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(colour);
        painter.drawEllipse(QPointF(x(value.value), y), 3.25, 3.25);
    }
    painter.restore();
}

} // namespace azimuth
