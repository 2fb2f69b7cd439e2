// Expected values: closed forms, and the exact null's table evaluated in pure Python.
#include "core/geometry/cosine.h"
#include "tests/core/checks.h"

#include <cmath>
#include <QTest>
#include <random>

using namespace azimuth;
using namespace azimuth::checks;

class GeometryTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void twoDirections() {
        const std::vector<float> a{3, 4}, b{4, 3}, c{-3, -4}, zero{0, 0};
        QVERIFY(near(cosine(a, b), 24.0 / 25, 1e-15));
        QCOMPARE(cosine(a, c), -1.0);
        QVERIFY(std::isnan(cosine(a, zero)));
        const std::vector<float> infinite{INFINITY, 0};
        QVERIFY(std::isnan(cosine(a, infinite)));
        const std::vector<float> longer{1, 2, 3};
        QCOMPARE(codeOf([&] { cosine(a, longer); }), std::string("geometry.width"));
        QVERIFY(messageOf([&] { cosine(a, longer); }).find("2 and 3") != std::string::npos);
    }

    // Single precision would lose the small component beside 4,096 large ones.
    void accumulatesInDouble() {
        std::vector<float> a(4097, 1.0f), b(4097, 1.0f);
        b[0] = -1.0f;
        QVERIFY(near(cosine(a, b), 4095.0 / 4097, 1e-14));
    }

    void matrix() {
        const ArrayF rows({4, 2}, {1, 0, 1, 1, 0, 0, -2, 0});
        const auto matrix = cosineMatrix(rows);
        QCOMPARE(matrix.shape(), (std::vector<std::int64_t>{4, 4}));
        QCOMPARE(matrix.at(0, 0), 1.0);
        QVERIFY(near(matrix.at(0, 1), std::sqrt(0.5), 1e-15));
        QCOMPARE(matrix.at(0, 3), -1.0);
        for (int i = 0; i < 4; ++i) {
            QVERIFY(std::isnan(matrix.at(2, i)));
            QVERIFY(std::isnan(matrix.at(i, 2)));
            for (int j = 0; j < 4; ++j)
                QVERIFY(matrix.at(i, j) == matrix.at(j, i) || std::isnan(matrix.at(i, j)));
        }
        QCOMPARE(codeOf([] { cosineMatrix(ArrayF({8}, std::vector<float>(8))); }),
                 std::string("geometry.shape"));
    }

    void matrixAgreesWithPairs() {
        std::mt19937 generator(5);
        std::normal_distribution<float> normal;
        const std::int64_t n = 9, width = 257;
        std::vector<float> values(static_cast<std::size_t>(n * width));
        for (auto& value : values)
            value = normal(generator);
        const auto matrix = cosineMatrix(ArrayF({n, width}, values));
        for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
                const std::span all(values);
                const auto pair = cosine(all.subspan(static_cast<std::size_t>(i * width), width),
                                         all.subspan(static_cast<std::size_t>(j * width), width));
                QVERIFY(near(matrix.at(i, j), pair, 1e-13));
            }
    }

    void nullTable() {
        struct Row {
            std::int64_t width;
            double deviation, five, one, tenth, corrected;
        };
        const Row rows[] = {{64, .12500, .2441, .3173, .3988, .4810},
                            {896, .03341, .0655, .0860, .1097, .1350},
                            {2048, .02210, .0433, .0569, .0726, .0895},
                            {3584, .01670, .0327, .0430, .0549, .0677},
                            {8192, .01105, .0217, .0285, .0363, .0448}};
        for (const auto& row : rows) {
            const IsotropicNull null(row.width);
            QVERIFY(near(null.standardDeviation(), row.deviation, 6e-6));
            QVERIFY(near(null.critical(0.05), row.five, 6e-5));
            QVERIFY(near(null.critical(0.01), row.one, 6e-5));
            QVERIFY(near(null.critical(0.001), row.tenth, 6e-5));
            QVERIFY(near(null.critical(0.05 / 1000), row.corrected, 6e-5));
        }
        const IsotropicNull null(2048);
        QVERIFY(near(null.twoSidedP(0.05), .0236154, 6e-8));
        QVERIFY(near(null.twoSidedP(-0.1), 5.7550e-6, 6e-11));
        QCOMPARE(null.twoSidedP(0), 1.0);
        QVERIFY(near(IsotropicNull(3584).z(0.019), 1.137, 1e-3)); // the study's "z = 1.1, chance"
        QCOMPARE(codeOf([] { IsotropicNull(1); }), std::string("geometry.width"));
    }
};

QTEST_APPLESS_MAIN(GeometryTest)
#include "geometry_test.moc"
