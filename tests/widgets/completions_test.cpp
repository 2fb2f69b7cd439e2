#include "tests/widgets/presented.h"

#include "resources/resources.h"
#include "widgets/completions/completion_list.h"
#include "widgets/completions/row_heights.h"
#include "widgets/completions/word_diff.h"

#include <map>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <random>

using namespace azimuth;

namespace {

QStringList split(const QString& text) {
    return text.simplified().split(QLatin1Char(' '), Qt::SkipEmptyParts);
}

QString without(QString text, QList<TextSpan> spans) {
    for (qsizetype i = spans.size(); i-- > 0;) {
        text.remove(spans[i].start, spans[i].length);
    }
    return text;
}

// Longest common subsequence by plain recursion with a memory: another route than the table of the widget.
int longest(const QStringList& a, const QStringList& b, int i, int j,
            std::map<std::pair<int, int>, int>& known) {
    if (i == a.size() || j == b.size()) {
        return 0;
    }
    const auto key = std::pair(i, j);
    if (const auto found = known.find(key); found != known.end()) {
        return found->second;
    }
    int best = std::max(longest(a, b, i + 1, j, known), longest(a, b, i, j + 1, known));
    if (a[i] == b[j]) {
        best = std::max(best, 1 + longest(a, b, i + 1, j + 1, known));
    }
    return known[key] = best;
}

CompletionRow madeUp(int i) {
    CompletionRow row;
    row.number = QString::number(i + 1);
    row.prompt = QStringLiteral("Prompt number %1 about gardens").arg(i);
    row.control = QStringLiteral("The control says something of ordinary length about row %1. ")
                      .arg(i)
                      .repeated(1 + i % 4);
    row.steered =
        QStringLiteral("The steered text says something else about row %1. ").arg(i).repeated(1 + i % 7);
    row.label = i % 3 == 0 ? LabelShape::coherent : i % 3 == 1 ? LabelShape::garbled : LabelShape::normal;
    row.labelNote = QStringLiteral("by rule");
    row.pinned = i % 10 == 0;
    return row;
}

} // namespace

class CompletionsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { loadFonts(); }
    void diffMarksWords();
    void diffIsLongest();
    void heightsAgreeWithSums();
    void marksArePainted();
    void listsManyRows();
    void scrollsToTheEnd();
    void filters();
    void keysAsk();
    void selection();
    void accessible();
    void linesFollowWidth();
};

void CompletionsTest::diffMarksWords() {
    const QString first = QStringLiteral("keep it away from cold glass at night.");
    const QString second = QStringLiteral("keep it away from cold air, please.");
    const WordDiff diff = diffWords(first, second);
    QCOMPARE(diff.onlyFirst.size(), 1);
    QCOMPARE(first.mid(diff.onlyFirst[0].start, diff.onlyFirst[0].length), QStringLiteral("glass at night."));
    QCOMPARE(second.mid(diff.onlySecond[0].start, diff.onlySecond[0].length), QStringLiteral("air, please."));
    QCOMPARE(diff.shared, 10.0 / 15.0);
    QCOMPARE(diffWords(QString(), QString()).shared, 1.0);
    QCOMPARE(diffWords(QStringLiteral("a b"), QString()).shared, 0.0);
    QVERIFY(diffWords(first, first).onlyFirst.isEmpty());
}

void CompletionsTest::diffIsLongest() {
    std::mt19937 random(11);
    const QStringList vocabulary{QStringLiteral("a"), QStringLiteral("b"), QStringLiteral("c"),
                                 QStringLiteral("dd"), QStringLiteral("É")};
    const QStringList blanks{QStringLiteral(" "), QStringLiteral("  "), QStringLiteral("\n"),
                             QStringLiteral("\t ")};
    for (int trial = 0; trial < 200; ++trial) {
        QString texts[2];
        for (QString& text : texts) {
            for (auto i = random() % 12; i > 0; --i) {
                text += vocabulary[random() % 5] + blanks[random() % 4];
            }
        }
        const WordDiff diff = diffWords(texts[0], texts[1]);
        const QStringList common = split(without(texts[0], diff.onlyFirst));
        QCOMPARE(common, split(without(texts[1], diff.onlySecond)));
        std::map<std::pair<int, int>, int> known;
        QCOMPARE(static_cast<int>(common.size()), longest(split(texts[0]), split(texts[1]), 0, 0, known));
    }
}

void CompletionsTest::heightsAgreeWithSums() {
    std::mt19937 random(3);
    for (const int count : {0, 1, 2, 7, 64, 100}) {
        RowHeights heights;
        heights.reset(count, 50);
        std::vector<int> plain(static_cast<std::size_t>(count), 50);
        for (int i = 0; i < 3 * count; ++i) {
            const int row = static_cast<int>(random() % static_cast<unsigned>(count));
            plain[static_cast<std::size_t>(row)] = static_cast<int>(random() % 200) + 1;
            heights.measure(row, plain[static_cast<std::size_t>(row)]);
        }
        long long top = 0;
        for (int row = 0; row < count; ++row) {
            QCOMPARE(heights.top(row), top);
            QCOMPARE(heights.rowAt(top), row);
            top += plain[static_cast<std::size_t>(row)];
            QCOMPARE(heights.rowAt(top - 1), row);
        }
        QCOMPARE(heights.total(), top);
        QCOMPARE(heights.rowAt(top + 100), count - 1);
        QCOMPARE(heights.rowAt(-5), count ? 0 : -1);
    }
}

void CompletionsTest::marksArePainted() {
    CompletionList list;
    list.resize(800, 300);
    CompletionRow row;
    row.prompt = QStringLiteral("Keep basil");
    row.control = QStringLiteral("water it often and keep it warm");
    row.steered = QStringLiteral("water it seldom and keep it warm");
    row.label = LabelShape::garbled;
    row.changes = {{0, 5, 3.0F}, {9, 6, -1.0F}};
    present(list);
    list.setRows(1, [row](int) { return row; });
    const Tokens& tokens = lightTokens();
    const auto count = [&](int column, const QColor& colour) {
        return countPixels(picture(list), list.gridCellRect(0, column), colour);
    };
    QVERIFY(count(1, tokens.diffOld) > 200);
    QVERIFY(count(2, tokens.diffNew) > 200);
    QCOMPARE(count(2, tokens.diffOld), 0);
    QVERIFY(count(3, tokens.garbledTint) > 500);
    list.setMarks(CompletionMarks::none);
    QCOMPARE(count(1, tokens.diffOld), 0);
    QCOMPARE(count(2, tokens.diffNew), 0);
    list.setMarks(CompletionMarks::logProbability);
    QVERIFY(count(2, tokens.coherent) >= 20); // the underline of a change of 3 nats
    QCOMPARE(count(2, tokens.garbled), 0);    // 1 nat has a ground and no underline
    list.setMarks(CompletionMarks::none);
    QVERIFY(list.setFilter(QStringLiteral("SELDOM"), false));
    QCOMPARE(list.shownCount(), 1);
    QVERIFY(count(2, tokens.search) > 200);
    QCOMPARE(count(1, tokens.search), 0);
}

// Printed and loosely bounded: the budget is 500 ms for 100,000 rows.
void CompletionsTest::listsManyRows() {
    CompletionList list;
    list.resize(900, 600);
    present(list);
    int fetched = 0;
    QElapsedTimer timer;
    timer.start();
    list.setRows(100000, [&](int i) {
        ++fetched;
        return madeUp(i);
    });
    picture(list);
    const double took = static_cast<double>(timer.nsecsElapsed()) / 1e6;
    qInfo("100,000 rows listed in %.1f ms, %d fetched", took, fetched);
    QVERIFY(fetched < 40); // only what is on the screen
    timer.restart();
    list.verticalScrollBar()->setValue(list.verticalScrollBar()->maximum() / 2);
    picture(list);
    qInfo("jump to the middle: %.1f ms", static_cast<double>(timer.nsecsElapsed()) / 1e6);
    QVERIFY(fetched < 80);
}

void CompletionsTest::scrollsToTheEnd() {
    CompletionList list;
    list.resize(900, 400);
    list.setRows(1000, madeUp);
    present(list);
    list.setFocus(Qt::TabFocusReason);
    QTest::keyClick(&list, Qt::Key_End);
    QCOMPARE(list.cursorRow(), 999);
    const QRect last = list.gridCellRect(999, 0);
    QVERIFY(!last.isEmpty() && last.bottom() <= list.viewport()->height());
    QTest::keyClick(&list, Qt::Key_Home);
    QCOMPARE(list.cursorRow(), 0);
    QCOMPARE(list.verticalScrollBar()->value(), 0);
    // Down through many rows of unknown height: each is whole on the screen when the cursor is there,
    // none is skipped.
    for (int i = 1; i < 60; ++i) {
        QTest::keyClick(&list, Qt::Key_J);
        QCOMPARE(list.cursorRow(), i);
        const QRect row = list.gridCellRect(i, 0);
        QVERIFY(row.top() >= 26 && row.bottom() <= list.viewport()->height());
        QCOMPARE(list.gridCellAt(row.center()), QPoint(0, i));
    }
    QTest::keyClick(&list, Qt::Key_PageDown);
    QVERIFY(list.cursorRow() > 60 && list.cursorRow() < 70);
}

void CompletionsTest::filters() {
    CompletionList list;
    list.resize(900, 400);
    QSignalSpy filtered(&list, &CompletionList::filtered);
    list.setRows(20000, madeUp);
    QCOMPARE(list.shownCount(), 20000);
    QVERIFY(list.setFilter(QStringLiteral("row 1999"), false));
    QTRY_VERIFY(!list.isFiltering());
    QCOMPARE(list.shownCount(), 11); // 1999 and 19990 to 19999
    QCOMPARE(list.rowOfShown(0), 1999);
    QCOMPARE(list.rowOfShown(10), 19999);
    QCOMPARE(filtered.last(), (QVariantList{11, 20000}));
    QVERIFY(list.setFilter(QStringLiteral("row 199\\d\\."), true));
    QTRY_VERIFY(!list.isFiltering());
    QCOMPARE(list.shownCount(), 10);
    QVERIFY(list.setFilter(QStringLiteral("row 199\\d\\."), false)); // as plain text: nothing says so
    QTRY_VERIFY(!list.isFiltering());
    QCOMPARE(list.shownCount(), 0);
    picture(list);
    QString error;
    QVERIFY(!list.setFilter(QStringLiteral("row ("), true, &error));
    QVERIFY(error.contains(QStringLiteral("character")));
    QVERIFY(list.setFilter(QString(), false));
    list.setLabelFilter({LabelShape::garbled, LabelShape::normal});
    QTRY_VERIFY(!list.isFiltering());
    QCOMPARE(list.shownCount(), 20000 - 6667);
    list.setPinnedOnly(true);
    QTRY_VERIFY(!list.isFiltering());
    QCOMPARE(list.shownCount(), 2000 - 667);
    list.setLabelFilter({});
    list.setPinnedOnly(false);
    QCOMPARE(list.shownCount(), 20000);
}

void CompletionsTest::keysAsk() {
    CompletionList list;
    list.resize(900, 400);
    list.setRows(9, madeUp);
    present(list);
    list.setFocus(Qt::TabFocusReason);
    QCOMPARE(list.cursorRow(), 0);
    QSignalSpy labels(&list, &CompletionList::labelRequested);
    QSignalSpy pins(&list, &CompletionList::pinRequested);
    QSignalSpy notes(&list, &CompletionList::noteRequested);
    QSignalSpy marks(&list, &CompletionList::marksChanged);
    QTest::keyClicks(&list, QStringLiteral("jj2k0pmd"));
    QCOMPARE(labels.count(), 2);
    QCOMPARE(labels[0][0].toInt(), 2);
    QCOMPARE(labels[0][1].value<LabelShape>(), LabelShape::garbled);
    QCOMPARE(labels[1][0].toInt(), 1);
    QCOMPARE(labels[1][1].value<LabelShape>(), LabelShape::none);
    QCOMPARE(pins.value(0), QVariantList{1});
    QCOMPARE(notes.value(0), QVariantList{1});
    QCOMPARE(marks.count(), 1);
    QCOMPARE(list.marks(), CompletionMarks::logProbability);
    QTest::keyClick(&list, Qt::Key_C, Qt::ControlModifier);
    QVERIFY(
        QApplication::clipboard()->text().startsWith(QStringLiteral("2\tPrompt number 1 about gardens\t")));
    QVERIFY(QApplication::clipboard()->text().endsWith(QStringLiteral("\tgarbled\n")));
}

void CompletionsTest::selection() {
    CompletionList list;
    list.resize(900, 400);
    list.setRows(100, madeUp);
    present(list);
    QSignalSpy changed(&list, &CompletionList::currentChanged);
    QTest::mouseClick(list.viewport(), Qt::LeftButton, {}, list.gridCellRect(2, 1).center());
    QCOMPARE(changed.value(0), QVariantList{2});
    const QRect row = list.gridCellRect(2, 0);
    QCOMPARE(
        countPixels(picture(list), QRect(row.left(), row.top(), 3, row.height() - 1), lightTokens().here),
        3 * (row.height() - 1));
    QTest::keyClick(&list, Qt::Key_J);
    QTest::keyClick(&list, Qt::Key_Return);
    QCOMPARE(changed.value(1), QVariantList{3});
    list.setCurrent(77);
    QCOMPARE(changed.count(), 2);
    QVERIFY(!list.gridCellRect(77, 0).isEmpty()); // scrolled there
    list.setRows(50, madeUp);
    QCOMPARE(list.current(), -1);
    QTest::mouseClick(list.viewport(), Qt::LeftButton, {}, QPoint(300, 10)); // the header selects nothing
    QCOMPARE(changed.count(), 2);
}

void CompletionsTest::accessible() {
    CompletionList list;
    list.resize(900, 400);
    list.setRows(100000, madeUp);
    list.setTitles(QStringLiteral("Control"), QStringLiteral("Steered, 15"));
    present(list);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&list);
    QVERIFY(interface && interface->tableInterface());
    QCOMPARE(interface->tableInterface()->rowCount(), 100000);
    QCOMPARE(interface->tableInterface()->cellAt(1, 3)->text(QAccessible::Name),
             QStringLiteral("Prompt 2, Label: garbled, by rule"));
    QVERIFY(interface->tableInterface()
                ->cellAt(4, 2)
                ->text(QAccessible::Name)
                .startsWith(QStringLiteral("Prompt 5, Steered, 15: The steered")));
    QVERIFY(interface->tableInterface()->cellAt(99999, 0)->state().offscreen);
}

void CompletionsTest::linesFollowWidth() {
    CompletionList list;
    list.resize(1200, 400);
    present(list);
    list.setRows(100, madeUp);
    const int wide = list.gridCellRect(3, 0).height();
    list.resize(520, 400);
    const int narrow = list.gridCellRect(0, 0).height();
    QVERIFY(narrow > 0 && wide > 0);
    list.resize(1200, 400);
    QCOMPARE(list.gridCellRect(3, 0).height(), wide);
    Tokens large = lightTokens();
    large.fontScale = 1.5;
    list.setTokens(large);
    QVERIFY(list.gridCellRect(0, 0).height() > narrow / 2);
    QCOMPARE(list.gridCellRect(0, 1).left(), 225);
}

QTEST_MAIN(CompletionsTest)
#include "completions_test.moc"
