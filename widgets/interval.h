// A value with its interval on a fixed scale: track in `line`, whisker 1.5 px with 7 px ends, point r
// 3.25. Never a bar.
#pragma once

#include "widgets/tokens.h"

#include <limits>
#include <QMetaType>
#include <QRectF>

class QPainter;

namespace azimuth {

struct MeasuredValue {
    double value = std::numeric_limits<double>::quiet_NaN();
    double low = value;
    double high = value;
    // The scale of the track; values outside are drawn at its ends.
    double least = 0;
    double most = 1;
};

// `track` is the line's place; its height is that of the row. A reference (1 for a ratio) is a tick in
// `border`.
void paintWhisker(QPainter& painter, const Tokens& tokens, const QRectF& track, const MeasuredValue& value,
                  const QColor& colour, double reference = std::numeric_limits<double>::quiet_NaN());

} // namespace azimuth

Q_DECLARE_METATYPE(azimuth::MeasuredValue)
