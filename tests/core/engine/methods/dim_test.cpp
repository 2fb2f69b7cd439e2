// Difference in means against sums written out here.
#include "core/engine/methods/dim.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <cmath>

using namespace azimuth;

namespace {

DimRequest request() {
    DimRequest result;
    result.positions = 3;
    std::uint32_t seed = 40;
    for (const std::int64_t length : {3, 9, 20, 31, 7})
        result.positive.push_back(tiny::ids(length, seed++));
    for (const std::int64_t length : {12, 4, 18})
        result.negative.push_back(tiny::ids(length, seed++));
    return result;
}

} // namespace

class DimTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void equalsPlainMeans() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const auto found = differenceInMeans(decoder, request());
        QCOMPARE(found.positions, (std::vector<std::int32_t>{-3, -2, -1}));
        QCOMPARE(found.raw.shape(), (std::vector<std::int64_t>{3, 5, 48}));
        QCOMPARE(found.positiveCount, std::int64_t{5});
        QCOMPARE(found.negativeCount, std::int64_t{3});

        // One prompt at a time, and means by tensor operations in float64.
        CaptureOptions options;
        options.ks = {0, 1, 2, 3, 4};
        std::vector<at::Tensor> classes[2]; // [prompt]: [k][position][d]
        for (const bool positive : {false, true})
            for (const auto& ids : positive ? request().positive : request().negative) {
                const auto length = static_cast<std::int64_t>(ids.size());
                const auto rows = captureRows(decoder, {{ids, {length - 3, length - 2, length - 1}}}, options);
                classes[positive].push_back(at::stack(rows).to(at::kDouble));
            }
        const at::Tensor expected = at::stack(classes[1]).mean(0) - at::stack(classes[0]).mean(0);
        std::vector<at::Tensor> all = classes[0];
        all.insert(all.end(), classes[1].begin(), classes[1].end());
        const at::Tensor norms = std::get<0>(at::stack(all).norm(2, {3}).sort(0)); // [prompt][k][position], 8 prompts
        for (std::int64_t p = 0; p < 3; ++p)
            for (std::int64_t k = 0; k < 5; ++k) {
                const double norm = expected[k][p].norm().item<double>();
                QVERIFY(std::abs(found.rawNorm.at(p, k) - norm) <= 1e-5 * norm);
                const double median = (norms[3][k][p] + norms[4][k][p]).item<double>() / 2;
                QVERIFY(std::abs(found.medianNorm.at(p, k) - median) <= 1e-5 * median);
                for (std::int64_t i = 0; i < 48; ++i)
                    QVERIFY(std::abs(found.raw.at(p, k, i) - expected[k][p][i].item<double>()) <= 1e-5 * norm);
            }
    }

    void swapTurnsTheSign() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto swapped = request();
        std::swap(swapped.positive, swapped.negative);
        const auto a = differenceInMeans(decoder, request()), b = differenceInMeans(decoder, swapped);
        double worst = 0, scale = 0;
        for (std::size_t i = 0; i < a.raw.size(); ++i) {
            worst = std::max(worst, std::abs(double(a.raw.values()[i]) + b.raw.values()[i]));
            scale = std::max(scale, std::abs(double(a.raw.values()[i])));
        }
        QVERIFY(worst <= 1e-5 * scale);
    }

    void batchesDoNotMatterAndRerunsAreExact() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto small = request();
        small.tokenBudget = 1;
        const auto a = differenceInMeans(decoder, request()), b = differenceInMeans(decoder, small);
        for (std::size_t i = 0; i < a.rawNorm.size(); ++i)
            QVERIFY(std::abs(a.rawNorm.values()[i] - b.rawNorm.values()[i]) <= 1e-5 * a.rawNorm.values()[i]);
        QCOMPARE(differenceInMeans(decoder, request()).raw.values(), a.raw.values());
    }

    void partialsLeadToTheResult() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto given = request();
        given.tokenBudget = 32;
        std::vector<std::int64_t> counts;
        const auto found = differenceInMeans(decoder, given, {}, [&](const ArrayD& relative, std::int64_t n) {
            QCOMPARE(relative.shape(), (std::vector<std::int64_t>{3, 5}));
            counts.push_back(n);
        });
        QVERIFY(counts.size() >= 2);
        QVERIFY(std::is_sorted(counts.begin(), counts.end()) && counts.back() < 8);
    }

    void refusals() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto empty = request();
        empty.negative.clear();
        QCOMPARE(checks::codeOf([&] { differenceInMeans(decoder, empty); }), std::string("dim.prompts"));
        auto many = request();
        many.positions = 4;
        QCOMPARE(checks::codeOf([&] { differenceInMeans(decoder, many); }), std::string("dim.prompts"));
        QCOMPARE(checks::codeOf([&] {
                     differenceInMeans(decoder, request(), [](std::int64_t, std::int64_t) { return false; });
                 }),
                 std::string("cancelled"));
    }
};

QTEST_GUILESS_MAIN(DimTest)
#include "dim_test.moc"
