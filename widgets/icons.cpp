#include "widgets/icons.h"

#include "resources/resources.h"

#include <QCoreApplication>
#include <QFile>
#include <QFontMetricsF>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>
#include <QtMath>

namespace azimuth {

namespace {

QByteArray iconSource(const QString& name) {
    initResources();
    QFile file(QStringLiteral(":/azimuth/icons/%1.svg").arg(name));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QString tr(const char* text) { return QCoreApplication::translate("azimuth::Label", text); }

constexpr double chipHeight = 20;
constexpr double chipShape = 10;
constexpr double chipLeft = 5;
constexpr double chipGap = 5;
constexpr double chipRight = 7;

} // namespace

QPixmap iconPixmap(const QString& name, int size, const QColor& colour, double devicePixelRatio) {
    const int pixels = qMax(1, qRound(size * devicePixelRatio));
    const QString key =
        QStringLiteral("azimuth-icon/%1/%2/%3").arg(name).arg(pixels).arg(colour.rgba(), 8, 16);
    QPixmap pixmap;
    if (!QPixmapCache::find(key, &pixmap)) {
        QByteArray svg = iconSource(name);
        if (svg.isEmpty()) {
            return {};
        }
        svg.replace("#000000", colour.name(QColor::HexRgb).toLatin1());
        QSvgRenderer renderer(svg);
        QImage image(pixels, pixels, QImage::Format_ARGB32_Premultiplied);
        image.fill(Qt::transparent);
        QPainter painter(&image);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setOpacity(colour.alphaF());
        renderer.render(&painter, QRectF(0, 0, pixels, pixels));
        painter.end();
        pixmap = QPixmap::fromImage(std::move(image));
        QPixmapCache::insert(key, pixmap);
    }
    pixmap.setDevicePixelRatio(devicePixelRatio);
    return pixmap;
}

void paintIcon(QPainter& painter, const QString& name, const QRectF& rect, int size, const QColor& colour) {
    const double ratio = painter.device()->devicePixelRatioF();
    const QPointF corner = rect.center() - QPointF(size / 2.0, size / 2.0);
    const QPointF aligned(qRound(corner.x() * ratio) / ratio, qRound(corner.y() * ratio) / ratio);
    painter.drawPixmap(aligned, iconPixmap(name, size, colour, ratio));
}

QString labelWord(LabelShape label) {
    switch (label) {
    case LabelShape::coherent:
        return tr("coherent");
    case LabelShape::garbled:
        return tr("garbled");
    case LabelShape::normal:
        return tr("normal");
    case LabelShape::none:
        break;
    }
    return tr("no label");
}

QColor labelColour(const Tokens& tokens, LabelShape label) {
    switch (label) {
    case LabelShape::coherent:
        return tokens.coherent;
    case LabelShape::garbled:
        return tokens.garbled;
    case LabelShape::normal:
        return tokens.normal;
    case LabelShape::none:
        break;
    }
    return tokens.ink;
}

QColor labelTint(const Tokens& tokens, LabelShape label) {
    switch (label) {
    case LabelShape::coherent:
        return tokens.coherentTint;
    case LabelShape::garbled:
        return tokens.garbledTint;
    case LabelShape::normal:
        return tokens.normalTint;
    case LabelShape::none:
        break;
    }
    return tokens.alternate;
}

void paintLabelShape(QPainter& painter, LabelShape label, const QPointF& centre, double size,
                     const QColor& colour) {
    const double unit = size / 10.0;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colour);
    if (label == LabelShape::coherent || label == LabelShape::none) {
        painter.drawEllipse(centre, 4 * unit, 4 * unit);
    } else if (label == LabelShape::garbled) {
        const double r = 4.6 * unit;
        painter.drawPolygon(QPolygonF{centre + QPointF(0, -r), centre + QPointF(r, 0), centre + QPointF(0, r),
                                      centre + QPointF(-r, 0)});
    } else {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colour, 1.6 * unit));
        painter.drawEllipse(centre, 3.4 * unit, 3.4 * unit);
    }
    painter.restore();
}

QSize labelChipSize(const Tokens& tokens, LabelShape label) {
    const QFontMetricsF metrics(tokens.sans(12, QFont::Medium));
    const double width =
        chipLeft + chipShape + chipGap + metrics.horizontalAdvance(labelWord(label)) + chipRight;
    return {qCeil(width), tokens.px(chipHeight)};
}

void paintLabelChip(QPainter& painter, const Tokens& tokens, LabelShape label, const QPoint& topLeft) {
    const QRectF chip(topLeft, labelChipSize(tokens, label));
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(labelTint(tokens, label));
    painter.drawRoundedRect(chip, 3, 3);
    const QPointF centre(chip.left() + chipLeft + chipShape / 2, chip.center().y());
    paintLabelShape(painter, label, centre, chipShape, labelColour(tokens, label));
    painter.setPen(labelColour(tokens, label));
    painter.setFont(tokens.sans(12, QFont::Medium));
    painter.drawText(chip.adjusted(chipLeft + chipShape + chipGap, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                     labelWord(label));
    painter.restore();
}

QString stateIcon(State state) {
    switch (state) {
    case State::done:
        return QStringLiteral("done");
    case State::waiting:
        return QStringLiteral("queued");
    case State::running:
        return QStringLiteral("running");
    case State::caution:
        return QStringLiteral("caution");
    case State::failed:
        return QStringLiteral("failure");
    case State::lock:
        return QStringLiteral("lock");
    case State::notMeasured:
        break;
    }
    return QStringLiteral("not-measured");
}

QColor stateColour(const Tokens& tokens, State state) {
    switch (state) {
    case State::done:
    case State::running:
        return tokens.positive;
    case State::caution:
        return tokens.caution;
    case State::failed:
        return tokens.failure;
    case State::waiting:
    case State::lock:
    case State::notMeasured:
        break;
    }
    return tokens.secondary;
}

} // namespace azimuth
