// Each page on whole, partial and absent projects, with the mouse and with keys.
#include "app/workbench/label_toggle.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "core/results/transfer_plan.h"
#include "tests/app/workbench/sample_view.h"
#include "tests/app/workbench/window_fixture.h"
#include "widgets/empty_state.h"
#include "widgets/heatmap/heat_map.h"
#include "widgets/matrix/matrix.h"
#include "widgets/numbers.h"
#include "widgets/segments.h"

#include <cmath>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>

using namespace azimuth;

class PagesTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyStageIsShown_data();
    void everyStageIsShown();
    void layersGiveTheCosineOfTheTensor();
    void layersChooseByCell();
    void applyChoosesByMapAndCurve();
    void applyFiltersAndMarks();
    void applyListsEveryPromptWithItsLabel();
    void applySaysWhatIsMissing();
    void transferOpensTheArmOfTheCell();
    void overviewNamesTheNextStep();
};

namespace {
QPoint cell(const AccessibleGrid& grid, int row, int column) {
    return grid.gridCellRect(row, column).center();
}
} // namespace

void PagesTest::everyStageIsShown_data() {
    QTest::addColumn<int>("stage");
    for (int stage = -1; stage <= static_cast<int>(sample::Stage::Complete); ++stage)
        QTest::addRow("stage %d", stage) << stage;
}

void PagesTest::everyStageIsShown() {
    QFETCH(int, stage);
    Window w(stage < 0 ? nullptr : sample::view(static_cast<sample::Stage>(stage)));
    const auto names = w.window.view() ? w.window.view()->study->models.size() : 1;
    for (std::size_t i = 0; i < names; ++i)
        for (const bool running : {false, true})
            for (const char* page : {"overview", "layers", "apply", "transfer"}) {
                Activity activity;
                activity.running = running;
                w.window.setActivity(activity);
                w.select([&](Selection& s) {
                    s.page = QString::fromLatin1(page);
                    if (w.window.view())
                        s.model = QString::fromStdString(w.window.view()->study->models[i].name);
                    s.source = s.model;
                });
                QVERIFY(!w.window.grab().isNull());
            }
}

void PagesTest::layersGiveTheCosineOfTheTensor() {
    const auto view = sample::view();
    Window w(view);
    w.open("layers");
    w.select([](Selection& s) { s.k = 12, s.otherK = 20; });
    const auto& bank = *view->banks[0];
    const auto last = static_cast<std::int64_t>(bank.positions.size()) - 1;
    double ab = 0, aa = 0, bb = 0;
    for (std::int64_t i = 0; i < bank.width; ++i) {
        const double a = bank.tensor.at(last, 12, i), b = bank.tensor.at(last, 20, i);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    QCOMPARE(w.inspected(QStringLiteral("Cosine")), formatNumber(ab / std::sqrt(aa * bb), 4));
    QCOMPARE(w.inspected(QStringLiteral("Raw norm")), formatNumber(std::sqrt(aa), 4));
    QVERIFY(w.layers->map()->readoutText().contains(QStringLiteral("R[12] × R[20]")));
    // R[0] has no direction: the inspector says so and no number appears.
    w.select([](Selection& s) { s.k = 0, s.otherK = 20; });
    QVERIFY(w.inspected(QStringLiteral("Cosine")).contains(QStringLiteral("not defined")));
}

void PagesTest::layersChooseByCell() {
    Window w(sample::view());
    w.open("layers");
    auto* map = w.layers->map()->view();
    QTest::mouseClick(map, Qt::LeftButton, {}, cell(*map, 7, 22));
    QCOMPARE(w.selection().k, 7);
    QCOMPARE(w.selection().otherK, 22);
    w.layers->segments()->setCurrent(1);
    QTest::mouseClick(map, Qt::LeftButton, {}, cell(*map, 2, 19));
    QCOMPARE(w.selection().k, 19);
    QCOMPARE(w.selection().position, -3);
    QCOMPARE(w.window.currentPage()->primaryButton()->text(), QStringLiteral("Apply at k 19"));
    QTest::mouseClick(w.window.currentPage()->primaryButton(), Qt::LeftButton);
    QCOMPARE(w.window.currentPage()->id(), QStringLiteral("apply"));
    QCOMPARE(w.selection().k, 19);
}

void PagesTest::applyChoosesByMapAndCurve() {
    const auto view = sample::view();
    Window w(view);
    w.open("apply");
    const auto& model = *view->models[0];
    const auto* bank = view->bank(model.identity, "verse", Method::Dim);
    auto* map = w.apply->map()->view();
    QTest::mouseClick(map, Qt::LeftButton, {}, cell(*map, 1, 3)); // k 14, 1.2 x raw norm
    QCOMPARE(w.selection().k, 14);
    const auto arm = sweepArm(model, *bank, view->study->sweep, 14, 1.2);
    QCOMPARE(w.selection().armDigest, QString::fromStdString(arm.digest()));
    const double alpha = arm.interventions.front().strength;
    QCOMPARE(w.inspected(QStringLiteral("Strength")), formatNumber(alpha, 4));
    QCOMPARE(w.apply->chart()->here(), alpha);
    // The rate in the map is that of the calibration's labels.
    std::int64_t coherent = 0, n = 0;
    for (std::size_t i = 0; i < view->completions->size(); ++i) {
        const auto& row = view->completions->row(i);
        if (row.modelIdentity != model.identity || row.armDigest != arm.digest())
            continue;
        ++n;
        for (const auto& label : view->labels)
            coherent += label->completionKey == row.key && label->verdict == Verdict::Coherent;
    }
    QVERIFY(n > 0);
    QVERIFY(
        w.inspected(QStringLiteral("Coherent")).endsWith(QStringLiteral("%1 of %2").arg(coherent).arg(n)));
    // The curve's first strength.
    QTest::mouseClick(w.apply->chart()->viewport(), Qt::LeftButton, {},
                      w.apply->chart()->place(w.apply->chart()->series()[0].x[1], 50).toPoint());
    QCOMPARE(w.selection().armDigest,
             QString::fromStdString(sweepArm(model, *bank, view->study->sweep, 14, 0.6).digest()));
    // A k that was not swept: the nearest is shown, and said.
    w.select([](Selection& s) { s.k = 25; });
    QCOMPARE(w.apply->chart()->series()[0].x[1],
             sweepArm(model, *bank, view->study->sweep, 20, 0.6).interventions.front().strength);
}

void PagesTest::applyFiltersAndMarks() {
    Window w(sample::view());
    w.open("apply");
    auto* list = w.apply->completions();
    QCOMPARE(list->count(), 20);
    QTest::keySequence(&w.window, QKeySequence(QStringLiteral("Ctrl+F")));
    QTest::keyClicks(QApplication::focusWidget(), QStringLiteral("sky"));
    QTRY_COMPARE(list->shownCount(), 1);
    QTest::keyClicks(QApplication::focusWidget(), QStringLiteral(" xyz"));
    QTRY_VERIFY(!list->isVisible());
    EmptyState* none = nullptr;
    for (auto* state : w.apply->findChildren<EmptyState*>())
        if (state->isVisible())
            none = state;
    QVERIFY(none);
    QCOMPARE(none->accessibleName(), QStringLiteral("No completion matches “sky xyz”"));
    QTest::mouseClick(none->button(), Qt::LeftButton);
    QTRY_COMPARE(list->shownCount(), 20);
    for (auto* toggle : w.apply->findChildren<LabelToggle*>()) {
        const int count = toggle->text().split(QLatin1Char(' ')).last().toInt();
        toggle->click();
        QTRY_COMPARE(list->shownCount(), count);
        toggle->click();
    }
    QTRY_COMPARE(list->shownCount(), 20);
    list->setFocus(Qt::TabFocusReason);
    QTest::keyClick(list, Qt::Key_D);
    QCOMPARE(list->marks(), CompletionMarks::none);
    QTest::keyClick(list, Qt::Key_D);
    QCOMPARE(list->marks(), CompletionMarks::words);
    QTest::keyClick(list, Qt::Key_Home);
    QTest::keyClick(list, Qt::Key_J);
    QTest::keyClick(list, Qt::Key_J);
    QTest::keyClick(list, Qt::Key_K);
    QTest::keyClick(list, Qt::Key_Return);
    const auto& prompts = w.window.view()->study->concepts.front().set(PromptRole::TestInduce)->prompts;
    QCOMPARE(w.selection().promptId, QString::fromStdString(prompts[1].id));
    QVERIFY(w.window.inspector()->content().name.startsWith(QStringLiteral("Prompt 2, ")));
}

void PagesTest::applyListsEveryPromptWithItsLabel() {
    const auto view = sample::view();
    Window w(view);
    w.open("apply");
    const auto arm = w.selection().armDigest.toStdString();
    const auto& prompts = view->study->concepts.front().set(PromptRole::TestInduce)->prompts;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const auto* completion = [&]() -> const Completion* {
            for (std::size_t row = 0; row < view->completions->size(); ++row)
                if (const auto& one = view->completions->row(row);
                    one.modelIdentity == view->models[0]->identity && one.armDigest == arm &&
                    one.promptId == prompts[i].id)
                    return &one;
            return nullptr;
        }();
        QVERIFY(completion);
        w.select([&](Selection& s) { s.promptId = QString::fromStdString(prompts[i].id); });
        const Label* label = nullptr;
        for (const auto& one : view->labels)
            if (one->completionKey == completion->key)
                label = one.get();
        QCOMPARE(w.inspected(QStringLiteral("By rule")), QString::fromStdString(toString(label->verdict)));
        QCOMPARE(w.inspected(QStringLiteral("Rule")), QString::fromStdString(label->reason));
        QVERIFY(w.inspected(QStringLiteral("Finish"))
                    .endsWith(QStringLiteral("%1 tokens").arg(completion->ids.size())));
    }
}

void PagesTest::applySaysWhatIsMissing() {
    Window w(sample::view(sample::Stage::Extracted));
    w.open("apply");
    auto* state = w.apply->findChild<EmptyState*>();
    QCOMPARE(state->accessibleName(), QStringLiteral("No sweep yet"));
    QSignalSpy run(&w.window, &MainWindow::runRequested);
    QTest::mouseClick(state->button(), Qt::LeftButton);
    QCOMPARE(run.count(), 1);
    w.select([](Selection& s) { s.model = QStringLiteral("Gemma 3 270M"); });
    QCOMPARE(state->accessibleName(), QStringLiteral("Not calibrated, by choice"));
    QVERIFY(!state->button()->isVisible());
}

void PagesTest::transferOpensTheArmOfTheCell() {
    const auto view = sample::view();
    Window w(view);
    w.open("transfer");
    auto* matrix = w.transfer->matrix();
    QTest::mouseClick(matrix, Qt::LeftButton, {}, cell(*matrix, 0, 1));
    QCOMPARE(w.selection().source, QStringLiteral("SmolLM2 135M"));
    QCOMPARE(w.selection().model, QStringLiteral("SmolLM2 135M bf16"));
    QCOMPARE(w.window.inspector()->content().kind, QStringLiteral("Transfer cell, precision transfer"));
    const auto& study = *view->study;
    const auto setup = transferSetup(*view, study, study.concepts.front(), study.models[0], study.models[1]);
    for (auto* button : w.transfer->findChildren<QPushButton*>())
        if (button->text() == QStringLiteral("Open completions"))
            QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(w.window.currentPage()->id(), QStringLiteral("apply"));
    QCOMPARE(w.selection().armDigest, QString::fromStdString(setup.foreign.digest()));
    w.open("transfer");
    QTest::mouseClick(matrix, Qt::LeftButton, {}, cell(*matrix, 2, 0));
    QCOMPARE(w.inspected(QStringLiteral("Reason")), QStringLiteral("640 ≠ 576"));
}

void PagesTest::overviewNamesTheNextStep() {
    const std::pair<sample::Stage, const char*> steps[] = {
        {sample::Stage::Study, "Next: find SmolLM2 135M"},
        {sample::Stage::Models, "Next: extract verse from SmolLM2 135M"},
        {sample::Stage::Extracted, "Next: calibrate SmolLM2 135M"},
        {sample::Stage::Calibrated, "Next: measure 4 transfer cells"},
        {sample::Stage::Complete, "Everything in the study is measured"},
    };
    Window w;
    for (const auto& [stage, title] : steps) {
        w.window.setView(sample::view(stage), true);
        bool there = false;
        for (auto* label : w.overview->findChildren<QLabel*>())
            there = there || (label->isVisible() && label->text() == QString::fromUtf8(title));
        QVERIFY2(there, title);
    }
}

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    Theme theme(application);
    PagesTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "pages_test.moc"
