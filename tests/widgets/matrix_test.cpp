#include "tests/widgets/presented.h"

#include "core/base/error.h"
#include "resources/resources.h"
#include "widgets/matrix/matrix.h"

#include <QAccessible>
#include <QClipboard>
#include <QSignalSpy>
#include <QTest>

using namespace azimuth;

namespace {

MatrixCell cellOf(MatrixCell::Kind kind, const QString& text) {
    MatrixCell cell;
    cell.kind = kind;
    cell.text = text;
    cell.sentence = text;
    return cell;
}

MatrixCell measured(double value, double low, double high) {
    MatrixCell cell;
    cell.kind = MatrixCell::Kind::measured;
    cell.value = value;
    cell.low = low;
    cell.high = high;
    cell.notDifferent = low <= 0;
    cell.sentence = QStringLiteral("efficiency %1").arg(value);
    return cell;
}

// Two models of width 576, one of 640.
MatrixData sample() {
    MatrixData data;
    data.name = QStringLiteral("Transfer efficiency");
    data.rowTitle = QStringLiteral("Source");
    data.columnTitle = QStringLiteral("Target");
    data.rows = {{QStringLiteral("SmolLM2 fp32"), QStringLiteral("width 576"), 576},
                 {QStringLiteral("SmolLM2 bf16"), QStringLiteral("width 576"), 576},
                 {QStringLiteral("Gemma 3 270M"), QStringLiteral("width 640"), 640}};
    data.columns = data.rows;
    using Kind = MatrixCell::Kind;
    data.cells = {cellOf(Kind::own, QStringLiteral("97 %")),
                  measured(1.5, 1.2, 1.8),
                  cellOf(Kind::cannot, QStringLiteral("576 ≠ 640")),
                  measured(0.04, 0, 0.12),
                  cellOf(Kind::running, QStringLiteral("measuring")),
                  cellOf(Kind::byChoice, QStringLiteral("left out")),
                  cellOf(Kind::cannot, QStringLiteral("640 ≠ 576")),
                  cellOf(Kind::failed, QStringLiteral("all garbled")),
                  cellOf(Kind::notYet, QStringLiteral("no strength"))};
    data.cells[4].progress = 0.5;
    return data;
}

} // namespace

class MatrixTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { loadFonts(); }
    void cellsAreFilled();
    void reasonsHaveTheirShapes();
    void whiskerLiesOnItsTrack();
    void groupsAreApart();
    void sizesAreBounded();
    void smallCellsLoseTheirText();
    void keyboardAndMouse();
    void accessible();
    void shapeIsChecked();
};

void MatrixTest::cellsAreFilled() {
    Matrix matrix;
    matrix.resize(420, 220);
    matrix.setData(sample());
    const QImage image = picture(matrix);
    const auto corner = [&](int row, int column) {
        return image.pixelColor(matrix.gridCellRect(row, column).topLeft() + QPoint(3, 3)).name();
    };
    QCOMPARE(corner(0, 1), QStringLiteral("#72a8db")); // 1.5: the far end
    QCOMPARE(corner(1, 0), QStringLiteral("#ffffff")); // not different from 0: no fill
    QCOMPARE(corner(0, 0), QStringLiteral("#ffffff"));
    matrix.setNotDifferentDimmed(false);
    QVERIFY(picture(matrix).pixelColor(matrix.gridCellRect(1, 0).topLeft() + QPoint(3, 3)) !=
            QColor(Qt::white));
    matrix.setTokens(darkTokens());
    QCOMPARE(picture(matrix).pixelColor(matrix.gridCellRect(0, 1).topLeft() + QPoint(3, 3)).name(),
             QStringLiteral("#28628f"));
}

void MatrixTest::reasonsHaveTheirShapes() {
    Matrix matrix;
    matrix.resize(420, 220);
    matrix.setData(sample());
    const Tokens& tokens = lightTokens();
    const QImage image = picture(matrix);
    const auto count = [&](int row, int column, const QColor& colour) {
        return countPixels(image, matrix.gridCellRect(row, column), colour);
    };
    QVERIFY(count(0, 2, tokens.hatchBase) > 1000);
    QCOMPARE(count(1, 2, tokens.hatchBase), 0);
    QVERIFY(count(2, 1, tokens.failure) > 20);
    const int bar = count(1, 1, tokens.accent);
    const int track = count(1, 1, tokens.line);
    QVERIFY(bar > 60 && track > 60);
    MatrixData data = sample();
    data.cells[4].progress = 1;
    matrix.setData(data);
    QVERIFY(countPixels(picture(matrix), matrix.gridCellRect(1, 1), tokens.accent) > 3 * bar / 2);
    int inked = 0; // the clock and its words
    const QRect waiting = matrix.gridCellRect(2, 2).adjusted(3, 3, -3, -3);
    for (int y = waiting.top(); y < waiting.bottom(); ++y) {
        for (int x = waiting.left(); x < waiting.right(); ++x) {
            inked += qGray(image.pixel(x, y)) < 170 ? 1 : 0;
        }
    }
    QVERIFY(inked > 60);
}

// The point of a value v lies at (v - 0) / (2 - 0) of the track, which ends 8 px inside the cell.
void MatrixTest::whiskerLiesOnItsTrack() {
    Matrix matrix;
    matrix.resize(420, 220);
    MatrixData data = sample();
    const auto point = [&](double value) {
        data.cells[1] = measured(value, value, value);
        matrix.setData(data);
        const QRect cell = matrix.gridCellRect(0, 1);
        const QImage image = picture(matrix);
        const int line = cell.top() + (cell.height() - 18 - 13 - 9) / 2 + 18 + 13 + 5;
        double sum = 0;
        int found = 0;
        for (int x = cell.left() + 2; x < cell.right() - 2; ++x) {
            for (int y = line - 3; y <= line + 3; ++y) {
                if (qGray(image.pixel(x, y)) < 60) {
                    sum += x;
                    ++found;
                }
            }
        }
        return found ? (sum / found - cell.left() - 8) / (cell.width() - 16) : -1;
    };
    QVERIFY(std::abs(point(0.5) - 0.25) < 0.02);
    QVERIFY(std::abs(point(1.6) - 0.80) < 0.02);
    QVERIFY(std::abs(point(9) - 1) < 0.03); // beyond the track: at its end
    matrix.setIntervalsShown(false);
    QVERIFY(countPixels(picture(matrix), matrix.gridCellRect(0, 1).adjusted(4, 38, -4, -2),
                        lightTokens().text) == 0);
}

void MatrixTest::groupsAreApart() {
    Matrix matrix;
    matrix.resize(500, 260);
    matrix.setData(sample());
    const int step = matrix.gridCellRect(0, 1).left() - matrix.gridCellRect(0, 0).left();
    QCOMPARE(step, matrix.cellSize().width());
    QCOMPARE(matrix.gridCellRect(0, 2).left() - matrix.gridCellRect(0, 1).left(), step + 8);
    QCOMPARE(matrix.gridCellRect(2, 0).top() - matrix.gridCellRect(1, 0).top(),
             matrix.cellSize().height() + 8);
}

void MatrixTest::sizesAreBounded() {
    Matrix matrix;
    matrix.setData(sample());
    matrix.resize(4000, 400);
    picture(matrix);
    QCOMPARE(matrix.cellSize(), QSize(112, 64));
    matrix.resize(100, 100);
    picture(matrix);
    QCOMPARE(matrix.cellSize().width(), 28);
    QVERIFY(matrix.heightForWidth(100) < matrix.heightForWidth(4000));
    QCOMPARE(matrix.sizeHint().height(), matrix.heightForWidth(matrix.sizeHint().width()));
}

void MatrixTest::smallCellsLoseTheirText() {
    Matrix matrix;
    matrix.setData(sample());
    const Tokens& tokens = lightTokens();
    const auto ink = [&](int width) {
        matrix.resize(width, matrix.heightForWidth(width));
        const QImage image = picture(matrix);
        return countPixels(image, matrix.gridCellRect(0, 1), tokens.text);
    };
    const int full = ink(matrix.sizeHint().width());
    const int headers = matrix.gridCellRect(0, 0).left();
    const int noWords = ink(headers + 3 * 58 + 12);
    const int colour = ink(headers + 3 * 30 + 12);
    QVERIFY2(full > noWords && noWords > 0, qPrintable(QStringLiteral("%1 %2").arg(full).arg(noWords)));
    QCOMPARE(colour, 0);
}

void MatrixTest::keyboardAndMouse() {
    Matrix matrix;
    matrix.resize(500, 260);
    matrix.setData(sample());
    present(matrix);
    QSignalSpy changed(&matrix, &Matrix::currentChanged);
    matrix.setFocus(Qt::TabFocusReason);
    QCOMPARE(matrix.cursor(), QPoint(0, 0));
    QVERIFY(countPixels(picture(matrix), matrix.gridCellRect(0, 0), lightTokens().accent) > 100);
    QTest::keyClick(&matrix, Qt::Key_Right);
    QTest::keyClick(&matrix, Qt::Key_Down);
    QTest::keyClick(&matrix, Qt::Key_Return);
    QCOMPARE(changed.value(0), (QVariantList{1, 1}));
    QVERIFY(countPixels(picture(matrix), matrix.gridCellRect(1, 1).adjusted(-2, -2, 2, 2),
                        lightTokens().here) > 200);
    for (int i = 0; i < 9; ++i) {
        QTest::keyClick(&matrix, Qt::Key_Left);
    }
    QCOMPARE(matrix.cursor(), QPoint(0, 1));
    QTest::mouseClick(&matrix, Qt::LeftButton, {}, matrix.gridCellRect(2, 1).center());
    QCOMPARE(changed.value(1), (QVariantList{2, 1}));
    QTest::mouseClick(&matrix, Qt::LeftButton, {},
                      QPoint(matrix.gridCellRect(0, 2).left() - 4, matrix.gridCellRect(0, 0).center().y()));
    QCOMPARE(changed.count(), 2); // the gap between groups is no cell
    QTest::keyClick(&matrix, Qt::Key_C, Qt::ControlModifier);
    QVERIFY(QApplication::clipboard()->text().contains(
        QStringLiteral("SmolLM2 bf16\t0.04\tmeasuring\tleft out\n")));
}

void MatrixTest::accessible() {
    Matrix matrix;
    matrix.resize(500, 260);
    matrix.setData(sample());
    present(matrix);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&matrix);
    QCOMPARE(interface->text(QAccessible::Name), QStringLiteral("Transfer efficiency, 3 by 3"));
    QAccessibleTableInterface* table = interface->tableInterface();
    QCOMPARE(table->cellAt(0, 2)->text(QAccessible::Name), QStringLiteral("576 ≠ 640"));
    QCOMPARE(table->rowDescription(1), QStringLiteral("Source SmolLM2 bf16"));
    QCOMPARE(table->columnDescription(2), QStringLiteral("Target Gemma 3 270M"));
    QCOMPARE(table->cellAt(1, 0)->rect().size(), matrix.cellSize());
}

void MatrixTest::shapeIsChecked() {
    Matrix matrix;
    MatrixData data = sample();
    data.cells.pop_back();
    QVERIFY_THROWS_EXCEPTION(Error, matrix.setData(data));
    matrix.setData(MatrixData());
    matrix.resize(200, 100);
    picture(matrix);
    QTest::keyClick(&matrix, Qt::Key_Down);
    QCOMPARE(matrix.cursor(), QPoint(-1, -1));
}

QTEST_MAIN(MatrixTest)
#include "matrix_test.moc"
