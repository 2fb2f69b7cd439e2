// Grids into arms, and the maps of a bank; every number by hand from example_view.h.
#include "core/results/layer_map.h"
#include "core/results/sweep.h"
#include "tests/core/checks.h"
#include "tests/core/results/example_view.h"

#include <QTest>

using namespace azimuth;
using namespace azimuth::checks;
using namespace azimuth::example;

class SweepTest : public QObject {
    Q_OBJECT
    Example m_example{2, 2};
    Model m_model;
    DirectionBank m_bank;
    SweepGrid m_grid;

private Q_SLOTS:
    void init() {
        m_example = Example(2, 2);
        m_model = m_example.add("one");
        m_bank = bankOf(m_model, "verse");
        m_grid = m_example.study.sweep;
    }

    void units() {
        m_grid.unit = StrengthUnit::RawNorm;
        auto setting = sweepSetting(m_model, m_bank, m_grid, 3, 0.5);
        QCOMPARE(setting.alpha, 5.0);
        QCOMPARE(setting.dose, 5.0 / 50);
        QCOMPARE(setting.arm.name, std::string("k 3, strength 5.00 (0.5 \u00d7 raw norm)"));
        m_grid.unit = StrengthUnit::MedianNorm;
        setting = sweepSetting(m_model, m_bank, m_grid, 3, 0.5);
        QCOMPARE(setting.alpha, 20.0);
        QCOMPARE(setting.dose, 20.0 / 50);
        m_grid.unit = StrengthUnit::Alpha;
        setting = sweepSetting(m_model, m_bank, m_grid, 3, 0.5);
        QCOMPARE(setting.alpha, 0.5);
        QCOMPARE(setting.arm.name, std::string("k 3, strength 0.500"));
    }

    void spans() {
        auto edit = sweepArm(m_model, m_bank, m_grid, 1, 2).interventions.at(0);
        QVERIFY(edit.kFrom == 1 && edit.kTo == 1 && edit.operation == Operation::Add);
        QCOMPARE(edit.strength, 10.0);
        // The unit direction (0.6, 0.8) as F32, little endian.
        QCOMPARE(edit.direction, directionDigest({0.6f, 0.8f}));
        m_grid.span = SpanPolicy::ToLast;
        const auto setting = sweepSetting(m_model, m_bank, m_grid, 1, 2);
        edit = setting.arm.interventions.at(0);
        QVERIFY(edit.kFrom == 1 && edit.kTo == 4);
        QCOMPARE(setting.dose, 10.0 * 4 / 50); // R[1], R[2], R[3], R[4]
    }

    void wholeGrid() {
        m_grid.ks = {3, 0, 1, 9};
        m_grid.strengths = {2, 1};
        const auto settings = sweepSettings(m_model, m_bank, m_grid);
        QCOMPARE(settings.size(), std::size_t{4}); // R[0] does not differ, R[9] is not there
        QVERIFY(settings[0].k == 1 && settings[0].gridStrength == 2);
        QVERIFY(settings[1].k == 1 && settings[1].gridStrength == 1);
        QVERIFY(settings[3].k == 3 && settings[3].alpha == 10);
        for (const auto& setting : settings)
            QCOMPARE(setting.arm.digest(),
                     sweepArm(m_model, m_bank, m_grid, setting.k, setting.gridStrength).digest());
        m_grid.ks.clear();
        m_grid.depths = {0.24, 0.26, 1}; // of 4 blocks: 1, 1, 4
        QCOMPARE(sweepSettings(m_model, m_bank, m_grid).size(), std::size_t{4});
    }

    void roundingIsNoDirection() {
        m_bank.rawNorm = ArrayD({1, 5}, {1e-14, 5, 2, 10, NAN});
        QVERIFY(!pointsSomewhere(m_bank, -1, 0));
        QVERIFY(pointsSomewhere(m_bank, -1, 1));
        QVERIFY(!pointsSomewhere(m_bank, -1, 4));
        QVERIFY(!pointsSomewhere(m_bank, -1, 5));
    }

    void refusals() {
        QCOMPARE(codeOf([&] { sweepSetting(m_model, m_bank, m_grid, 0, 1); }), std::string("direction.zero"));
        QCOMPARE(codeOf([&] { sweepSetting(m_model, m_bank, m_grid, 5, 1); }), std::string("direction.k"));
        m_bank.medianNorm = ArrayD({1, 5}, {1, 10, 20, 40, 0});
        QCOMPARE(codeOf([&] { sweepSetting(m_model, m_bank, m_grid, 1, 1); }), std::string("direction.norm"));
        m_model.blocks = 6;
        QCOMPARE(codeOf([&] { sweepSettings(m_model, m_bank, m_grid); }), std::string("sweep.model"));
        QVERIFY(controlArm().isControl());
    }

    void layers() {
        const auto map = layerMap(m_bank);
        QCOMPARE(map.value.shape(), (std::vector<std::int64_t>{1, 5}));
        const double expected[] = {0, 0.5, 0.1, 0.25, 0.02};
        for (int k = 0; k < 5; ++k)
            QCOMPARE(map.value.at(0, k), expected[k]);
        m_bank.medianNorm = ArrayD({1, 5}, {0, 10, 20, 40, 50});
        QVERIFY(std::isnan(layerMap(m_bank).value.at(0, 0)));
    }

    void cosinesByK() {
        const auto matrix = kCosine(m_bank, -1);
        QVERIFY(std::isnan(matrix.at(0, 0)) && std::isnan(matrix.at(0, 3)));
        QVERIFY(near(matrix.at(1, 2), 0.8, 1e-7));  // (3,4) and (0,2)
        QVERIFY(near(matrix.at(1, 3), 1.0, 1e-12)); // (3,4) and (6,8)
        QVERIFY(near(matrix.at(3, 4), -0.8, 1e-7)); // (6,8) and (0,-1)
        QCOMPARE(codeOf([&] { kCosine(m_bank, -2); }), std::string("direction.position"));
        m_bank.tensor = {};
        QCOMPARE(codeOf([&] { kCosine(m_bank, -1); }), std::string("direction.unread"));
    }
};

QTEST_APPLESS_MAIN(SweepTest)
#include "sweep_test.moc"
