#include "widgets/figure_device.h"

#include "core/base/error.h"
#include "core/figure/writers.h"
#include "resources/resources.h"

#include <cmath>
#include <QBuffer>
#include <QFont>
#include <QFontMetricsF>
#include <QImage>
#include <QPageSize>
#include <QPainter>
#include <QPainterPath>
#include <QPdfWriter>

namespace azimuth {

namespace {

constexpr int designSize = 1000; // px of the font that is measured and scaled
constexpr double pdfResolution = 1200;
constexpr std::size_t mostVectorCells = 200 * 200;
constexpr double largestPngSide = 30000;

QFont designFont(Weight weight) {
    QFont font(QStringLiteral("IBM Plex Sans"));
    font.setPixelSize(designSize);
    font.setHintingPreference(QFont::PreferNoHinting);
    font.setWeight(weight == Weight::SemiBold ? QFont::DemiBold
                   : weight == Weight::Medium ? QFont::Medium
                                              : QFont::Normal);
    return font;
}

QColor colour(const Rgb& rgb) { return {rgb.red, rgb.green, rgb.blue}; }

QPen pen(const std::optional<FigureStroke>& stroke) {
    if (!stroke) {
        return Qt::NoPen;
    }
    QPen pen(colour(stroke->colour), stroke->width, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin);
    if (!stroke->dash.empty()) {
        QList<qreal> pattern; // Qt counts in widths of the line
        for (const double length : stroke->dash) {
            pattern.append(length / stroke->width);
        }
        if (pattern.size() % 2 != 0) {
            pattern.append(pattern);
        }
        pen.setDashPattern(pattern);
    }
    return pen;
}

QBrush brush(const std::optional<Rgb>& fill) { return fill ? QBrush(colour(*fill)) : QBrush(Qt::NoBrush); }

// The hatch of the SVG writer: lines of 0.8 pt, 4 pt apart across, on #F4F6F7.
void paintHatch(QPainter& painter, const QRectF& rect) {
    painter.save();
    painter.setClipRect(rect, Qt::IntersectClip);
    painter.fillRect(rect, QColor(0xF4, 0xF6, 0xF7));
    painter.setPen(QPen(QColor(0xCB, 0xD3, 0xD8), 0.8, Qt::SolidLine, Qt::FlatCap));
    const double period = 4 * std::sqrt(2.0);
    const double first = std::floor((rect.left() + rect.top()) / period) * period;
    for (double sum = first; sum < rect.right() + rect.bottom() + period; sum += period) {
        painter.drawLine(QPointF(sum - rect.top() + 1, rect.top() - 1),
                         QPointF(sum - rect.bottom() - 1, rect.bottom() + 1));
    }
    painter.restore();
}

class ItemPainter {
public:
    ItemPainter(QPainter& painter, bool textAsOutlines) : m_painter(painter), m_outlines(textAsOutlines) {}

    void operator()(const figure_item::Rectangle& item) const {
        const QRectF rect(item.x, item.y, item.width, item.height);
        if (item.hatch) {
            paintHatch(m_painter, rect);
        }
        m_painter.setPen(pen(item.stroke));
        m_painter.setBrush(item.hatch ? QBrush(Qt::NoBrush) : brush(item.fill));
        m_painter.drawRect(rect);
    }

    void operator()(const figure_item::Cells& item) const {
        if (item.colours.size() > mostVectorCells) {
            paintImage(item);
            return;
        }
        const std::size_t columns = item.xEdges.size() - 1;
        m_painter.save();
        m_painter.setRenderHint(QPainter::Antialiasing, false);
        // Neighbours of one colour become one rectangle: no seams, smaller files.
        for (std::size_t row = 0; row + 1 < item.yEdges.size(); ++row) {
            for (std::size_t from = 0; from < columns;) {
                std::size_t to = from + 1;
                while (to < columns &&
                       item.colours[row * columns + to] == item.colours[row * columns + from]) {
                    ++to;
                }
                const QRectF rect(QPointF(item.xEdges[from], item.yEdges[row]),
                                  QPointF(item.xEdges[to], item.yEdges[row + 1]));
                if (const auto& fill = item.colours[row * columns + from]) {
                    m_painter.fillRect(rect, colour(*fill));
                } else {
                    paintHatch(m_painter, rect);
                }
                from = to;
            }
        }
        m_painter.restore();
    }

    void operator()(const figure_item::Polyline& item) const {
        m_painter.setPen(pen(item.stroke));
        m_painter.setBrush(Qt::NoBrush);
        m_painter.drawPolyline(polygon(item.points));
    }

    void operator()(const figure_item::Polygon& item) const {
        m_painter.setPen(pen(item.stroke));
        m_painter.setBrush(brush(item.fill));
        m_painter.drawPolygon(polygon(item.points), Qt::WindingFill);
    }

    void operator()(const figure_item::Disc& item) const {
        m_painter.setPen(pen(item.stroke));
        m_painter.setBrush(brush(item.fill));
        m_painter.drawEllipse(QPointF(item.centre.x, item.centre.y), item.radius, item.radius);
    }

    void operator()(const figure_item::Text& item) const {
        const QFont font = designFont(item.weight);
        const QString text = QString::fromStdString(item.text);
        const double width = QFontMetricsF(font).horizontalAdvance(text);
        const double shift = item.anchor == Anchor::Start    ? 0
                             : item.anchor == Anchor::Middle ? -width / 2
                                                             : -width;
        m_painter.save();
        m_painter.translate(item.at.x, item.at.y);
        m_painter.rotate(-item.rotation);
        m_painter.scale(item.size / designSize, item.size / designSize);
        if (m_outlines) {
            QPainterPath path;
            path.addText(shift, 0, font, text);
            m_painter.setRenderHint(QPainter::Antialiasing);
            m_painter.fillPath(path, colour(item.colour));
        } else {
            m_painter.setFont(font);
            m_painter.setPen(colour(item.colour));
            m_painter.drawText(QPointF(shift, 0), text);
        }
        m_painter.restore();
    }

private:
    static QPolygonF polygon(const std::vector<FigurePoint>& points) {
        QPolygonF polygon;
        for (const FigurePoint& point : points) {
            polygon.append(QPointF(point.x, point.y));
        }
        return polygon;
    }

    // Enlarged to whole pixels per cell before it is embedded: viewers smooth what they enlarge themselves.
    void paintImage(const figure_item::Cells& item) const {
        const int columns = static_cast<int>(item.xEdges.size()) - 1;
        const int rows = static_cast<int>(item.yEdges.size()) - 1;
        const int factor = std::max(1, 4000 / std::max(columns, rows));
        QImage image(columns * factor, rows * factor, QImage::Format_RGB32);
        for (int y = 0; y < image.height(); ++y) {
            auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
            for (int x = 0; x < image.width(); ++x) {
                const auto& cell =
                    item.colours[static_cast<std::size_t>(y / factor) * static_cast<std::size_t>(columns) +
                                 static_cast<std::size_t>(x / factor)];
                line[x] = cell                   ? qRgb(cell->red, cell->green, cell->blue)
                          : (x + y) / 2 % 4 == 0 ? qRgb(0xCB, 0xD3, 0xD8)
                                                 : qRgb(0xF4, 0xF6, 0xF7);
            }
        }
        m_painter.save();
        m_painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        m_painter.drawImage(QRectF(QPointF(item.xEdges.front(), item.yEdges.front()),
                                   QPointF(item.xEdges.back(), item.yEdges.back())),
                            image);
        m_painter.restore();
    }

    QPainter& m_painter;
    bool m_outlines;
};

QByteArray xmp(const Figure& figure) {
    const auto escaped = [](const std::string& text) { return QString::fromStdString(text).toHtmlEscaped(); };
    return QStringLiteral("<?xpacket begin=\"\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                          "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
                          "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
                          "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
                          "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\">"
                          "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">%1</rdf:li></rdf:Alt></dc:title>"
                          "<dc:description><rdf:Alt><rdf:li "
                          "xml:lang=\"x-default\">%2</rdf:li></rdf:Alt></dc:description>"
                          "<dc:source>%3</dc:source><xmp:CreatorTool>Azimuth</xmp:CreatorTool>"
                          "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>")
        .arg(escaped(figure.title), escaped(figure.description), escaped(figure.provenance))
        .toUtf8();
}

std::string bytes(const QByteArray& data) {
    return {data.constData(), static_cast<std::size_t>(data.size())};
}

} // namespace

void paintFigure(QPainter& painter, const Figure& figure, bool textAsOutlines) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setRenderHint(QPainter::LosslessImageRendering);
    painter.fillRect(QRectF(0, 0, figure.width, figure.height), Qt::white);
    for (const FigureItem& item : figure.items) {
        std::visit(ItemPainter(painter, textAsOutlines), item);
    }
    painter.restore();
}

QtFigureDevice::QtFigureDevice() { loadFonts(); }

double QtFigureDevice::advance(const std::string& text, double size, Weight weight) const {
    return QFontMetricsF(designFont(weight)).horizontalAdvance(QString::fromStdString(text)) * size /
           designSize;
}

std::string QtFigureDevice::outline(const std::string& text, double size, Weight weight) const {
    QPainterPath path;
    path.addText(0, 0, designFont(weight), QString::fromStdString(text));
    std::string data;
    const auto point = [&](int index) {
        const QPainterPath::Element element = path.elementAt(index);
        data +=
            figureNumber(element.x * size / designSize) + " " + figureNumber(element.y * size / designSize);
    };
    for (int i = 0; i < path.elementCount(); ++i) {
        switch (path.elementAt(i).type) {
        case QPainterPath::MoveToElement:
            if (i + 1 == path.elementCount() || path.elementAt(i + 1).isMoveTo()) {
                break; // a blank moves without drawing
            }
            data += data.empty() ? "M" : "ZM";
            point(i);
            break;
        case QPainterPath::LineToElement:
            data += "L";
            point(i);
            break;
        case QPainterPath::CurveToElement:
            data += "C";
            point(i);
            data += " ";
            point(i + 1);
            data += " ";
            point(i + 2);
            i += 2;
            break;
        case QPainterPath::CurveToDataElement:
            break;
        }
    }
    return data.empty() ? data : data + "Z";
}

std::string QtFigureDevice::encodePng(const Figure& figure, double dotsPerInch) const {
    const double scale = dotsPerInch / 72.0;
    const double width = std::round(figure.width * scale);
    const double height = std::round(figure.height * scale);
    if (!(width >= 1 && height >= 1 && width <= largestPngSide && height <= largestPngSide)) {
        throw Error("figure.size",
                    "The picture would be " + figureNumber(width) + " x " + figureNumber(height) +
                        " pixels; 1 to 30000 a side are possible",
                    "Choose a resolution between 72 and 1200 dots per inch.");
    }
    QImage image(static_cast<int>(width), static_cast<int>(height), QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    painter.scale(scale, scale);
    paintFigure(painter, figure, true);
    painter.end();
    image.setDotsPerMeterX(static_cast<int>(std::lround(dotsPerInch / 0.0254)));
    image.setDotsPerMeterY(image.dotsPerMeterX());
    image.setText(QStringLiteral("Title"), QString::fromStdString(figure.title));
    image.setText(QStringLiteral("Description"), QString::fromStdString(figure.description));
    image.setText(QStringLiteral("Software"), QStringLiteral("Azimuth"));
    image.setText(QStringLiteral("Provenance"), QString::fromStdString(figure.provenance));
    QByteArray data;
    QBuffer buffer(&data);
    buffer.open(QIODevice::WriteOnly);
    if (!image.save(&buffer, "PNG")) {
        throw Error("figure.png", "Qt could not encode the picture as PNG", "Export as SVG or PDF.");
    }
    return bytes(data);
}

std::string QtFigureDevice::encodePdf(const Figure& figure) const {
    QByteArray data;
    QBuffer buffer(&data);
    buffer.open(QIODevice::WriteOnly);
    {
        QPdfWriter writer(&buffer);
        writer.setResolution(static_cast<int>(pdfResolution));
        writer.setPageSize(QPageSize(QSizeF(figure.width, figure.height), QPageSize::Point, QString(),
                                     QPageSize::ExactMatch));
        writer.setPageMargins(QMarginsF(0, 0, 0, 0));
        writer.setTitle(QString::fromStdString(figure.title));
        writer.setCreator(QStringLiteral("Azimuth"));
        writer.setDocumentXmpMetadata(xmp(figure));
        writer.addFileAttachment(
            QStringLiteral("provenance.json"),
            QByteArray(figure.provenance.data(), static_cast<qsizetype>(figure.provenance.size())),
            QStringLiteral("application/json"));
        QPainter painter(&writer);
        if (!painter.isActive()) {
            throw Error("figure.pdf", "Qt could not start a PDF", "Export as SVG.");
        }
        painter.setRenderHint(QPainter::LosslessImageRendering);
        painter.scale(pdfResolution / 72.0, pdfResolution / 72.0);
        paintFigure(painter, figure, false);
    }
    return bytes(data);
}

} // namespace azimuth
