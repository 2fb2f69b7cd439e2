// The look's icons in any colour and size, and the three label shapes and state icons made of them.
//   Icons are 16 x 16 with a 1.5 px stroke; they are rendered from their SVG per size, colour and device
//   pixel ratio and cached in QPixmapCache. GUI thread.
#pragma once

#include "widgets/tokens.h"

#include <QPixmap>
#include <QRectF>
#include <QString>

class QPainter;

namespace azimuth {

// The icon of that name ("queued", "failure", ...) as a pixmap of size x size device-independent pixels;
// null if there is no such icon.
QPixmap iconPixmap(const QString& name, int size, const QColor& colour, double devicePixelRatio);
// Paints it into the middle of rect, size device-independent pixels wide, aligned to device pixels.
void paintIcon(QPainter& painter, const QString& name, const QRectF& rect, int size, const QColor& colour);

// What a completion was judged to be. The shape is the second code beside the colour: disc, diamond, ring.
enum class LabelShape { none, coherent, garbled, normal };
QString labelWord(LabelShape label);
QColor labelColour(const Tokens& tokens, LabelShape label);
QColor labelTint(const Tokens& tokens, LabelShape label);
// Disc r 4, diamond r 4.6, ring r 3.4 of a 10 px box, scaled to `size` px and centred at `centre`.
void paintLabelShape(QPainter& painter, LabelShape label, const QPointF& centre, double size,
                     const QColor& colour);

// The chip of a label: shape and word on the label's tint, 20 px high, 3 px corners; chipSize is its size.
QSize labelChipSize(const Tokens& tokens, LabelShape label);
void paintLabelChip(QPainter& painter, const Tokens& tokens, LabelShape label, const QPoint& topLeft);

// How far something has come, as icon and colour.
enum class State { done, waiting, running, caution, failed, lock, notMeasured };
QString stateIcon(State state);
QColor stateColour(const Tokens& tokens, State state);

} // namespace azimuth
