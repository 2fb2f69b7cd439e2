// Figures as text: what a plot draws, and that the writers keep it.
#include "core/base/error.h"
#include "core/figure/axis.h"
#include "core/figure/colour.h"
#include "core/figure/plots.h"
#include "core/figure/writers.h"
#include "tests/core/checks.h"

#include <limits>
#include <QtTest>
#include <QXmlStreamReader>

using namespace azimuth;

namespace {

// A font whose every character is half its size wide.
class HalfDevice : public FigureDevice {
public:
    double advance(const std::string& text, double size, Weight) const override {
        return 0.5 * size * static_cast<double>(text.size());
    }
    std::string outline(const std::string& text, double, Weight) const override {
        return "M0 0L" + std::to_string(text.size()) + " 0Z";
    }
    std::string encodePng(const Figure&, double) const override { return {}; }
    std::string encodePdf(const Figure&) const override { return {}; }
};

HeatMapPlot smallMap() {
    HeatMapPlot plot;
    plot.title = "a < b & \"c\"";
    plot.rowTitle = "position";
    plot.columnTitle = "k";
    plot.valueTitle = "cosine";
    plot.rowLabels = {"last", "last, one before"};
    plot.columnLabels = {"0", "1", "2"};
    plot.values = {-1, 0, 1, std::numeric_limits<float>::quiet_NaN(), 0.5f, -0.5f};
    plot.scale = {&vikMap, {-1, 1}};
    return plot;
}

const figure_item::Cells& cellsOf(const Figure& figure) {
    for (const auto& item : figure.items)
        if (const auto* cells = std::get_if<figure_item::Cells>(&item))
            return *cells;
    throw Error("test", "no cells", "");
}

int count(const std::string& text, const std::string& part) {
    int n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++n;
    return n;
}

TransferCell cell(const char* source, const char* target) {
    TransferCell value;
    value.source = source;
    value.target = target;
    return value;
}

} // namespace

class FigureTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void numbersAreShortAndNeverMinusZero() {
        QCOMPARE(figureNumber(1.0), std::string("1"));
        QCOMPARE(figureNumber(-0.0001), std::string("0"));
        QCOMPARE(figureNumber(12.3456), std::string("12.346"));
        QCOMPARE(figureNumber(-2.5), std::string("-2.5"));
    }

    void ticksAreRound() {
        const auto ticks = roundTicks(-1, 1, 4);
        QCOMPARE(ticks.labels, (std::vector<std::string>{"\u22121.0", "\u22120.5", "0.0", "0.5", "1.0"}));
        QCOMPARE(roundTicks(0, 1.3, 4).values.size(), std::size_t{7});
        QVERIFY(roundTicks(1, 1).values.empty());
    }

    void cellsHaveTheColoursOfTheMapAndAHatchWhereNothingWasMeasured() {
        const auto figure = heatMapFigure(smallMap(), 396);
        const auto& cells = cellsOf(figure);
        QCOMPARE(cells.colours.size(), std::size_t{6});
        QCOMPARE(*cells.colours[0], vikMap.table.front());
        QCOMPARE(*cells.colours[2], vikMap.table.back());
        QVERIFY(!cells.colours[3]);
        const auto csv = toCsv(figure);
        QVERIFY(csv.find("\"last, one before\",0,not measured\r\n") != std::string::npos);
        QVERIFY(csv.find("last,2,1\r\n") != std::string::npos);
    }

    void svgIsValidXmlWithEveryTextInIt() {
        const auto figure = heatMapFigure(smallMap(), 396);
        for (const auto mode : {SvgText::Outlines, SvgText::Text}) {
            const auto svg = toSvg(figure, HalfDevice(), mode);
            QXmlStreamReader reader(QByteArray::fromStdString(svg));
            int rectangles = 0;
            while (!reader.atEnd()) {
                reader.readNext();
                rectangles += reader.isStartElement() && reader.name() == QStringLiteral("rect");
            }
            QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
            QVERIFY(rectangles > 6 + 128);
            QVERIFY(svg.find("a &lt; b &amp; &quot;c&quot;") != std::string::npos);
            QCOMPARE(count(svg, "<text ") > 0, mode == SvgText::Text);
        }
    }

    void labelsStayInsideThePage() {
        const HalfDevice device;
        const auto figure = heatMapFigure(smallMap(), 396);
        for (const auto& item : figure.items)
            if (const auto* text = std::get_if<figure_item::Text>(&item)) {
                const double width =
                    text->rotation == 0 ? device.advance(text->text, text->size, text->weight) : 0;
                const double left = text->anchor == Anchor::Start ? text->at.x
                                    : text->anchor == Anchor::End ? text->at.x - width
                                                                  : text->at.x - width / 2;
                QVERIFY2(left >= 0 && left + width <= figure.width, text->text.c_str());
                QVERIFY(text->at.y <= figure.height);
            }
    }

    void aMatrixSaysWhyACellWasNotMeasured() {
        auto cannot = cell("A", "B");
        cannot.notMeasured =
            NotMeasured{NotMeasured::Kind::Cannot, "576 \u2260 640", "Widths differ: 576 and 640."};
        auto own = cell("A", "A");
        own.kind = CellKind::Own;
        own.own = {9, 10, 0.9, 0.6, 0.98};
        auto transfer = cell("B", "A");
        transfer.excessTe = 0.75;
        transfer.excessTeLow = 0.4;
        transfer.excessTeHigh = 1.1;
        transfer.excessLow = 0.2;
        transfer.excessHigh = 0.8;
        auto other = cell("B", "B");
        other.notMeasured = NotMeasured{NotMeasured::Kind::ByChoice, "not calibrated", "By choice."};
        const auto figure =
            transferFigure("verse", {"A", "B"}, {576, 640}, {own, cannot, transfer, other}, 396);
        const auto dump = toDump(figure);
        for (const char* text : {"\"576 \u2260 640\"", "\"90 %\"", "\"own rate, 9 of 10\"", "\"0.75\"",
                                 "\"0.40 to 1.10\"", "\"not calibrated\""})
            QVERIFY2(dump.find(text) != std::string::npos, text);
        QCOMPARE(count(dump, " hatch"), 1);
        QVERIFY(toCsv(figure).find("not measured: Widths differ: 576 and 640.") != std::string::npos);
    }

    void aDoseResponseDrawsBothOutcomesAndTheChoice() {
        DosePanel panel;
        panel.title = "Model";
        panel.points = {{0, {0, 12, 0, 0, 0.24}, {0, 12, 0, 0, 0.24}},
                        {0.8, {11, 12, 0.917, 0.65, 0.99}, {0, 12, 0, 0, 0.24}}};
        panel.chosen = 0.8;
        const auto figure = doseResponseFigure({panel}, 396);
        QCOMPARE(figure.table.rows.size(), std::size_t{2});
        QCOMPARE(figure.table.rows[1].back(), std::string("yes"));
        QVERIFY(toDump(figure).find("\"chosen\"") != std::string::npos);
        QCOMPARE(checks::codeOf([] { doseResponseFigure({}, 396); }), std::string("figure.empty"));
    }

    void textOnColourCanBeRead() {
        for (const auto* map : allColourMaps)
            for (const auto& colour : map->table)
                QVERIFY(contrastRatio(colour, textColourOn(colour)) >= 4.5);
        QCOMPARE(contrastRatio({0, 0, 0}, {255, 255, 255}), 21.0);
    }
};

QTEST_GUILESS_MAIN(FigureTest)
#include "figure_test.moc"
