// Products with packed weights against float64, every instruction set that this machine has.
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/linear_weight.h"
#include "core/engine/model/operations.h"
#include "tests/core/engine/model/wanted_level.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>

#include <QtTest/QtTest>

using namespace azimuth;

namespace {

at::Tensor random(std::int64_t rows, std::int64_t columns, std::uint64_t seed, at::ScalarType type) {
    auto generator = at::detail::createCPUGenerator(seed);
    return at::randn({rows, columns}, generator, at::TensorOptions().dtype(at::kFloat)).to(type);
}

} // namespace

class LinearWeightTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { skipWithoutWantedLevel(); }
    void products_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("outputs");
        QTest::addColumn<int>("depth");
        QTest::addColumn<bool>("low");
        for (const bool low : {false, true})
            for (const int rows : {1, 2, 5, 11, 12, 13, 24, 40, 700})
                for (const auto& [outputs, depth] : {std::pair{32, 2}, {64, 48}, {101, 48}, {96, 1538}})
                    QTest::addRow("%d x %d x %d%s", rows, outputs, depth, low ? " bf16" : "")
                        << rows << outputs << depth << low;
    }
    void products() {
        QFETCH(int, rows);
        QFETCH(int, outputs);
        QFETCH(int, depth);
        QFETCH(bool, low);
        const auto type = low ? at::kBFloat16 : at::kFloat;
        const at::NoGradGuard noGrad;
        const at::Tensor weight = random(outputs, depth, 1, type), x = random(rows, depth, 2, type);
        const LinearWeight packed(weight.clone(), true), plain(weight.clone(), false);
        QVERIFY(packed.packed() && !plain.packed());
        const at::Tensor exact = at::linear(x.to(at::kDouble), weight.to(at::kDouble));
        const at::Tensor found = packed.multiply(x).to(at::kDouble);
        // Against the length of the terms: sums in float, then one rounding to bfloat16.
        const at::Tensor scale = at::linear(x.to(at::kDouble).abs(), weight.to(at::kDouble).abs());
        const double sums = 6e-8 * std::sqrt(double(depth)) * 4;
        const at::Tensor allowed = sums * scale + (low ? exact.abs() / 256 : exact.abs() * 0);
        QVERIFY(((found - exact).abs() <= allowed).all().item<bool>());
        QVERIFY(packed.plain().equal(weight));
        const at::Tensor ids = at::tensor(std::vector<std::int64_t>{outputs - 1, 0, outputs / 2});
        QVERIFY(packed.rows(ids).equal(plain.rows(ids)));
        // A range of outputs and one row alone have the bits they have among all.
        const int first = outputs / 3, count = outputs / 2;
        QVERIFY(packed.multiply(x, first, count).equal(packed.multiply(x).narrow(1, first, count)));
        QVERIFY(packed.multiply(x.narrow(0, rows - 1, 1)).equal(packed.multiply(x).narrow(0, rows - 1, 1)));
        // Rows of a larger tensor.
        const at::Tensor wide = random(rows, depth + 6, 3, type);
        QVERIFY(packed.multiply(wide.narrow(1, 3, depth))
                    .equal(packed.multiply(wide.narrow(1, 3, depth).contiguous())));
        const at::Tensor bias = random(1, outputs, 4, type)[0];
        const LinearWeight biased(weight.clone(), true, bias), plainBiased(weight.clone(), false, bias);
        const at::Tensor sum = biased.multiply(x).to(at::kDouble), wanted = exact + bias.to(at::kDouble);
        const at::Tensor room = allowed + wanted.abs() * (low ? 1.0 / 256 : 6e-8);
        QVERIFY(((sum - wanted).abs() <= room).all().item<bool>());
        QVERIFY(((plainBiased.multiply(x).to(at::kDouble) - wanted).abs() <= room).all().item<bool>());
        QVERIFY(biased.multiply(x, first, count).equal(biased.multiply(x).narrow(1, first, count)));
    }

    // What a product does besides: bits as if it were done before or after.
    void fused_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("outputs");
        QTest::addColumn<bool>("low");
        for (const bool low : {false, true})
            for (const int rows : {1, 11, 13, 100})
                for (const int outputs : {16, 64, 101})
                    QTest::addRow("%d x %d%s", rows, outputs, low ? " bf16" : "") << rows << outputs << low;
    }
    void fused() {
        QFETCH(int, rows);
        QFETCH(int, outputs);
        QFETCH(bool, low);
        const auto type = low ? at::kBFloat16 : at::kFloat;
        const at::NoGradGuard noGrad;
        const int depth = 710;
        const at::Tensor up = random(outputs, depth, 1, type), gate = random(outputs, depth, 2, type) * 0.1,
                         x = random(rows, depth, 3, type), bias = random(2, outputs, 4, type);
        const LinearWeight ups(up.clone(), true), gates(gate.clone(), true);
        at::Tensor onto = random(rows, outputs, 5, type);
        const at::Tensor sum = onto + ups.multiply(x);
        ups.multiplyOnto(onto, x);
        QVERIFY(onto.equal(sum));

        auto spec = tiny::sizes("llama");
        spec.width = depth;
        const operations::Norm norm{random(1, depth, 6, at::kFloat)[0], {}};
        for (const auto rounding : {NormRounding::CastThenScale, NormRounding::ScaleThenCast}) {
            spec.normRounding = rounding;
            const at::Tensor normed = operations::normalise(x, norm, spec);
            const auto input = operations::normalisedFor(ups, x, norm, spec);
            QVERIFY(input.normWeight.defined());
            QVERIFY(ups.multiply(input).equal(ups.multiply(normed)));
            QVERIFY(ups.multiply(input, outputs / 3, outputs / 2)
                        .equal(ups.multiply(normed, outputs / 3, outputs / 2)));
        }
        for (const auto activation : {Activation::Silu, Activation::GeluTanh, Activation::GeluErf})
            for (const bool biased : {false, true}) {
                const auto biasOf = [&](int i) { return biased ? bias[i] : at::Tensor(); };
                const auto both = LinearWeight::gated(gate, up, true, biasOf(0), biasOf(1));
                const LinearWeight first(gate.clone(), true, biasOf(0)), second(up.clone(), true, biasOf(1));
                QVERIFY(both.packed() && both.plain().equal(at::cat({gate, up})));
                const ProductInput input{x, {}, 0, false};
                QVERIFY(both.multiplyGated(input, activation)
                            .equal(operations::activate(first.multiply(x), activation) * second.multiply(x)));
                const auto plain = LinearWeight::gated(gate, up, false, biasOf(0), biasOf(1));
                QVERIFY(!plain.packed() && plain.plain().equal(at::cat({gate, up})));
                QVERIFY(tiny::relativeError(both.multiplyGated(input, activation).to(at::kFloat),
                                            plain.multiplyGated(input, activation).to(at::kFloat)) <=
                        (low ? 2e-2 : 2e-6));
            }
    }

    void whoElseHoldsTheTensorKeepsIt() {
        const at::Tensor weight = random(64, 48, 1, at::kFloat), copy = weight.clone();
        const LinearWeight packed(weight, true);
        QVERIFY(weight.equal(copy));
    }

    void gradientsPass() {
        const at::Tensor weight = random(64, 48, 1, at::kFloat);
        const LinearWeight packed(weight.clone(), true);
        const at::Tensor x = random(3, 48, 2, at::kFloat).requires_grad_(true);
        packed.multiply(x).sum().backward();
        QVERIFY(tiny::relativeError(x.grad(), weight.sum(0).expand({3, 48})) <= 1e-6);
    }

    void oddDepthsStayPlain() { QVERIFY(!LinearWeight(random(64, 47, 1, at::kBFloat16), true).packed()); }

    void levels() { qInfo("kernels: %s", cpu::levelName()); }
};

QTEST_GUILESS_MAIN(LinearWeightTest)
#include "linear_weight_test.moc"
