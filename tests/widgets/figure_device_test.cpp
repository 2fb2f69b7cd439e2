#include "widgets/figure_device.h"

#include "core/base/error.h"
#include "core/figure/writers.h"

#include <cmath>
#include <QFontDatabase>
#include <QImage>
#include <QPainterPath>
#include <QRegularExpression>
#include <QTest>

using namespace azimuth;

namespace {

Figure sample() {
    Figure figure;
    figure.kind = "test";
    figure.title = "a < b & c";
    figure.description = "Two cells and a word";
    figure.width = 234;
    figure.height = 144;
    figure.provenance = "{\"generation\":12,\"project\":\"9c41f0a7\"}";
    figure.items.push_back(
        figure_item::Cells{{10, 60, 110, 160}, {10, 60}, {Rgb{10, 20, 200}, Rgb{10, 20, 200}, std::nullopt}});
    figure.items.push_back(figure_item::Disc{{200, 100}, 10, Rgb{181, 23, 110}, std::nullopt});
    figure.items.push_back(
        figure_item::Rectangle{170, 10, 40, 40, std::nullopt, FigureStroke{{0, 0, 0}, 1, {}}, true});
    figure.items.push_back(figure_item::Polyline{{{10, 80}, {110, 80}}, {{0, 0, 0}, 2, {4, 2}}});
    figure.text({60, 120}, "Cosine k′ ≠ 0.5 − 1", 9, Anchor::Middle);
    return figure;
}

QImage pngOf(const Figure& figure, double dpi) {
    const std::string bytes = QtFigureDevice().encodePng(figure, dpi);
    return QImage::fromData(reinterpret_cast<const uchar*>(bytes.data()), static_cast<int>(bytes.size()),
                            "PNG");
}

} // namespace

class FigureDeviceTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void advanceIsThatOfTheFontFile();
    void outlineHasTheTextsExtent();
    void pngShowsTheItems();
    void pngCarriesProvenance();
    void pngRefusesSizes();
    void pdfIsVectorWithEmbeddedFont();
    void pdfKeepsLargeMapsLossless();
    void svgUsesTheOutlines();
};

// From the hmtx table of IBMPlexSans-Regular.ttf (1000 units per em): every figure 600, space 236, no kerning
// between figures.
void FigureDeviceTest::advanceIsThatOfTheFontFile() {
    const QtFigureDevice device;
    QVERIFY(std::abs(device.advance("0123456789", 10, Weight::Regular) - 60.0) < 0.02);
    QVERIFY(std::abs(device.advance("0", 7, Weight::SemiBold) - 4.2) < 0.01);
    QVERIFY(std::abs(device.advance("1 1", 10, Weight::Regular) - 10.0 * (600 + 236 + 600) / 1000) < 0.02);
    QCOMPARE(device.advance("", 10, Weight::Regular), 0.0);
    QVERIFY(std::abs(device.advance("k", 20, Weight::Medium) - 2 * device.advance("k", 10, Weight::Medium)) <
            1e-9);
}

void FigureDeviceTest::outlineHasTheTextsExtent() {
    const QtFigureDevice device;
    const QString data = QString::fromStdString(device.outline("H", 100, Weight::Regular));
    QVERIFY(data.startsWith(QLatin1Char('M')) && data.endsWith(QLatin1Char('Z')));
    double top = 0, bottom = -1e9, left = 1e9, right = -1e9;
    static const QRegularExpression pair(QStringLiteral("(-?[0-9.]+) (-?[0-9.]+)"));
    for (auto match = pair.globalMatch(data); match.hasNext();) {
        const auto found = match.next();
        left = std::min(left, found.captured(1).toDouble());
        right = std::max(right, found.captured(1).toDouble());
        top = std::min(top, found.captured(2).toDouble());
        bottom = std::max(bottom, found.captured(2).toDouble());
    }
    // Cap height of Plex Sans is 698 of 1000 units; an H stands on the baseline inside its advance.
    QVERIFY2(std::abs(top + 69.8) < 0.2, qPrintable(QString::number(top)));
    QVERIFY(std::abs(bottom) < 0.01);
    QVERIFY(left > 0 && right < device.advance("H", 100, Weight::Regular));
    QCOMPARE(device.outline(" ", 10, Weight::Regular), std::string());
}

void FigureDeviceTest::pngShowsTheItems() {
    const QImage image = pngOf(sample(), 144);
    QCOMPARE(image.size(), QSize(468, 288));
    QCOMPARE(image.pixelColor(2, 2), QColor(Qt::white));
    QCOMPARE(image.pixelColor(22, 22), QColor(10, 20, 200));
    QCOMPARE(image.pixelColor(120, 60), QColor(10, 20, 200)); // no seam between equal neighbours
    QCOMPARE(image.pixelColor(400, 200), QColor(181, 23, 110));
    int hatched = 0, ground = 0;
    for (int x = 230; x < 310; ++x) {
        const QColor pixel = image.pixelColor(x, 60);
        hatched += pixel.red() < 0xE8 ? 1 : 0;
        ground += pixel == QColor(0xF4, 0xF6, 0xF7) ? 1 : 0;
    }
    QVERIFY(hatched >= 6 && ground > hatched);
    // Dashes: 4 pt on, 2 pt off.
    QCOMPARE(image.pixelColor(2 * 12, 160), QColor(Qt::black));
    QCOMPARE(image.pixelColor(2 * 15, 160), QColor(Qt::white));
    int ink = 0;
    for (int y = 222; y < 244; ++y) {
        for (int x = 20; x < 220; ++x) {
            ink += qGray(image.pixel(x, y)) < 100 ? 1 : 0;
        }
    }
    QVERIFY(ink > 300);
}

void FigureDeviceTest::pngCarriesProvenance() {
    const QImage image = pngOf(sample(), 300);
    QCOMPARE(image.dotsPerMeterX(), 11811);
    QCOMPARE(image.text(QStringLiteral("Provenance")), QString::fromStdString(sample().provenance));
    QCOMPARE(image.text(QStringLiteral("Title")), QStringLiteral("a < b & c"));
    QCOMPARE(QtFigureDevice().encodePng(sample(), 96), QtFigureDevice().encodePng(sample(), 96));
}

void FigureDeviceTest::pngRefusesSizes() {
    for (const double dpi : {0.0, -10.0, 1e9, std::nan("")}) {
        QVERIFY_THROWS_EXCEPTION(Error, QtFigureDevice().encodePng(sample(), dpi));
    }
}

void FigureDeviceTest::pdfIsVectorWithEmbeddedFont() {
    const std::string text = QtFigureDevice().encodePdf(sample());
    const QByteArray pdf(text.data(), static_cast<qsizetype>(text.size()));
    QVERIFY(pdf.startsWith("%PDF-1.4"));
    QVERIFY(pdf.contains("/MediaBox [0 0 234 144]") ||
            pdf.contains("/MediaBox [0 0 234.000000 144.000000]") ||
            pdf.contains("/MediaBox [0 0 234.00000000 144.000000000]"));
    QVERIFY(pdf.contains("/FontFile2"));
    QVERIFY(pdf.contains("/CIDFontType2"));
    QVERIFY(!pdf.contains("/Type3"));
    QVERIFY(!pdf.contains("/Subtype /Image"));
    QVERIFY(pdf.contains("provenance.json"));
    QVERIFY(pdf.contains("a &lt; b &amp; c"));
    QVERIFY(!pdf.contains("/root") && !pdf.contains("/home"));
}

void FigureDeviceTest::pdfKeepsLargeMapsLossless() {
    Figure figure = sample();
    figure_item::Cells cells;
    constexpr int n = 256;
    for (int i = 0; i <= n; ++i) {
        cells.xEdges.push_back(10 + i * 0.4);
        cells.yEdges.push_back(10 + i * 0.4);
    }
    for (int i = 0; i < n * n; ++i) {
        cells.colours.push_back(Rgb{static_cast<std::uint8_t>(i % 251), static_cast<std::uint8_t>(i / n), 7});
    }
    figure.items = {cells};
    const std::string text = QtFigureDevice().encodePdf(figure);
    QVERIFY(text.find("/Subtype /Image") != std::string::npos);
    QVERIFY(text.find("DCTDecode") == std::string::npos);
    QVERIFY(text.find("FlateDecode") != std::string::npos);
}

void FigureDeviceTest::svgUsesTheOutlines() {
    const QtFigureDevice device;
    const QByteArray svg = QByteArray::fromStdString(toSvg(sample(), device));
    QVERIFY(!svg.contains("<text"));
    const QImage image = QImage::fromData(svg, "SVG");
    if (image.isNull()) {
        QSKIP("The SVG image plugin is not installed");
    }
    const QColor cell = image.pixelColor(image.width() * 30 / 234, image.height() * 30 / 144);
    QCOMPARE(cell, QColor(10, 20, 200));
}

QTEST_MAIN(FigureDeviceTest)
#include "figure_device_test.moc"
