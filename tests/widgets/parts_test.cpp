#include "tests/widgets/presented.h"

#include "resources/resources.h"
#include "widgets/data_table.h"
#include "widgets/empty_state.h"
#include "widgets/notification.h"
#include "widgets/segments.h"

#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>
#include <QToolButton>

using namespace azimuth;

class PartsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { loadFonts(); }
    void segments();
    void emptyState();
    void banner();
    void notificationStack();
    void labelShapes();
    void table();
    void tableWhisker();
};

void PartsTest::segments() {
    Segments segments(QStringLiteral("View"));
    QSignalSpy changed(&segments, &Segments::currentChanged);
    for (const char* text : {"Efficiency", "Cosine", "Asymmetry"}) {
        segments.add(QLatin1String(text));
    }
    QCOMPARE(segments.current(), 0);
    QVERIFY(changed.isEmpty());
    present(segments);
    const auto buttons = segments.findChildren<QToolButton*>();
    QCOMPARE(buttons[0]->property("segment").toString(), QStringLiteral("first"));
    QCOMPARE(buttons[1]->property("segment").toString(), QStringLiteral("true"));
    QCOMPARE(buttons[2]->property("segment").toString(), QStringLiteral("last"));
    QTest::mouseClick(buttons[1], Qt::LeftButton);
    QCOMPARE(changed.value(0), QVariantList{1});
    QTest::keyClick(buttons[1], Qt::Key_Right);
    QCOMPARE(segments.current(), 2);
    QCOMPARE(QApplication::focusWidget(), buttons[2]);
    QTest::keyClick(buttons[2], Qt::Key_Right);
    QCOMPARE(segments.current(), 2);
    segments.setSegmentEnabled(1, false, QStringLiteral("No cosines yet"));
    QTest::keyClick(buttons[2], Qt::Key_Left);
    QCOMPARE(segments.current(), 0); // over the disabled one
    // Only the current one is reached by Tab.
    QCOMPARE(buttons[0]->focusPolicy(), Qt::StrongFocus);
    QCOMPARE(buttons[2]->focusPolicy(), Qt::ClickFocus);
}

void PartsTest::emptyState() {
    EmptyState empty(QStringLiteral("transfer"), QStringLiteral("No transfer cells yet"),
                     QStringLiteral("Two models of equal width are needed."),
                     QStringLiteral("Plan transfer"));
    QSignalSpy clicked(&empty, &EmptyState::clicked);
    present(empty);
    QCOMPARE(empty.height(), 92);
    QCOMPARE(empty.accessibleName(), QStringLiteral("No transfer cells yet"));
    QTest::mouseClick(empty.button(), Qt::LeftButton);
    QCOMPARE(clicked.count(), 1);
    empty.setText(QStringLiteral("Nothing"), {}, {});
    QVERIFY(!empty.button()->isVisible());
}

void PartsTest::banner() {
    Banner banner(QStringLiteral("Next: calibrate"), QStringLiteral("2 cells wait"),
                  QStringLiteral("Calibrate"));
    present(banner);
    banner.resize(500, 56);
    QCOMPARE(picture(banner).pixelColor(1, 28), lightTokens().accent);
    QCOMPARE(picture(banner).pixelColor(6, 28), lightTokens().accentTint);
    banner.setSeverity(Severity::failure);
    QCOMPARE(picture(banner).pixelColor(1, 28), lightTokens().failure);
    QCOMPARE(banner.button()->property("primary").toBool(), false);
}

void PartsTest::notificationStack() {
    QWidget page;
    page.resize(900, 600);
    NotificationStack stack(&page);
    QSignalSpy count(&stack, &NotificationStack::countChanged);
    present(page);
    QVERIFY(!stack.isVisible());
    QList<NotificationFrame*> frames;
    for (int i = 0; i < 5; ++i) {
        frames.append(stack.show({Severity::failure,
                                  QStringLiteral("Model %1 did not fit").arg(i),
                                  {QStringLiteral("It needs 57.2 GB, GPU 0 has 39.4 GB free.")},
                                  {{QStringLiteral("details"), QStringLiteral("Details")}}}));
    }
    QApplication::processEvents();
    QCOMPARE(stack.count(), 5);
    QVERIFY(frames[4]->isVisible() && frames[3]->isVisible() && frames[2]->isVisible());
    QVERIFY(!frames[1]->isVisible() && !frames[0]->isVisible());
    QVERIFY(frames[4]->y() < frames[3]->y()); // newest on top
    QCOMPARE(stack.geometry().right(), page.width() - 13);
    QVERIFY(stack.findChild<QPushButton*>(QString(), Qt::FindDirectChildrenOnly)->text() ==
            QStringLiteral("2 more"));
    page.resize(1200, 600);
    QCOMPARE(stack.geometry().right(), page.width() - 13);
    QSignalSpy action(frames[4], &NotificationFrame::actionTriggered);
    QTest::mouseClick(frames[4]->findChild<QPushButton*>(), Qt::LeftButton);
    QCOMPARE(action.value(0), QVariantList{QStringLiteral("details")});
    QTest::mouseClick(frames[4]->findChild<QToolButton*>(), Qt::LeftButton);
    QCOMPARE(stack.count(), 4);
    QCOMPARE(count.last(), QVariantList{4});
    QVERIFY(frames[1]->isVisible()); // the next one moves up
    frames[3]->setFocus();
    QTest::keyClick(frames[3], Qt::Key_Escape);
    QCOMPARE(stack.count(), 3);
    QCOMPARE(frames[2]->accessibleDescription(), QStringLiteral("It needs 57.2 GB, GPU 0 has 39.4 GB free."));
}

// The shape is the second code: a disc, a diamond and a ring differ where colour is not seen.
void PartsTest::labelShapes() {
    const auto at = [](LabelShape shape, int x, int y) {
        QImage image(40, 40, QImage::Format_RGB32);
        image.fill(Qt::white);
        QPainter painter(&image);
        paintLabelShape(painter, shape, {20, 20}, 40, Qt::black);
        painter.end();
        return qGray(image.pixel(x, y)) < 128;
    };
    QVERIFY(at(LabelShape::coherent, 20, 20) && at(LabelShape::garbled, 20, 20) &&
            !at(LabelShape::normal, 20, 20));
    QVERIFY(at(LabelShape::coherent, 30, 30) &&
            !at(LabelShape::garbled, 31, 31)); // a diamond ends earlier there
    QVERIFY(at(LabelShape::normal, 20, 6));
    QVERIFY(labelChipSize(lightTokens(), LabelShape::coherent).height() == 20);
}

void PartsTest::table() {
    QStandardItemModel model(3, 2);
    for (int r = 0; r < 3; ++r) {
        model.setData(model.index(r, 0), QStringLiteral("Model %1").arg(r));
        model.setData(model.index(r, 1), 100 * r);
    }
    model.setData(model.index(1, 0), true, HereRole);
    DataTable table(QStringLiteral("Models"));
    table.setModel(&model);
    table.setFitsRows(true);
    table.resize(400, table.sizeHint().height());
    QCOMPARE(table.sizeHint().height(), 4 * 26);
    present(table);
    QSignalSpy activated(&table, &DataTable::rowActivated);
    table.selectRow(1);
    const QImage image = table.viewport()->grab().toImage();
    const Tokens& tokens = lightTokens();
    QCOMPARE(image.pixelColor(1, 26 + 12), tokens.here);
    QCOMPARE(image.pixelColor(table.columnWidth(0) - 6, 26 + 12), tokens.accentTint);
    QCOMPARE(image.pixelColor(table.columnWidth(0) - 6, 12), tokens.base);
    QCOMPARE(image.pixelColor(50, 25), tokens.line);
    hover(*table.viewport(), QPoint(60, 2 * 26 + 8));
    QCOMPARE(table.hoveredRow(), 2);
    QCOMPARE(table.viewport()->grab().toImage().pixelColor(table.columnWidth(0) - 6, 2 * 26 + 12),
             tokens.hover);
    table.setFocus(Qt::TabFocusReason);
    QTest::keyClick(&table, Qt::Key_Down);
    QCOMPARE(table.currentIndex().row(), 2);
    QTest::keyClick(&table, Qt::Key_Return);
    QCOMPARE(activated.value(0), QVariantList{2});
    QVERIFY(countPixels(table.viewport()->grab().toImage(), QRect(0, 52, 400, 26), tokens.accent) > 100);
    table.setDensity(DataTable::Density::comfortable);
    QCOMPARE(table.rowHeight(0), 30);
}

// The whisker's point stands at the value's place between the track's ends.
void PartsTest::tableWhisker() {
    QImage image(208, 26, QImage::Format_RGB32);
    const auto point = [&](double value) {
        image.fill(Qt::white);
        QPainter painter(&image);
        paintWhisker(painter, lightTokens(), QRectF(0, 0, 208, 26), {value, value, value, 0, 100}, Qt::black);
        painter.end();
        double sum = 0;
        int found = 0;
        for (int x = 0; x < image.width(); ++x) {
            if (qGray(image.pixel(x, 11)) < 100) {
                sum += x;
                ++found;
            }
        }
        return sum / found;
    };
    QVERIFY(std::abs(point(0) - 4) < 1.5);
    QVERIFY(std::abs(point(50) - 104) < 1.5);
    QVERIFY(std::abs(point(100) - 204) < 1.5);
    QVERIFY(std::abs(point(170) - 204) < 1.5);
}

QTEST_MAIN(PartsTest)
#include "parts_test.moc"
