// The choice of k and strength. Doses by hand: alpha = strength x raw norm (5, 2, 10 at k 1, 2, 3), over the
// median norm 50.
#include "core/base/json_reader.h"
#include "core/results/calibrate.h"
#include "tests/core/checks.h"
#include "tests/core/results/example_view.h"

#include <map>
#include <QTest>

using namespace azimuth;
using namespace azimuth::checks;
using namespace azimuth::example;

namespace {

constexpr int prompts = 12;
using Cell = std::pair<std::int64_t, double>; // k, strength

struct Sweep {
    Example example{prompts, 1};
    std::map<Cell, std::string> outcomes; // letters; settings that are not named: nothing coherent
    std::string control = letters(0, 'c', prompts);

    Sweep() {
        example.add("one");
        example.banks.push_back(bankOf(example.find("one"), "verse"));
    }

    SweepGrid& grid() { return example.study.sweep; }

    Calibration calibration() {
        example.completions.clear();
        example.labels.clear();
        example.put("one", PromptRole::Calibration, controlArm(), control);
        for (const auto& setting : sweepSettings(example.find("one"), example.banks[0], grid())) {
            const auto found = outcomes.find({setting.k, setting.gridStrength});
            example.put("one", PromptRole::Calibration, setting.arm,
                        found == outcomes.end() ? letters(0, 'c', prompts) : found->second);
        }
        return calibrate(example.view(), example.study, example.verse(), example.find("one"));
    }
};

std::string coherent(int count) { return letters(count, 'c', prompts); }

} // namespace

class CalibrateTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void incomplete() {
        Sweep sweep;
        sweep.control = "nnnnnnnnnnn.";
        sweep.outcomes[{2, 0.8}] = "cccccccccc..";
        auto found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::Incomplete && !found.chosen);
        QCOMPARE(found.reason, std::string("153 of 156 completions of the sweep are there")); // 13 arms x 12
        sweep.control = "nnnnnnnnnnn?";
        sweep.outcomes[{2, 0.8}] = "cccccccccc??";
        found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::Incomplete);
        QCOMPARE(found.reason, std::string("153 of 156 completions of the sweep are judged"));
        sweep.example.banks.clear();
        found = calibrate(sweep.example.view(), sweep.example.study, sweep.example.verse(),
                          sweep.example.find("one"));
        QVERIFY(found.status == CalibrationStatus::Incomplete);
        QCOMPARE(found.reason, std::string("the directions of one are not extracted yet"));
    }

    // Best 10 of 12 at k 2 x 1.2; its standard error is sqrt(10 - 100/12)/12 = 1.29 prompts, so 9 is as good
    // and 8 is not.
    void smallestDoseWithinOneStandardError() {
        Sweep sweep;
        sweep.outcomes[{2, 1.2}] = coherent(10);
        sweep.outcomes[{2, 0.8}] = coherent(9);
        sweep.outcomes[{2, 0.4}] = coherent(8);
        sweep.outcomes[{1, 1.2}] = coherent(9); // larger dose: 6 / 50 against 1.6 / 50
        const auto found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::Chosen);
        QCOMPARE(found.choice()->k, std::int64_t{2});
        QCOMPARE(found.choice()->gridStrength, 0.8);
        QCOMPARE(found.choice()->alpha, 1.6);
        QCOMPARE(found.choice()->dose, 1.6 / 50);
        QCOMPARE(
            found.reason,
            std::string("k 2, strength 1.60 (0.8 \u00d7 raw norm): 9 of 12 coherent against 0 of 12 without "
                        "steering, none garbled; smallest dose within one standard error of the best (10 of "
                        "12 at k 2, strength 2.40 (1.2 \u00d7 raw norm))"));
        QCOMPARE(found.points.size(), std::size_t{12});
        QVERIFY(found.points[5].k == 2 && found.points[5].coherent == 9 && found.points[5].n == 12);
        QCOMPARE(found.controlN, std::int64_t{12});
        QCOMPARE(found.bankKey, sweep.example.banks[0].key);
    }

    // 12 of 12 against 0 of 12 has the standard error 0: only ties count.
    void ceiling() {
        Sweep sweep;
        sweep.outcomes[{2, 1.2}] = coherent(12);
        sweep.outcomes[{2, 0.8}] = coherent(11);
        auto found = sweep.calibration();
        QCOMPARE(found.choice()->gridStrength, 1.2);
        QCOMPARE(
            found.reason,
            std::string("k 2, strength 2.40 (1.2 \u00d7 raw norm): 12 of 12 coherent against 0 of 12 without "
                        "steering, none garbled; the best of 12 settings"));
        sweep.outcomes[{1, 0.4}] = coherent(12); // alpha 2, the smaller dose
        found = sweep.calibration();
        QCOMPARE(found.choice()->k, std::int64_t{1});
    }

    // The control's own rate enters the pairs: the same prompts are coherent without steering.
    void controlIsPaired() {
        Sweep sweep;
        sweep.control = coherent(8);
        sweep.outcomes[{2, 0.8}] = coherent(10);
        auto found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::NothingSteers);
        QCOMPARE(found.reason,
                 std::string(
                     "nothing steers: the best of 12 settings that stay readable is k 2, strength 1.60 (0.8 "
                     "\u00d7 raw norm): 10 of 12 coherent against 8 of 12 without steering, none garbled"));
        QVERIFY(!found.chosen);
    }

    // 3 of 12 against none: Newcombe's interval reaches below 0 (.25 - .291); 4 of 12 does not (.333 - .311).
    void whatSteers() {
        Sweep sweep;
        sweep.outcomes[{2, 0.8}] = coherent(3);
        QVERIFY(sweep.calibration().status == CalibrationStatus::NothingSteers);
        sweep.outcomes[{2, 0.8}] = coherent(4);
        QVERIFY(sweep.calibration().status == CalibrationStatus::Chosen);
    }

    void garbledSettingsAreLeftOut() {
        Sweep sweep;
        sweep.outcomes[{2, 1.2}] = "ccccccccccgn"; // 1 of 12 is 8 %
        sweep.outcomes[{2, 0.8}] = coherent(7);
        auto found = sweep.calibration();
        QCOMPARE(found.choice()->gridStrength, 0.8);
        sweep.grid().garbledLimit = 1.0 / 12; // the limit itself is allowed
        found = sweep.calibration();
        QCOMPARE(found.choice()->gridStrength, 1.2);
        QVERIFY(found.reason.find(", 1 garbled;") != std::string::npos);
        sweep.grid().garbledLimit = 0.05;
        sweep.outcomes.clear();
        for (const auto k : {1, 2, 3})
            for (const auto strength : sweep.grid().strengths)
                sweep.outcomes[{k, strength}] = "gggggggggggg";
        found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::NothingSteers);
        QCOMPARE(found.reason, std::string("nothing steers: all 12 settings have more than 5 % garbled"));
    }

    void edges_data() {
        QTest::addColumn<QList<int>>("ks");
        QTest::addColumn<QList<double>>("strengths");
        QTest::addColumn<int>("k");
        QTest::addColumn<double>("strength");
        QTest::addColumn<int>("count");
        QTest::addColumn<QString>("edge"); // empty: bracketed
        const QList<int> ks{1, 2, 3};
        const QList<double> strengths{0.4, 0.8, 1.2};
        QTest::newRow("inside") << ks << strengths << 2 << 0.8 << 10 << QString();
        QTest::newRow("lowest strength")
            << ks << strengths << 2 << 0.4 << 10 << QStringLiteral("0.4 is the lowest strength of the grid");
        QTest::newRow("highest strength")
            << ks << strengths << 2 << 1.2 << 10 << QStringLiteral("1.2 is the highest strength of the grid");
        QTest::newRow("highest strength, all coherent") << ks << strengths << 2 << 1.2 << 12 << QString();
        QTest::newRow("last k") << ks << strengths << 3 << 0.8 << 10
                                << QStringLiteral("k 3 is the last of the grid");
        QTest::newRow("last k of the model")
            << QList<int>{2, 3, 4} << strengths << 4 << 0.8 << 10 << QString();
        QTest::newRow("first k") << QList<int>{2, 3} << strengths << 2 << 0.8 << 10
                                 << QStringLiteral("k 2 is the first of the grid");
        // R[0] does not differ between the classes: there is nothing before R[1].
        QTest::newRow("first k that differs") << ks << strengths << 1 << 0.8 << 10 << QString();
        QTest::newRow("one k") << QList<int>{2} << strengths << 2 << 0.8 << 10 << QString();
        QTest::newRow("one strength") << ks << QList<double>{0.8} << 2 << 0.8 << 10 << QString();
        QTest::newRow("a corner")
            << ks << strengths << 3 << 1.2 << 10
            << QStringLiteral("1.2 is the highest strength of the grid and k 3 is the last of the grid");
    }
    void edges() {
        QFETCH(QList<int>, ks);
        QFETCH(QList<double>, strengths);
        QFETCH(int, k);
        QFETCH(double, strength);
        QFETCH(int, count);
        QFETCH(QString, edge);
        Sweep sweep;
        sweep.grid().ks.assign(ks.begin(), ks.end());
        sweep.grid().strengths.assign(strengths.begin(), strengths.end());
        sweep.outcomes[{k, strength}] = coherent(count);
        const auto found = sweep.calibration();
        QVERIFY(found.choice() && found.choice()->k == k && found.choice()->gridStrength == strength);
        QVERIFY2((found.status == CalibrationStatus::Chosen) == edge.isEmpty(), found.reason.c_str());
        const auto expected = edge.isEmpty() ? std::string() : "; not bracketed: " + edge.toStdString();
        const auto at = found.reason.find("; not bracketed");
        QCOMPARE(at == std::string::npos ? std::string() : found.reason.substr(at), expected);
    }

    // The choice lies inside, but the highest rate is at the grid's end: beyond it may lie a higher one.
    void optimumOnTheEdge() {
        Sweep sweep;
        sweep.outcomes[{2, 1.6}] = coherent(10);
        sweep.outcomes[{2, 1.2}] = coherent(9);
        const auto found = sweep.calibration();
        QCOMPARE(found.choice()->gridStrength, 1.2);
        QVERIFY(found.status == CalibrationStatus::NotBracketed);
    }

    void studyRule() {
        Sweep sweep;
        sweep.grid().rule = CalibrationRule::Study2026;
        sweep.outcomes[{2, 0.4}] = coherent(3);    // collapsed: 3 of at most 11
        sweep.outcomes[{2, 0.8}] = "ccccccccnnng"; // 8 coherent, 1 garbled
        sweep.outcomes[{2, 1.2}] = "ccccccccccbn"; // 10 coherent, 1 garbled, behaviour in 11
        sweep.outcomes[{2, 1.6}] = "ccccccccccgg"; // 2 garbled
        auto found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::Chosen);
        QCOMPARE(found.choice()->gridStrength, 1.2);
        sweep.outcomes[{1, 0.8}] = coherent(6); // none garbled, 6 of 11 is no collapse
        found = sweep.calibration();
        QCOMPARE(found.choice()->k, std::int64_t{1});
        QVERIFY(found.reason.find("rule of study 2026") != std::string::npos);
        sweep.outcomes.clear();
        QVERIFY(sweep.calibration().status == CalibrationStatus::NothingSteers);
    }

    void identityOfTheRecord() {
        Sweep sweep;
        sweep.outcomes[{2, 0.8}] = coherent(9);
        auto first = sweep.calibration();
        const auto view = sweep.example.view();
        const auto& model = sweep.example.find("one");
        auto later =
            calibrate(view, sweep.example.study, sweep.example.verse(), model, "2026-03-14T09:26:53Z");
        QCOMPARE(later.id, first.id); // the time does not count
        QCOMPARE(later.created, std::string("2026-03-14T09:26:53Z"));
        const Json json = toJson(first);
        JsonReader reader(json, "calibration");
        QCOMPARE(canonicalJson(toJson(readCalibration(reader.root()))), canonicalJson(json));

        sweep.example.calibrations.push_back(first);
        QVERIFY(
            !calibrationOutOfDate(sweep.example.view(), sweep.example.study, sweep.example.verse(), model));
        sweep.example.label(sweep.example.completions.back().key, 'c', Label::Source::Human);
        QVERIFY(
            calibrationOutOfDate(sweep.example.view(), sweep.example.study, sweep.example.verse(), model));
        sweep.outcomes[{2, 0.8}] = coherent(8);
        QVERIFY(sweep.calibration().id != first.id);
    }

    void nothingToSweep() {
        Sweep sweep;
        sweep.grid().ks = {0};
        const auto found = sweep.calibration();
        QVERIFY(found.status == CalibrationStatus::NothingSteers);
        QCOMPARE(found.reason,
                 std::string("nothing steers: the two classes do not differ at any k of the grid"));
        sweep.example.study.concepts[0].sets.erase(PromptRole::Calibration);
        QCOMPARE(codeOf([&] {
                     calibrate(sweep.example.view(), sweep.example.study, sweep.example.verse(),
                               sweep.example.find("one"));
                 }),
                 std::string("results.prompts"));
    }
};

QTEST_APPLESS_MAIN(CalibrateTest)
#include "calibrate_test.moc"
