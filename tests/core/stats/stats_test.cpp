// Expected values: the published formulas evaluated in pure Python (no library of ours), Newcombe's own
// table, closed forms.
#include "core/stats/bootstrap.h"
#include "core/stats/intervals.h"
#include "core/stats/paired.h"
#include "tests/core/checks.h"

#include <cmath>
#include <numeric>
#include <QTest>
#include <random>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

// Probability of `count` of n, by logarithms.
double binomial(std::int64_t n, std::int64_t count, double p) {
    if (p == 0 || p == 1)
        return (p == 0 ? count == 0 : count == n) ? 1 : 0;
    const auto a = static_cast<double>(n), k = static_cast<double>(count);
    return std::exp(std::lgamma(a + 1) - std::lgamma(k + 1) - std::lgamma(a - k + 1) + k * std::log(p) +
                    (a - k) * std::log1p(-p));
}

} // namespace

class StatsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void quantiles() {
        QVERIFY(near(standardNormalQuantile(0.975), 1.959963984540054, 1e-14));
        QVERIFY(near(standardNormalQuantile(0.5), 0, 1e-15));
        QCOMPARE(codeOf([] { standardNormalQuantile(1); }), std::string("stats.probability"));
    }

    void proportionGoldens() {
        struct Row {
            std::int64_t k, n;
            double wilsonLow, wilsonHigh, exactLow, exactHigh;
        };
        const Row rows[] = {{0, 100, 0, .036993, 0, .036217},
                            {3, 100, .010255, .084519, .006230, .085176},
                            {50, 100, .403832, .596168, .398321, .601679},
                            {97, 100, .915481, .989745, .914824, .993770},
                            {100, 100, .963007, 1, .963783, 1},
                            {1, 10, .017876, .404150, .002529, .445016},
                            {0, 32, 0, .107179, 0, .108881}};
        for (const auto& row : rows) {
            const auto wilson = wilsonInterval(row.k, row.n), exact = clopperPearsonInterval(row.k, row.n);
            QVERIFY(near(wilson.low, row.wilsonLow, 6e-7) && near(wilson.high, row.wilsonHigh, 6e-7));
            QVERIFY(near(exact.low, row.exactLow, 6e-7) && near(exact.high, row.exactHigh, 6e-7));
        }
        QCOMPARE(wilsonInterval(0, 7).low, 0.0);
        QCOMPARE(wilsonInterval(7, 7).high, 1.0);
        QCOMPARE(wilsonInterval(0, 0).low, 0.0);
        QCOMPARE(wilsonInterval(0, 0).high, 1.0);
    }

    void proportionRefusals() {
        QCOMPARE(codeOf([] { wilsonInterval(5, 4); }), std::string("stats.count"));
        QCOMPARE(codeOf([] { wilsonInterval(-1, 4); }), std::string("stats.count"));
        QCOMPARE(codeOf([] { clopperPearsonInterval(1, 4, 1.0); }), std::string("stats.confidence"));
    }

    // Exact coverage: the mean over p of Wilson's is near the nominal value, Clopper-Pearson's is never below
    // it.
    void proportionCoverage() {
        double mean = 0;
        int points = 0;
        for (const std::int64_t n : {12, 30, 100})
            for (double p = 0.01; p < 0.995; p += 0.01) {
                double wilson = 0, exact = 0;
                for (std::int64_t k = 0; k <= n; ++k) {
                    const auto w = wilsonInterval(k, n), e = clopperPearsonInterval(k, n);
                    wilson += (w.low <= p && p <= w.high) ? binomial(n, k, p) : 0;
                    exact += (e.low <= p && p <= e.high) ? binomial(n, k, p) : 0;
                }
                mean += wilson;
                ++points;
                QVERIFY2(exact >= 0.95 - 1e-9, qPrintable(QString::number(exact)));
                QVERIFY2(wilson > 0.83, qPrintable(QString::number(wilson)));
            }
        QVERIFY(near(mean / points, 0.95, 0.01));
    }

    void pairedGoldens() {
        struct Row {
            PairedCounts counts;
            double value, low, high;
        };
        const Row rows[] = {{{36, 12, 2, 0}, .2, .056930, .340428},
                            {{20, 12, 2, 16}, .2, .056156, .329207},
                            {{60, 20, 5, 15}, .15, .053475, .243979},
                            {{50, 0, 0, 50}, 0, -.019234, .019234},
                            {{1, 97, 0, 2}, .97, .903066, .986672}};
        for (const auto& row : rows) {
            const auto found = pairedDifference(row.counts);
            QVERIFY(near(found.value, row.value, 1e-12));
            QVERIFY2(near(found.interval.low, row.low, 6e-7),
                     qPrintable(QString::number(found.interval.low, 'g', 9)));
            QVERIFY2(near(found.interval.high, row.high, 6e-7),
                     qPrintable(QString::number(found.interval.high, 'g', 9)));
        }
        // 11 of 12 against 0 of 12: variance (11 - 121/12)/144.
        QVERIFY(
            near(pairedDifference({0, 11, 0, 1}).standardError, std::sqrt(11.0 - 121.0 / 12) / 12, 1e-15));
        QCOMPARE(pairedDifference({0, 12, 0, 0}).standardError, 0.0);
        QCOMPARE(codeOf([] { pairedDifference({}); }), std::string("stats.count"));
        QCOMPARE(codeOf([] { pairedDifference({3, -1, 0, 0}); }), std::string("stats.count"));
    }

    // Swapping the conditions mirrors the interval.
    void pairedIsSymmetric() {
        for (std::int64_t a = 0; a < 6; ++a)
            for (std::int64_t b = 0; b < 6; ++b)
                for (std::int64_t c = 0; c < 6; ++c) {
                    const auto one = pairedDifference({a, b, c, 2}), other = pairedDifference({a, c, b, 2});
                    QVERIFY(near(one.interval.low, -other.interval.high, 1e-12));
                    QVERIFY(near(one.value, -other.value, 1e-15));
                    QVERIFY(one.interval.low <= one.value && one.value <= one.interval.high);
                    QVERIFY(one.interval.low >= -1 && one.interval.high <= 1);
                }
    }

    // Study's demand: 93 to 97 % over simulated tables, high rates included. At p = 1 against a middling
    // control, too.
    void pairedCoverage_data() {
        QTest::addColumn<double>("first");
        QTest::addColumn<double>("second");
        QTest::addColumn<double>("shared"); // share of prompts whose two answers come from one draw
        QTest::newRow("middle") << 0.6 << 0.4 << 0.0;
        QTest::newRow("middle, correlated") << 0.6 << 0.4 << 0.5;
        QTest::newRow("0.97 against 0.1") << 0.97 << 0.1 << 0.0;
        QTest::newRow("1 against 0.5") << 1.0 << 0.5 << 0.0;
        QTest::newRow("0.3 against 0.2") << 0.3 << 0.2 << 0.3;
    }
    void pairedCoverage() {
        QFETCH(double, first);
        QFETCH(double, second);
        QFETCH(double, shared);
        std::mt19937_64 generator(7);
        const auto uniform = [&] { return static_cast<double>(generator() >> 11) * 0x1p-53; };
        constexpr int tables = 6000, n = 100;
        int covered = 0;
        for (int table = 0; table < tables; ++table) {
            PairedCounts counts;
            for (int i = 0; i < n; ++i) {
                const double u = uniform(), v = uniform() < shared ? u : uniform();
                counts.add(u < first, v < second);
            }
            const auto found = pairedDifference(counts).interval;
            const double truth = first - second;
            covered += found.low <= truth && truth <= found.high;
        }
        const double coverage = static_cast<double>(covered) / tables;
        QVERIFY2(coverage >= 0.93 && coverage <= 0.97, qPrintable(QString::number(coverage)));
    }

    void mcnemarGoldens() {
        QVERIFY(near(mcnemarExactP({0, 10, 2, 0}), .0385742, 6e-8));
        QVERIFY(near(mcnemarMidP({0, 10, 2, 0}), .0224609, 6e-8));
        QCOMPARE(mcnemarExactP({9, 5, 5, 9}), 1.0);
        QVERIFY(near(mcnemarMidP({9, 5, 5, 9}), .7539063, 6e-8));
        QVERIFY(near(mcnemarExactP({0, 6, 0, 3}), .03125, 1e-12));
        QVERIFY(near(mcnemarMidP({0, 0, 6, 3}), .015625, 1e-12));
        QVERIFY(near(mcnemarMidP({0, 1, 0, 0}), .5, 1e-12));
        QCOMPARE(mcnemarMidP({4, 0, 0, 4}), 1.0);
    }

    void quantilesOfSorted() { // numpy.quantile([1, 2, 4, 8], q)
        const std::vector<double> values{1, 2, 4, 8};
        QCOMPARE(sortedQuantile(values, 0), 1.0);
        QCOMPARE(sortedQuantile(values, 1), 8.0);
        QVERIFY(near(sortedQuantile(values, 0.5), 3, 1e-15));
        QVERIFY(near(sortedQuantile(values, 0.025), 1.075, 1e-15));
        QVERIFY(near(sortedQuantile(values, 0.975), 7.7, 1e-12));
    }

    void bootstrapOfAMean() {
        // 30 of 40: the standard error is sqrt(.75 x .25 / 40) = .0685; percentile limits near the mean
        // -+ 1.96 of it.
        const auto mean = [](std::span<const std::size_t> indices) {
            double sum = 0;
            for (const auto i : indices)
                sum += i < 30;
            return sum / static_cast<double>(indices.size());
        };
        const auto found = bootstrapPercentile(40, mean);
        QVERIFY(near(found.interval.low, 0.75 - 1.96 * 0.0685, 0.02));
        QVERIFY(near(found.interval.high, 0.75 + 1.96 * 0.0685, 0.02));
        QCOMPARE(found.dropped, std::int64_t{0});
        QVERIFY(!found.degenerate);
        const auto again = bootstrapPercentile(40, mean);
        QCOMPARE(again.interval.low, found.interval.low);
        QVERIFY(bootstrapPercentile(7, [](auto) { return 2.0; }).degenerate);
    }

    void bootstrapDropsWhatHasNoValue() {
        // One of 3 carries the denominator: a resample misses it with probability (2/3)^3 = .2963.
        const auto ratio = [](std::span<const std::size_t> indices) {
            double below = 0;
            for (const auto i : indices)
                below += i == 0;
            return 1 / below;
        };
        const auto found = bootstrapPercentile(3, ratio, {4000, 0.95, 3});
        QVERIFY(near(static_cast<double>(found.dropped) / 4000, 0.2963, 0.03));
        QVERIFY(std::isnan(bootstrapPercentile(3, [](auto) { return NAN; }, {10, 0.95, 3}).interval.low));
        QCOMPARE(codeOf([&] { bootstrapPercentile(0, ratio); }), std::string("bootstrap.size"));
    }
};

QTEST_APPLESS_MAIN(StatsTest)
#include "stats_test.moc"
