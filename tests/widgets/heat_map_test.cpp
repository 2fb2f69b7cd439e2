#include "tests/widgets/presented.h"

#include "widgets/heatmap/heat_map.h"

#include "core/base/error.h"
#include "resources/resources.h"
#include "widgets/numbers.h"

#include <cmath>
#include <numeric>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QMimeData>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <random>

using namespace azimuth;

namespace {

template <typename Value> HeatMapData matrix(int rows, int columns, Value value) {
    HeatMapData data;
    data.rows = rows;
    data.columns = columns;
    auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(rows) * columns);
    for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < columns; ++c) {
            (*values)[static_cast<std::size_t>(r) * columns + c] = value(r, c);
        }
    }
    data.values = values;
    data.rowTitle = QStringLiteral("k");
    data.columnTitle = QStringLiteral("position");
    data.valueName = QStringLiteral("cosine");
    data.name = QStringLiteral("Cosine map");
    return data;
}

// Values whose colours are all different: cell i of n takes the middle of entry i * 256 / n.
HeatMapData distinct(int rows, int columns) {
    return matrix(rows, columns, [=](int r, int c) {
        return (static_cast<float>(r * columns + c) + 0.5F) / static_cast<float>(rows * columns);
    });
}

QRgb expected(const ColourMap& map, float value) {
    const auto& rgb =
        map.table[static_cast<std::size_t>(std::clamp(std::floor(value * 256.0F), 0.0F, 255.0F))];
    return qRgb(rgb.red, rgb.green, rgb.blue);
}

std::vector<int> shuffled(int n, unsigned seed) {
    std::vector<int> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    return order;
}

} // namespace

class HeatMapTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { loadFonts(); }

    void axisFitsWholePixels_data();
    void axisFitsWholePixels();
    void axisZoomKeepsTheAnchor();
    void axisRefusesWhatIsNoPermutation();
    void hoveredIsDrawn_data();
    void hoveredIsDrawn();
    void peaksSurvive();
    void notMeasuredIsHatched();
    void scaleEnds();
    void rangeRules();
    void keyboardAndSelection();
    void mouseSelectsAndZooms();
    void copiesTheBlock();
    void crosshairIsPainted();
    void accessibleTable();
    void readoutSaysEverything();
    void colourBarDrags();
    void colourBarCounts();
    void shapeIsChecked();
    void ticksAndNumbers();
    void timings();
};

void HeatMapTest::axisFitsWholePixels_data() {
    QTest::addColumn<int>("count");
    QTest::addColumn<int>("length");
    QTest::addColumn<int>("cell");
    QTest::addColumn<int>("perPixel");
    QTest::newRow("29 in 380") << 29 << 380 << 13 << 1;
    QTest::newRow("as many as pixels") << 500 << 500 << 1 << 1;
    QTest::newRow("one too many") << 501 << 500 << 1 << 2;
    QTest::newRow("4096 in 900") << 4096 << 900 << 1 << 6;
    QTest::newRow("4096 in 500") << 4096 << 500 << 1 << 8;
    QTest::newRow("one cell") << 1 << 300 << 300 << 1;
    QTest::newRow("nothing") << 0 << 300 << 1 << 1;
}

void HeatMapTest::axisFitsWholePixels() {
    QFETCH(int, count);
    QFETCH(int, length);
    MapAxis axis;
    axis.setCount(count);
    axis.setLength(length);
    axis.fit();
    QTEST(axis.cell(), "cell");
    QTEST(axis.cellsPerPixel(), "perPixel");
    int previous = -1;
    for (int pixel = 0; pixel < axis.visibleLength(); ++pixel) {
        const int at = axis.displayAt(pixel);
        QVERIFY(at >= previous && at < count);
        QVERIFY(axis.firstPixel(at) <= pixel && pixel < axis.endPixel(at));
        previous = at;
    }
    QCOMPARE(axis.displayAt(axis.visibleLength()), -1);
    QCOMPARE(axis.displayAt(-1), -1);
}

void HeatMapTest::axisZoomKeepsTheAnchor() {
    MapAxis axis;
    axis.setCount(200);
    axis.setLength(400);
    axis.fit();
    const int before = axis.displayAt(300);
    for (int i = 0; i < 12; ++i) {
        axis.zoom(1, 300);
        QVERIFY2(std::abs(axis.displayAt(300) - before) <= 1, qPrintable(QString::number(axis.cell())));
    }
    QVERIFY(axis.cell() > 20);
    for (int i = 0; i < 40; ++i) {
        axis.zoom(-1, 300);
    }
    QCOMPARE(axis.cellsPerPixel(), 8);
    QCOMPARE(axis.offset(), 0);
}

void HeatMapTest::axisRefusesWhatIsNoPermutation() {
    MapAxis axis;
    axis.setCount(3);
    QVERIFY(!axis.setOrder({0, 1}));
    QVERIFY(!axis.setOrder({0, 1, 1}));
    QVERIFY(!axis.setOrder({0, 1, 3}));
    QVERIFY(!axis.setOrder({0, -1, 2}));
    QVERIFY(axis.order().empty());
    QVERIFY(axis.setOrder({2, 0, 1}));
    QCOMPARE(axis.dataIndex(0), 2);
    QCOMPARE(axis.displayIndex(2), 0);
    QCOMPARE(axis.displayIndex(3), -1);
}

void HeatMapTest::hoveredIsDrawn_data() {
    QTest::addColumn<double>("ratio");
    QTest::addColumn<bool>("permuted");
    QTest::addColumn<bool>("transposed");
    QTest::addColumn<int>("zoomed");
    QTest::newRow("plain") << 1.0 << false << false << 0;
    QTest::newRow("two device pixels") << 2.0 << false << false << 0;
    QTest::newRow("permuted") << 1.0 << true << false << 0;
    QTest::newRow("transposed") << 1.0 << false << true << 0;
    QTest::newRow("all of it, zoomed") << 1.0 << true << true << 2;
}

// Every pixel of the map shows the colour of the cell that a click there would select.
void HeatMapTest::hoveredIsDrawn() {
    QFETCH(double, ratio);
    QFETCH(bool, permuted);
    QFETCH(bool, transposed);
    QFETCH(int, zoomed);
    HeatMapView view;
    view.resize(331, 287);
    view.setData(distinct(17, 13));
    view.setScale({&viridisMap, {0, 1}});
    if (permuted) {
        QVERIFY(view.setOrder(shuffled(17, 1), shuffled(13, 2)));
    }
    view.setTransposed(transposed);
    view.zoom(zoomed);
    const QImage image = picture(view, ratio);
    const QRect map = view.mapRect();
    QVERIFY(map.width() > 150 && map.height() > 150);
    for (int y = map.top(); y <= map.bottom(); ++y) {
        for (int x = map.left(); x <= map.right(); ++x) {
            const QPoint cell = view.gridCellAt({x, y});
            QVERIFY(cell.x() >= 0);
            const float value = view.data().at(cell.y(), cell.x());
            const QPoint pixel(static_cast<int>(x * ratio), static_cast<int>(y * ratio));
            if (image.pixel(pixel) != expected(viridisMap, value)) {
                QFAIL(qPrintable(QStringLiteral("pixel %1, %2 is not that of its cell").arg(x).arg(y)));
            }
        }
    }
}

// 4,096 x 4,096 zeros with one strong cell: it is seen however many cells share a pixel, in any order.
void HeatMapTest::peaksSurvive() {
    constexpr int n = 4096;
    auto data = matrix(n, n, [](int r, int c) { return r == 1234 && c == 3210 ? -0.9F : 0.01F; });
    HeatMapView view;
    view.resize(700, 640);
    view.setData(data);
    view.setScale({&vikMap, {-1, 1}});
    const auto strong = [&] {
        const QImage image = picture(view);
        const QRect map = view.mapRect();
        int found = 0;
        for (int y = map.top(); y <= map.bottom(); ++y) {
            for (int x = map.left(); x <= map.right(); ++x) {
                found += qGray(image.pixel(x, y)) < 110 ? 1 : 0;
            }
        }
        return found;
    };
    QTRY_COMPARE(strong(), 1);
    QVERIFY(view.aggregation().startsWith(QStringLiteral("8 × 8")));
    QVERIFY(view.setOrder(shuffled(n, 3), shuffled(n, 4)));
    QTRY_COMPARE(strong(), 1);
}

void HeatMapTest::notMeasuredIsHatched() {
    HeatMapView view;
    view.resize(300, 300);
    view.setData(matrix(2, 2, [](int r, int c) { return r == c ? NAN : 1.0F; }));
    view.setScale({&viridisMap, {0, 1}});
    const QImage image = picture(view);
    const QRect cell = view.gridCellRect(0, 0).adjusted(2, 2, -2, -2);
    const QColor line = lightTokens().hatch;
    const QColor ground = lightTokens().hatchBase;
    int grounds = 0;
    int lines = 0;
    for (int y = cell.top(); y <= cell.bottom(); ++y) {
        for (int x = cell.left(); x <= cell.right(); ++x) {
            const QColor pixel = image.pixelColor(x, y);
            QVERIFY(pixel.red() >= line.red() && pixel.red() <= ground.red());
            grounds += pixel == ground ? 1 : 0;
            lines += pixel == line ? 1 : 0;
            QCOMPARE(image.pixelColor(x, y),
                     image.pixelColor(x + (x < cell.right() ? 1 : -1), y + (x < cell.right() ? -1 : 1)));
            if (y == cell.top()) {
                break;
            }
        }
    }
    QVERIFY(grounds > lines && lines > 0);
}

void HeatMapTest::scaleEnds() {
    const ColourScale scale{&vikMap, {-2, 2}};
    QCOMPARE(scale.index(-2), 0);
    QCOMPARE(scale.index(2), 255);
    QCOMPARE(scale.index(-1e30), 0);
    QCOMPARE(scale.index(INFINITY), 255);
    QCOMPARE(scale.index(-INFINITY), 0);
    QCOMPARE(scale.index(0), 128);
    for (double v = 0.01; v < 2; v += 0.013) {
        QCOMPARE(scale.index(-v), 255 - scale.index(v));
    }
    const ColourScale flat{&vikMap, {1, 1}};
    QCOMPARE(flat.index(1), 128);
    // The published ends: viridis #440154 to #FDE725, vik's blue and red ends, berlin's dark middle.
    QCOMPARE(viridisMap.table[0], (Rgb{0x44, 0x01, 0x54}));
    QCOMPARE(viridisMap.table[255], (Rgb{0xFD, 0xE7, 0x25}));
    QVERIFY(vikMap.table[0].blue > vikMap.table[0].red && vikMap.table[255].red > vikMap.table[255].blue);
    QVERIFY(berlinMap.table[127].red < 40 && berlinMap.table[127].blue < 40);
    QCOMPARE(colourMapNamed("cividis"), &cividisMap);
    QCOMPARE(colourMapNamed("jet"), nullptr);
}

void HeatMapTest::rangeRules() {
    const std::vector<float> values{NAN, -1, 3, INFINITY, 0.5F};
    QCOMPARE(chooseRange(values, RangeRule::minimumMaximum), (ColourRange{-1, 3}));
    QCOMPARE(chooseRange(values, RangeRule::symmetric), (ColourRange{-3, 3}));
    const std::vector<float> nothing{NAN, INFINITY};
    QCOMPARE(chooseRange(nothing, RangeRule::symmetric), (ColourRange{0, 1}));
    const std::vector<float> same{2, 2};
    QCOMPARE(chooseRange(same, RangeRule::minimumMaximum), (ColourRange{1.5, 2.5}));
    QCOMPARE(chooseRange(std::vector<float>{0, 0}, RangeRule::symmetric), (ColourRange{-0.5, 0.5}));
    std::vector<float> many(101);
    std::iota(many.begin(), many.end(), 0.0F);
    std::shuffle(many.begin(), many.end(), std::mt19937(5));
    QCOMPARE(chooseRange(many, RangeRule::percentiles), (ColourRange{2, 98}));
}

void HeatMapTest::keyboardAndSelection() {
    HeatMap map;
    map.resize(500, 400);
    map.setData(distinct(6, 9));
    HeatMapView* view = map.view();
    QSignalSpy changed(&map, &HeatMap::currentChanged);
    present(map);
    view->setFocus(Qt::TabFocusReason);
    QVERIFY(view->hasFocus());
    QCOMPARE(view->cursor(), QPoint(0, 0));
    QTest::keyClick(view, Qt::Key_Right);
    QTest::keyClick(view, Qt::Key_Down);
    QTest::keyClick(view, Qt::Key_Down);
    QCOMPARE(view->cursor(), QPoint(1, 2));
    QCOMPARE(view->current(), QPoint(-1, -1));
    QVERIFY(changed.isEmpty());
    QTest::keyClick(view, Qt::Key_Return);
    QCOMPARE(changed.count(), 1);
    QCOMPARE(changed[0], (QVariantList{2, 1}));
    QCOMPARE(view->current(), QPoint(1, 2));
    for (int i = 0; i < 20; ++i) {
        QTest::keyClick(view, Qt::Key_Left);
    }
    QCOMPARE(view->cursor(), QPoint(0, 2));
    QTest::keyClick(view, Qt::Key_R);
    QTest::keyClick(view, Qt::Key_Right); // the display's right is now the next row
    QCOMPARE(view->cursor(), QPoint(0, 3));
    QTest::keyClick(view, Qt::Key_R);
    const QRect before = view->gridCellRect(3, 0);
    QTest::keyClick(view, Qt::Key_Plus);
    QVERIFY(!view->isFitted());
    QTest::keyClick(view, Qt::Key_Backspace);
    QCOMPARE(view->gridCellRect(3, 0), before);
    QTest::keyClick(view, Qt::Key_Plus);
    QTest::keyClick(view, Qt::Key_Home);
    QCOMPARE(view->gridCellRect(3, 0), before);
    map.view()->setCurrent(99, 99);
    QCOMPARE(view->current(), QPoint(-1, -1));
    QCOMPARE(changed.count(), 1); // from outside: no echo
}

void HeatMapTest::mouseSelectsAndZooms() {
    HeatMap map;
    map.resize(500, 400);
    map.setData(distinct(6, 9));
    present(map);
    HeatMapView* view = map.view();
    QSignalSpy changed(&map, &HeatMap::currentChanged);
    QTest::mouseClick(view, Qt::LeftButton, {}, view->gridCellRect(4, 7).center());
    QCOMPARE(changed.value(0), (QVariantList{4, 7}));
    QTest::mouseClick(view, Qt::LeftButton, {}, QPoint(view->mapRect().right() + 5, view->mapRect().top()));
    QCOMPARE(changed.count(), 1);
    const QRect from = view->gridCellRect(1, 1);
    const QRect to = view->gridCellRect(3, 3);
    QTest::mousePress(view, Qt::LeftButton, {}, from.center());
    QTest::mouseMove(view, to.center());
    QTest::mouseRelease(view, Qt::LeftButton, {}, to.center());
    QCOMPARE(changed.count(), 1);
    QVERIFY(view->gridCellRect(2, 2).width() > 2 * from.width());
    QVERIFY(view->gridCellRect(5, 8).isEmpty());
    QCOMPARE(view->gridCellAt(view->mapRect().topLeft()), QPoint(1, 1));
    QTest::mouseDClick(view, Qt::LeftButton, {}, view->mapRect().center());
    QCOMPARE(view->gridCellRect(1, 1), from);
}

void HeatMapTest::copiesTheBlock() {
    HeatMapView view;
    view.resize(400, 300);
    view.setData(matrix(
        3, 3, [](int r, int c) { return r == 1 && c == 1 ? NAN : static_cast<float>(10 * r + c) + 0.25F; }));
    present(view);
    view.setFocus(Qt::TabFocusReason);
    QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
    QTest::keyClick(&view, Qt::Key_Down, Qt::ShiftModifier);
    QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("\t0\t1\n0\t0.25\t1.25\n1\t10.25\t\n"));
    QVERIFY(QApplication::clipboard()->mimeData()->hasImage());
}

void HeatMapTest::crosshairIsPainted() {
    HeatMapView view;
    view.resize(400, 320);
    view.setData(distinct(20, 20));
    view.setCurrent(5, 12);
    const auto count = [&](const QColor& colour) {
        const QImage image = picture(view);
        int found = 0;
        for (int y = 0; y < image.height(); ++y) {
            for (int x = 0; x < image.width(); ++x) {
                found += image.pixelColor(x, y) == colour ? 1 : 0;
            }
        }
        return found;
    };
    const int both = count(lightTokens().here);
    QVERIFY(both > 500 + 2 * 26 * 10);
    const QRect cell = view.gridCellRect(5, 12);
    const QImage image = picture(view);
    QCOMPARE(image.pixelColor(cell.center().x(), view.mapRect().top() + 3), lightTokens().here);
    QCOMPARE(image.pixelColor(view.mapRect().left() + 3, cell.center().y()), lightTokens().here);
    QVERIFY(image.pixelColor(cell.center()) != lightTokens().here); // broken at the cell
    view.setCrosshairShown(false);
    const int frame = count(lightTokens().here);
    QVERIFY(frame > 20 && frame < both / 4);
    view.setCurrent(-1, -1);
    QCOMPARE(count(lightTokens().here), 0);
}

void HeatMapTest::accessibleTable() {
    HeatMapView view;
    view.resize(400, 320);
    HeatMapData data = matrix(3, 4, [](int r, int c) { return r == 0 ? NAN : static_cast<float>(c) - 1.0F; });
    data.reason = [](int, int) { return QStringLiteral("3584 ≠ 5120"); };
    data.low = std::make_shared<std::vector<float>>(12, -0.5F);
    data.high = std::make_shared<std::vector<float>>(12, 0.25F);
    view.setData(data);
    present(view);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&view);
    QVERIFY(interface && interface->role() == QAccessible::Table);
    QCOMPARE(interface->text(QAccessible::Name), QStringLiteral("Cosine map, 3 by 4"));
    QAccessibleTableInterface* table = interface->tableInterface();
    QVERIFY(table);
    QCOMPARE(table->rowCount(), 3);
    QCOMPARE(table->columnCount(), 4);
    QCOMPARE(interface->childCount(), 12);
    QCOMPARE(table->cellAt(2, 0)->text(QAccessible::Name),
             QStringLiteral("k 2, position 0, cosine −1.000, −0.500 to 0.250"));
    QCOMPARE(table->cellAt(0, 3)->text(QAccessible::Name),
             QStringLiteral("k 0, position 3, not measured, 3584 ≠ 5120"));
    QCOMPARE(table->cellAt(3, 0), nullptr);
    QCOMPARE(interface->indexOfChild(table->cellAt(1, 2)), 6);
    view.setCurrent(1, 2);
    QVERIFY(table->cellAt(1, 2)->state().selected);
    QCOMPARE(table->selectedCells().value(0), table->cellAt(1, 2));
    QVERIFY(view.rect().translated(view.mapToGlobal(QPoint())).contains(table->cellAt(1, 2)->rect()));
    QCOMPARE(interface->childAt(table->cellAt(1, 2)->rect().center().x(),
                                table->cellAt(1, 2)->rect().center().y()),
             table->cellAt(1, 2));
    view.setData(matrix(2, 2, [](int, int) { return 0.0F; }));
    QCOMPARE(table->rowCount(), 2);
    QCOMPARE(table->cellAt(2, 0), nullptr);
}

void HeatMapTest::readoutSaysEverything() {
    HeatMap map;
    map.resize(700, 400);
    HeatMapData data =
        matrix(4, 4, [](int r, int c) { return r == c ? 1.0F : 0.01F * static_cast<float>(r); });
    (*std::const_pointer_cast<std::vector<float>>(data.values))[0] = NAN;
    data.site = [](int r, int c) { return QStringLiteral("R[%1] × R[%2]").arg(r).arg(c); };
    data.nullLimit = 0.015;
    data.sampleSize = QStringLiteral("n 256");
    map.setData(data);
    map.view()->setCurrent(2, 1);
    present(map);
    QCOMPARE(map.readoutText(),
             QStringLiteral("R[2] × R[1], cosine 0.02000, null ±0.015, n 256, 40 % within null"));
    hover(*map.view(), map.view()->gridCellRect(0, 0).center());
    QCOMPARE(map.readoutText(), QStringLiteral("R[0] × R[0], not measured, 40 % within null"));
}

void HeatMapTest::colourBarDrags() {
    HeatMap map;
    map.resize(600, 400);
    map.setData(distinct(4, 4));
    present(map);
    ColourBar* bar = map.colourBar();
    QSignalSpy edited(&map, &HeatMap::rangeChanged);
    QVERIFY(map.isRangeAutomatic());
    const ColourRange automatic = map.scale().range;
    const int top = bar->yOf(automatic.high);
    const int middle = bar->yOf((automatic.low + automatic.high) / 2);
    QTest::mousePress(bar, Qt::LeftButton, {}, QPoint(4, top));
    QTest::mouseMove(bar, QPoint(4, middle));
    QTest::mouseRelease(bar, Qt::LeftButton, {}, QPoint(4, middle));
    QVERIFY(edited.count() >= 1);
    QVERIFY(!map.isRangeAutomatic());
    QVERIFY(std::abs(map.scale().range.high - (automatic.low + automatic.high) / 2) < 0.01);
    QCOMPARE(map.scale().range.low, automatic.low);
    QCOMPARE(map.view()->scale(), bar->scale());
    QTest::keyClick(bar, Qt::Key_Home);
    QCOMPARE(map.scale().range, automatic);
    map.setColourMap(vikMap);
    QCOMPARE(map.scale().range.low, -map.scale().range.high);
    QTest::keyClick(bar, Qt::Key_Up);
    QCOMPARE(map.scale().range.low, -map.scale().range.high);
    QVERIFY(bar->accessibleName().startsWith(QStringLiteral("Colour bar, cosine, −0.9")));
    // Dragged onto the other limit: refused, the range stays one.
    map.setColourMap(viridisMap);
    map.setRange({0, 1});
    QTest::mousePress(bar, Qt::LeftButton, {}, QPoint(4, bar->yOf(1)));
    QTest::mouseMove(bar, QPoint(4, bar->yOf(0) + 30));
    QVERIFY(map.scale().range.low < map.scale().range.high);
}

void HeatMapTest::colourBarCounts() {
    ColourBar bar;
    bar.setScale({&viridisMap, {0, 40}});
    std::vector<float> values{0, 0.5F, 1, 39.9F, 40, 41, -1, NAN, INFINITY};
    bar.setValues(values);
    QCOMPARE(bar.histogram().front(), 2);
    QCOMPARE(bar.histogram()[1], 1);
    QCOMPARE(bar.histogram().back(), 2);
    QCOMPARE(std::accumulate(bar.histogram().begin(), bar.histogram().end(), 0), 5);
}

void HeatMapTest::shapeIsChecked() {
    HeatMapView view;
    HeatMapData data = distinct(2, 3);
    data.columns = 4;
    try {
        view.setData(data);
        QFAIL("accepted 6 values for 2 x 4");
    } catch (const Error& error) {
        QCOMPARE(error.code(), std::string("widget.shape"));
        QVERIFY(QString::fromStdString(error.message()).contains(QStringLiteral("expected 8, found 6")));
    }
    data = distinct(2, 3);
    data.rowLabels = QStringList{QStringLiteral("one")};
    QVERIFY_THROWS_EXCEPTION(Error, view.setData(data));
    view.setData(HeatMapData());
    view.resize(200, 200);
    picture(view);
    QTest::keyClick(&view, Qt::Key_Down);
    QCOMPARE(view.cursor(), QPoint(-1, -1));
}

void HeatMapTest::ticksAndNumbers() {
    QCOMPARE(niceTicks(-1, 1), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
    QCOMPARE(niceTicks(0, 100), (std::vector<double>{0, 25, 50, 75, 100}));
    QCOMPARE(niceTicks(0, 28, 8), (std::vector<double>{0, 5, 10, 15, 20, 25}));
    QVERIFY(niceTicks(1, 1).empty());
    QVERIFY(niceTicks(0, INFINITY).empty());
    QCOMPARE(formatTick(-0.5), QStringLiteral("−0.5"));
    QCOMPARE(formatTick(0.1 + 0.2), QStringLiteral("0.3"));
    QCOMPARE(formatTick(1e-17), QStringLiteral("0"));
    QCOMPARE(formatFixed(-0.004, 2), QStringLiteral("0.00"));
    QCOMPARE(formatRange(-0.5, 0.889, 2), QStringLiteral("−0.50 to 0.89"));
    QCOMPARE(formatNumber(NAN), QString());
}

// Printed, not asserted: the budget is 12 ms to pan or zoom and 2 ms to hover at 4,096 x 4,096.
void HeatMapTest::timings() {
    std::mt19937 random(9);
    auto data =
        matrix(4096, 4096, [&](int, int) { return static_cast<float>(random() % 2001) / 1000.0F - 1.0F; });
    HeatMap map;
    map.resize(1200, 900);
    map.setData(data);
    present(map);
    HeatMapView* view = map.view();
    QTRY_VERIFY(!view->aggregation().isEmpty());
    const auto milliseconds = [&](const char* what, int times, const std::function<void(int)>& work) {
        double worst = 0;
        double sum = 0;
        for (int i = 0; i < times; ++i) {
            QElapsedTimer timer;
            timer.start();
            work(i);
            const double took = static_cast<double>(timer.nsecsElapsed()) / 1e6;
            worst = std::max(worst, took);
            sum += took;
        }
        qInfo("%s: %.2f ms, worst %.2f ms", what, sum / times, worst);
    };
    milliseconds("zoom and paint", 10, [&](int i) {
        view->zoom(i < 5 ? 1 : -1);
        view->repaint();
    });
    view->zoom(8);
    milliseconds("pan and paint", 10, [&](int i) {
        QTest::keyClick(view, i % 2 ? Qt::Key_Left : Qt::Key_Right);
        view->setScale({&viridisMap, {-1.0 - 0.01 * i, 1}});
        view->repaint();
    });
    milliseconds("hover", 20, [&](int i) {
        hover(*view, view->mapRect().center() + QPoint(7 * i, 3 * i));
        QApplication::processEvents();
    });
}

QTEST_MAIN(HeatMapTest)
#include "heat_map_test.moc"
