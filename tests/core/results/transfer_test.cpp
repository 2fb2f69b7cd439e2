// The matrix and the arms it needs. Intervals are Newcombe's published and re-computed goldens (50 and 100
// prompts).
#include "core/results/sweep.h"
#include "core/results/transfer_matrix.h"
#include "core/results/transfer_plan.h"
#include "tests/core/checks.h"
#include "tests/core/results/example_view.h"

#include <QTest>

using namespace azimuth;
using namespace azimuth::checks;
using namespace azimuth::example;

namespace {

Calibration chosenAt(const Model& model, std::int64_t k, double alpha) {
    Calibration calibration;
    calibration.modelIdentity = model.identity;
    calibration.conceptName = "verse";
    calibration.status = CalibrationStatus::Chosen;
    SweepPoint point;
    point.k = k;
    point.alpha = alpha;
    point.gridStrength = 0.8;
    calibration.points = {point};
    calibration.chosen = 0;
    return calibration;
}

// fp32 and bf16: the same weights. other: width 2 but 8 blocks and other weights. wide: width 3, not
// calibrated by choice.
Example fourModels(int prompts) {
    Example example(2, prompts);
    example.add("fp32");
    example.add("bf16", "weights", Precision::Bf16);
    example.add("other", "other weights").blocks = 8;
    example.add("wide", "wide weights").width = 3;
    example.study.models[3].calibrate = false;
    for (const auto* name : {"fp32", "bf16"})
        example.banks.push_back(bankOf(example.find(name), "verse"));
    auto bank = bankOf(example.find("other"), "verse");
    bank.ks = 9; // R[6] is (0, 2), at the depth of R[3] of 4
    bank.rawNorm = ArrayD({1, 9}, {0, 1, 1, 1, 1, 1, 2, 1, 1});
    bank.medianNorm = ArrayD({1, 9}, std::vector<double>(9, 10));
    bank.tensor = ArrayF({1, 9, 2}, {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 2, 1, 0, 1, 0});
    example.banks.push_back(bank);
    example.calibrations.push_back(chosenAt(example.find("fp32"), 3, 5.5));
    example.calibrations.push_back(chosenAt(example.find("bf16"), 1, 4.5));
    return example;
}

TransferSetup setupOf(const Example& example, int source, int target) {
    return transferSetup(example.view(), example.study, example.verse(),
                         example.study.models[static_cast<std::size_t>(source)],
                         example.study.models[static_cast<std::size_t>(target)]);
}

std::string kindText(const std::optional<NotMeasured>& why) {
    return why ? toString(why->kind) + ": " + why->shortReason : std::string();
}

} // namespace

class TransferTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void arms() {
        const auto example = fourModels(4);
        const auto setup = setupOf(example, 2, 0); // other on fp32
        QVERIFY(!setup.notMeasured && setup.kind == CellKind::ModelTransfer);
        QCOMPARE(setup.k, std::int64_t{3});
        QCOMPARE(setup.sourceK, std::int64_t{6}); // the same depth
        const auto& own = setup.own.interventions.at(0);
        const auto& foreign = setup.foreign.interventions.at(0);
        QCOMPARE(own.direction, directionDigest({0.6f, 0.8f}));
        QCOMPARE(foreign.direction, directionDigest({0, 1}));
        QVERIFY(own.strength == 5.5 && foreign.strength == 5.5 && foreign.kFrom == 3 && foreign.kTo == 3);
        QVERIFY(near(setup.cosine, 0.8, 1e-7));
        QVERIFY(setup.sourceRawNorm == 2 && setup.targetRawNorm == 10);
        QCOMPARE(setup.foreign.name,
                 std::string("direction of other at k 3, strength 5.50 (0.8 \u00d7 raw norm)"));
    }

    // The own arm is the one that the sweep ran, so its completions on other prompts join it under one
    // digest.
    void ownArmIsTheSweepsArm() {
        auto example = fourModels(4);
        const auto swept = sweepSetting(example.find("fp32"), example.banks[0], example.study.sweep, 3, 0.8);
        example.calibrations.push_back(chosenAt(example.find("fp32"), 3, swept.alpha));
        QCOMPARE(setupOf(example, 0, 0).own.digest(), swept.arm.digest());
        QCOMPARE(setupOf(example, 0, 0).own.name, swept.arm.name);
    }

    void whyNotMeasured() {
        auto example = fourModels(4);
        QCOMPARE(kindText(setupOf(example, 0, 3).notMeasured), std::string("cannot: 2 \u2260 3"));
        QCOMPARE(
            setupOf(example, 0, 3).notMeasured->reason,
            std::string(
                "A direction of width 2 (fp32) cannot be added to a residual stream of width 3 (wide)."));
        QCOMPARE(kindText(setupOf(example, 3, 0).notMeasured), std::string("cannot: 3 \u2260 2"));
        QCOMPARE(kindText(setupOf(example, 3, 3).notMeasured), std::string("by-choice: not calibrated"));
        QCOMPARE(kindText(setupOf(example, 0, 2).notMeasured), std::string("not-yet: no strength"));
        auto failed = chosenAt(example.find("other"), 3, 1);
        failed.chosen.reset();
        failed.status = CalibrationStatus::NothingSteers;
        failed.reason = "nothing steers: all 12 settings have more than 5 % garbled";
        example.calibrations.push_back(failed);
        QCOMPARE(kindText(setupOf(example, 0, 2).notMeasured), std::string("failed: nothing steers"));
        example.banks.pop_back();
        QCOMPARE(kindText(setupOf(example, 2, 0).notMeasured), std::string("not-yet: not extracted"));
        example.study.transfer = false;
        QCOMPARE(kindText(setupOf(example, 1, 0).notMeasured), std::string("by-choice: left out"));
        QVERIFY(!setupOf(example, 0, 0).notMeasured);
        example.study.concepts[0].sets.erase(PromptRole::TestInduce);
        QCOMPARE(kindText(setupOf(example, 0, 0).notMeasured), std::string("by-choice: no prompts"));
    }

    void notResolvedYet() {
        const auto example = fourModels(4);
        auto view = example.view();
        view.modelIdentities[1].clear();
        const auto setup = transferSetup(view, example.study, example.verse(), example.study.models[0],
                                         example.study.models[1]);
        QCOMPARE(kindText(setup.notMeasured), std::string("not-yet: not found"));
    }

    void noDirectionAtTheSourcesDepth() {
        auto example = fourModels(4);
        example.banks[1].rawNorm = ArrayD({1, 5}, {0, 5, 2, 0, 1});
        QCOMPARE(kindText(setupOf(example, 1, 0).notMeasured), std::string("cannot: no direction"));
    }

    void runs() {
        const auto example = fourModels(4);
        const auto runs = transferRuns(example.view(), example.study, example.verse());
        // Two calibrated targets; bf16's direction at R[3] is fp32's, so its arm on fp32 is the own one: run
        // once.
        std::string text;
        for (const auto& run : runs)
            text += run.target + (run.role == TransferRun::Role::Control ? " control" : " by " + run.source) +
                    "; ";
        QCOMPARE(text,
                 std::string("fp32 control; fp32 by fp32; fp32 by other; bf16 control; bf16 by bf16; bf16 by "
                             "other; "));
        QVERIFY(runs[0].arm.isControl());
        QCOMPARE(runs[3].targetIdentity, example.models[1].identity);
    }

    void cells() {
        auto example = fourModels(50);
        const auto own = setupOf(example, 0, 0).own, foreign = setupOf(example, 2, 0).foreign;
        // Pairs of foreign and control: 36 both, 12 only foreign, 2 only control, 0 neither.
        example.put("fp32", PromptRole::TestInduce, foreign, letters(48, 'c', 50, 'g'));
        example.put("fp32", PromptRole::TestInduce, controlArm(),
                    letters(36, 'c', 48) + "cc"); // coherent: 0..35, 48, 49
        example.put("fp32", PromptRole::TestInduce, own, letters(50, 'c', 50));
        const auto matrix = transferMatrix(example.view(), example.study, example.verse());
        QCOMPARE(matrix.models, (std::vector<std::string>{"fp32", "bf16", "other", "wide"}));
        QCOMPARE(matrix.cells.size(), std::size_t{16});

        const auto& cell = matrix.at(2, 0);
        QVERIFY(!cell.notMeasured && cell.kind == CellKind::ModelTransfer);
        QVERIFY(cell.source == "other" && cell.target == "fp32" && cell.conceptName == "verse" &&
                cell.k == 3);
        QCOMPARE(cell.foreign.value, 0.96);
        QCOMPARE(cell.control.value, 0.76);
        QCOMPARE(cell.own.value, 1.0);
        QCOMPARE(cell.foreignGarbled.count, std::int64_t{2});
        QCOMPARE(cell.te, 0.96);
        QVERIFY(near(cell.excess, 0.2, 1e-12));
        QVERIFY(near(cell.excessLow, .056930, 6e-7) && near(cell.excessHigh, .340428, 6e-7));
        QVERIFY(near(cell.excessTe, 0.2 / 0.24, 1e-12));
        QVERIFY(near(cell.difference, -0.04, 1e-12));
        QVERIFY(cell.differenceLow < -0.04 && cell.differenceHigh > -0.04);
        QVERIFY(std::isnan(cell.excessTeLow));

        const auto& diagonal = matrix.at(0, 0);
        QVERIFY(!diagonal.notMeasured && diagonal.kind == CellKind::Own && diagonal.te == 1);
        QVERIFY(near(diagonal.excessTe, 1, 1e-12));
        // bf16's direction is the same one here; its cell is measured, and is no transfer between models.
        const auto& precision = matrix.at(1, 0);
        QVERIFY(!precision.notMeasured && precision.kind == CellKind::PrecisionTransfer);
        QCOMPARE(measuredModelTransfers(matrix), std::size_t{1});
        QVERIFY(matrix.at(3, 1).notMeasured->kind == NotMeasured::Kind::Cannot);
    }

    void missingCompletions() {
        auto example = fourModels(4);
        example.put("fp32", PromptRole::TestInduce, setupOf(example, 0, 0).own, "cc..");
        example.put("fp32", PromptRole::TestInduce, controlArm(), "nnnn");
        auto cell = transferMatrix(example.view(), example.study, example.verse()).at(2, 0);
        QCOMPARE(kindText(cell.notMeasured), std::string("not-yet: not yet"));
        QCOMPARE(cell.notMeasured->reason, std::string("6 of 12 completions are there."));
        QVERIFY(std::isnan(cell.te) && std::isnan(cell.excess));
        QVERIFY(near(cell.cosine, 0.8, 1e-7)); // known without a completion
        example.put("fp32", PromptRole::TestInduce, setupOf(example, 2, 0).foreign, "c???");
        example.put("fp32", PromptRole::TestInduce, setupOf(example, 0, 0).own, "..cc");
        cell = transferMatrix(example.view(), example.study, example.verse()).at(2, 0);
        QCOMPARE(kindText(cell.notMeasured), std::string("not-yet: not judged"));
        QCOMPARE(cell.notMeasured->reason, std::string("9 of 12 completions are judged."));
    }

    void ownDirectionDoesNotSteer() {
        auto example = fourModels(100);
        const auto own = setupOf(example, 0, 0).own, foreign = setupOf(example, 2, 0).foreign;
        example.put("fp32", PromptRole::TestInduce, controlArm(), letters(0, 'c', 100));
        example.put("fp32", PromptRole::TestInduce, foreign, letters(15, 'c', 100));
        example.put("fp32", PromptRole::TestInduce, own, letters(19, 'c', 100)); // surely above 0, but rare
        auto matrix = transferMatrix(example.view(), example.study, example.verse());
        QCOMPARE(kindText(matrix.at(2, 0).notMeasured), std::string("failed: own rate 19 %"));
        QCOMPARE(
            matrix.at(2, 0).notMeasured->reason,
            std::string(
                "The own direction of fp32 does not steer it: 19 of 100 coherent (19 %) against 0 of 100 "
                "coherent (0 %) without steering; at least 20 % are needed."));
        QCOMPARE(matrix.at(2, 0).foreign.count, std::int64_t{15}); // the rates are there
        QVERIFY(std::isnan(matrix.at(2, 0).te) && std::isnan(matrix.at(2, 0).excessTe));
        QVERIFY(!matrix.at(0, 0).notMeasured); // the diagonal shows the own rate
        QVERIFY(std::isnan(matrix.at(0, 0).te));

        // 60 both, 8 only own, 5 only control, 27 neither: the interval of the difference includes 0.
        example.completions.clear();
        example.labels.clear();
        example.put("fp32", PromptRole::TestInduce, own, letters(68, 'c', 100));
        example.put("fp32", PromptRole::TestInduce, controlArm(), letters(60, 'c', 68) + letters(5, 'c', 32));
        example.put("fp32", PromptRole::TestInduce, foreign, letters(15, 'c', 100));
        matrix = transferMatrix(example.view(), example.study, example.verse());
        QVERIFY(matrix.at(2, 0).notMeasured->reason.find("includes 0") != std::string::npos);
        // 20 of 100 against none is enough.
        example.completions.clear();
        example.labels.clear();
        example.put("fp32", PromptRole::TestInduce, own, letters(20, 'c', 100));
        example.put("fp32", PromptRole::TestInduce, controlArm(), letters(0, 'c', 100));
        example.put("fp32", PromptRole::TestInduce, foreign, letters(15, 'c', 100));
        matrix = transferMatrix(example.view(), example.study, example.verse());
        QVERIFY(!matrix.at(2, 0).notMeasured);
        QVERIFY(near(matrix.at(2, 0).excessTe, 0.75, 1e-12));
    }
};

QTEST_APPLESS_MAIN(TransferTest)
#include "transfer_test.moc"
