#include "tests/widgets/presented.h"

#include "core/base/error.h"
#include "resources/resources.h"
#include "widgets/chart/line_chart_view.h"

#include <cmath>
#include <QAccessible>
#include <QLineSeries>
#include <QSignalSpy>
#include <QTest>

using namespace azimuth;

namespace {

ChartSeries line(const QString& name, QList<double> x, QList<double> y) {
    ChartSeries series;
    series.name = name;
    series.x = std::move(x);
    series.y = std::move(y);
    return series;
}

int darkNear(const QImage& image, const QPointF& at, const QColor& colour) {
    int found = 0;
    for (int y = qRound(at.y()) - 2; y <= qRound(at.y()) + 2; ++y) {
        for (int x = qRound(at.x()) - 1; x <= qRound(at.x()) + 1; ++x) {
            const QColor pixel = image.pixelColor(x, y);
            found += std::abs(pixel.red() - colour.red()) + std::abs(pixel.green() - colour.green()) +
                                 std::abs(pixel.blue() - colour.blue()) <
                             90
                         ? 1
                         : 0;
        }
    }
    return found;
}

} // namespace

class ChartTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() {
        loadFonts();
        QApplication::setPalette(QPalette(Qt::white)); // the page under the chart
    }
    void lineLiesWhereItsPlaceIs();
    void gapsAndBands();
    void hereAndChosen();
    void markersHaveShapes();
    void keysAndClicksSelect();
    void rangesAreRound();
    void manyPointsAreThinned();
    void accessible();
    void shapeIsChecked();
};

// The painted line of Qt Charts and our own mapping agree: under every point there is ink.
void ChartTest::lineLiesWhereItsPlaceIs() {
    LineChartView chart;
    chart.resize(400, 220);
    QList<double> x, y;
    for (int k = 0; k <= 30; ++k) {
        x.append(k);
        y.append(50 + 45 * std::sin(k / 4.0));
    }
    chart.setData(QStringLiteral("Norm"), {line(QStringLiteral("norm"), x, y)}, {}, {});
    present(chart);
    const QImage image = picture(chart);
    for (qsizetype i = 0; i < x.size(); ++i) {
        const QPointF at = chart.place(x[i], y[i]);
        QVERIFY2(darkNear(image, at, lightTokens().ink) >= 1, qPrintable(QString::number(i)));
        const double away = at.y() > chart.plotRect().center().y() ? -30 : 30;
        QCOMPARE(darkNear(image, at + QPointF(0, away), lightTokens().ink), 0);
    }
}

void ChartTest::gapsAndBands() {
    LineChartView chart;
    chart.resize(400, 220);
    ChartSeries series = line(QStringLiteral("rate"), {0, 1, 2, 3, 4}, {10, 10, NAN, 10, 10});
    series.low = {5, 5, NAN, 5, 5};
    series.high = {15, 15, NAN, 15, 15};
    series.tone = ChartSeries::Tone::coherent;
    chart.setData(QStringLiteral("Rate"), {series}, {}, {});
    present(chart);
    const QImage image = picture(chart);
    QVERIFY(darkNear(image, chart.place(0.5, 10), lightTokens().coherent) > 0);
    QCOMPARE(darkNear(image, chart.place(2, 10), lightTokens().coherent), 0); // the NaN breaks the line
    // 16 % of the series' colour on white.
    const QColor band = image.pixelColor(chart.place(0.5, 13).toPoint());
    const QColor full = lightTokens().coherent;
    QVERIFY(std::abs(band.red() - (255 - 0.16 * (255 - full.red()))) < 3);
    QVERIFY(std::abs(band.blue() - (255 - 0.16 * (255 - full.blue()))) < 3);
    QCOMPARE(image.pixelColor(chart.place(2, 13).toPoint()), QColor(Qt::white));
}

void ChartTest::hereAndChosen() {
    LineChartView chart;
    chart.resize(400, 220);
    chart.setData(QStringLiteral("Rate"), {line(QStringLiteral("rate"), {0, 10, 20}, {0, 100, 0})}, {}, {});
    present(chart);
    const Tokens& tokens = lightTokens();
    const auto all = [&](const QColor& colour) {
        const QImage image = picture(chart);
        return countPixels(image, image.rect(), colour);
    };
    QCOMPARE(all(tokens.here), 0);
    chart.setHere(10);
    const int lineOnly = all(tokens.here);
    QVERIFY(lineOnly > chart.plotRect().height() * 0.8);
    const QPoint dot = chart.place(10, 100).toPoint();
    QCOMPARE(picture(chart).pixelColor(dot), tokens.base); // the open dot
    chart.setHereTagged(true);
    QVERIFY(all(tokens.here) > lineOnly + 200);
    QCOMPARE(all(tokens.accent), 0);
    chart.setChosen(20, QStringLiteral("chosen, 20"));
    QVERIFY(all(tokens.accent) > 20);
    chart.setHere(500); // outside: nothing
    QCOMPARE(all(tokens.here), 0);
}

void ChartTest::markersHaveShapes() {
    const auto inked = [](LabelShape shape, const QPointF& offset) {
        LineChartView chart;
        chart.resize(300, 200);
        ChartSeries series = line(QStringLiteral("rate"), {0, 10, 20}, {50, 50, 50});
        series.markers = true;
        series.shape = shape;
        series.tone = ChartSeries::Tone::garbled;
        ChartAxis y;
        y.range = {0, 100};
        chart.setData(QStringLiteral("Rate"), {series}, {}, y);
        present(chart);
        return qGray(picture(chart).pixel((chart.place(10, 50) + offset).toPoint())) < 150;
    };
    QVERIFY(inked(LabelShape::coherent, {0, 0}));
    QVERIFY(inked(LabelShape::garbled, {0, 0}));
    QVERIFY(!inked(LabelShape::normal, {0, 0})); // a ring is open
    QVERIFY(inked(LabelShape::coherent, {1.4, 1.4}));
    QVERIFY(!inked(LabelShape::garbled, {4, 4})); // a diamond has no corners
}

void ChartTest::keysAndClicksSelect() {
    LineChartView chart;
    chart.resize(400, 220);
    chart.setData(
        QStringLiteral("Rate"),
        {line(QStringLiteral("a"), {0, 10, 20}, {1, 2, 3}), line(QStringLiteral("b"), {5, 10}, {3, 4})}, {},
        {});
    present(chart);
    QSignalSpy selected(&chart, &LineChartView::xSelected);
    chart.setFocus(Qt::TabFocusReason);
    for (int i = 0; i < 5; ++i) {
        QTest::keyClick(&chart, Qt::Key_Right);
    }
    QCOMPARE(selected.count(), 5);
    QCOMPARE(selected[0][0].toDouble(), 0.0);
    QCOMPARE(selected[1][0].toDouble(), 5.0);
    QCOMPARE(selected[4][0].toDouble(), 20.0);
    QTest::keyClick(&chart, Qt::Key_Left);
    QCOMPARE(chart.here(), 10.0);
    QTest::mouseClick(chart.viewport(), Qt::LeftButton, {}, (chart.place(19, 2)).toPoint());
    QCOMPARE(chart.here(), 20.0);
    chart.setHere(5);
    QCOMPARE(selected.count(), 7); // from outside: no echo
}

void ChartTest::rangesAreRound() {
    LineChartView chart;
    chart.resize(400, 220);
    chart.setData(QStringLiteral("Norm"), {line(QStringLiteral("norm"), {1, 2}, {3.2, 96.7})}, {}, {});
    QVERIFY(chart.place(1, 0).y() == chart.plotRect().bottom());
    QVERIFY(std::abs(chart.place(1, 100).y() - chart.plotRect().top()) < 1e-6);
    chart.setData(QStringLiteral("Flat"), {line(QStringLiteral("flat"), {1}, {7})}, {}, {});
    QVERIFY(std::isfinite(chart.place(1, 7).x()) && chart.plotRect().contains(chart.place(1, 7)));
    chart.setData(QStringLiteral("Nothing"), {}, {}, {});
    present(chart);
    picture(chart);
    QTest::keyClick(&chart, Qt::Key_Right);
    QVERIFY(std::isnan(chart.here()));
}

void ChartTest::manyPointsAreThinned() {
    LineChartView chart;
    chart.resize(400, 220);
    QList<double> x, y;
    for (int i = 0; i < 100000; ++i) {
        x.append(i);
        y.append(i == 54321 ? 100 : std::sin(i / 50.0));
    }
    chart.setData(QStringLiteral("Long"), {line(QStringLiteral("long"), x, y)}, {}, {});
    present(chart);
    const auto drawn = chart.chart()->series();
    QCOMPARE(drawn.size(), 1);
    auto* series = qobject_cast<QLineSeries*>(drawn[0]);
    QVERIFY(series && series->count() < 4 * 400 && series->count() > 400);
    QVERIFY(darkNear(picture(chart), chart.place(54321, 99), lightTokens().ink) > 0); // the lone peak is kept
}

void ChartTest::accessible() {
    LineChartView chart;
    chart.resize(400, 220);
    ChartSeries series = line(QStringLiteral("coherent"), {0, 15}, {0, NAN});
    series.low = {0, 0};
    series.high = {0.114, 1};
    ChartAxis x;
    x.title = QStringLiteral("strength");
    chart.setData(QStringLiteral("Dose-response"), {series}, x, {});
    present(chart);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&chart);
    QVERIFY(interface && interface->tableInterface());
    QCOMPARE(interface->text(QAccessible::Name), QStringLiteral("Dose-response, 1 series"));
    QCOMPARE(interface->tableInterface()->cellAt(0, 0)->text(QAccessible::Name),
             QStringLiteral("coherent, strength 0, 0.000, 0.00 to 0.114"));
    QCOMPARE(interface->tableInterface()->cellAt(0, 1)->text(QAccessible::Name),
             QStringLiteral("coherent, strength 15, not measured"));
}

void ChartTest::shapeIsChecked() {
    LineChartView chart;
    QVERIFY_THROWS_EXCEPTION(
        Error, chart.setData(QStringLiteral("Bad"), {line(QStringLiteral("a"), {1, 2}, {1})}, {}, {}));
    ChartSeries series = line(QStringLiteral("a"), {1, 2}, {1, 2});
    series.low = {0, 0};
    QVERIFY_THROWS_EXCEPTION(Error, chart.setData(QStringLiteral("Bad"), {series}, {}, {}));
}

QTEST_MAIN(ChartTest)
#include "chart_test.moc"
