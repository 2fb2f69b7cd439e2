// The formula of an edit, which rows and tokens it reaches, and that everything else keeps its bits.
#include "core/engine/steer/steering.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/where.h>

#include <QtTest/QtTest>

#include <cmath>
#include <map>

using namespace azimuth;

namespace {

constexpr std::int64_t width = 48;

Intervention edit(Operation operation, const char* direction, double strength, std::int64_t from, std::int64_t to,
                  TokenScope scope = TokenScope::All, Site site = Site::Resid) {
    return {operation, direction, strength, from, to, scope, site};
}

at::Tensor unitDirection(std::uint64_t seed) {
    auto generator = at::detail::createCPUGenerator(seed);
    const at::Tensor raw = at::randn({width}, generator, at::TensorOptions().dtype(at::kDouble));
    return (raw / raw.norm()).to(at::kFloat);
}

at::Tensor resolve(const std::string& name) {
    if (name == "missing")
        throw Error("blob.missing", "no such direction", "");
    if (name == "short")
        return unitDirection(1).narrow(0, 0, 7);
    if (name == "infinite")
        return unitDirection(1) / 0.0;
    return unitDirection(std::stoull(name));
}

// Three prompts of 3, 1 and 4 tokens as rows 0, 1, 2; the third has a prompt of 2 tokens, so two generated ones.
PackedBatch batchOf() {
    static const std::vector<std::int32_t> ids{1, 2, 3, 4};
    const std::span<const std::int32_t> all(ids);
    return PackedBatch({{0, 3, 3, 0, {}}, {5, 1, 5, 1, {}}, {0, 4, 2, 2, {}}},
                       std::vector{all.first(3), all.first(1), all}, at::kCPU);
}

at::Tensor residualOf(at::ScalarType type) {
    auto generator = at::detail::createCPUGenerator(9);
    return (at::randn({8, width}, generator, at::TensorOptions().dtype(at::kFloat)) * 5).to(type);
}

at::Tensor expectedRow(const at::Tensor& row, double alpha, double beta, const at::Tensor& direction) {
    const at::Tensor h = row.to(at::kDouble), r = direction.to(at::kDouble);
    return h + (alpha + beta * (h * r).sum()) * r;
}

} // namespace

class SteeringTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void formula_data() {
        QTest::addColumn<int>("operation");
        QTest::addColumn<double>("alpha");
        QTest::addColumn<double>("beta");
        QTest::addColumn<bool>("low");
        QTest::addColumn<bool>("gradient");
        for (const bool low : {false, true})
            for (const bool gradient : {false, true}) {
                const auto name = [&](const char* operation) {
                    return QByteArray(operation) + (low ? " bf16" : " fp32") + (gradient ? " by operations" : "");
                };
                QTest::newRow(name("add")) << 0 << 2.5 << 0.0 << low << gradient;
                QTest::newRow(name("ablate")) << 1 << 0.0 << -1.0 << low << gradient;
                QTest::newRow(name("affine")) << 2 << 2.5 << -1.0 << low << gradient;
            }
    }
    void formula() {
        QFETCH(int, operation);
        QFETCH(double, alpha);
        QFETCH(double, beta);
        QFETCH(bool, low);
        QFETCH(bool, gradient);
        const auto decoder = tiny::decoder(tiny::gemma3());
        const Arm arm{"a", {edit(static_cast<Operation>(operation), "3", 2.5, 1, 2)}};
        const Steering steering({Arm{"control", {}}, arm}, {0, 1, 1}, resolve, decoder);
        const auto batch = batchOf();
        const auto type = low ? at::kBFloat16 : at::kFloat;
        const at::Tensor before = residualOf(type);
        const at::AutoGradMode mode(gradient);
        for (std::int64_t k = 0; k <= 4; ++k) {
            at::Tensor after = before.clone();
            steering.apply(k, after, batch, batch.places());
            if (k < 1 || k > 2) {
                QVERIFY(tiny::sameBits(after, before));
                continue;
            }
            QVERIFY(tiny::sameBits(after.narrow(0, 0, 3), before.narrow(0, 0, 3)));
            for (std::int64_t row = 3; row < 8; ++row) {
                const at::Tensor expected = expectedRow(before[row], alpha, beta, unitDirection(3));
                if (low) // rounded once: the nearest bf16, but for sums in another order
                    QVERIFY((after[row] != expected.to(at::kBFloat16)).sum().item<std::int64_t>() <= 1);
                else
                    QVERIFY(tiny::relativeError(after[row].unsqueeze(0), expected.unsqueeze(0)) <= 3e-7);
            }
        }
    }

    void rowsDifferInDirectionAndStrength() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const std::vector<Arm> arms{{"a", {edit(Operation::Add, "1", 1.5, 0, 4)}},
                                    {"b", {edit(Operation::Add, "2", -4, 0, 4)}},
                                    {"c", {edit(Operation::Ablate, "1", 0, 2, 4), edit(Operation::Add, "2", 3, 1, 2)}}};
        const Steering steering(arms, {0, 1, 2}, resolve, decoder);
        const at::NoGradGuard noGrad;
        const auto batch = batchOf();
        const at::Tensor before = residualOf(at::kFloat);
        at::Tensor after = before.clone();
        steering.apply(2, after, batch, batch.places());
        const auto near = [&](std::int64_t row, const at::Tensor& expected) {
            return tiny::relativeError(after[row].unsqueeze(0), expected.unsqueeze(0)) <= 3e-7;
        };
        QVERIFY(near(1, expectedRow(before[1], 1.5, 0, unitDirection(1))));
        QVERIFY(near(3, expectedRow(before[3], -4, 0, unitDirection(2))));
        // In the order of the arm: first ablated, then added to.
        const at::Tensor ablated = expectedRow(before[6], 0, -1, unitDirection(1));
        QVERIFY(near(6, expectedRow(ablated, 3, 0, unitDirection(2))));
    }

    void scopes_data() {
        QTest::addColumn<int>("scope");
        QTest::addColumn<QString>("touched"); // one digit per token of the batch
        QTest::newRow("all") << int(TokenScope::All) << QStringLiteral("11111111");
        QTest::newRow("prompt") << int(TokenScope::Prompt) << QStringLiteral("11101100");
        QTest::newRow("generated") << int(TokenScope::Generated) << QStringLiteral("00010011");
        QTest::newRow("last prompt token on") << int(TokenScope::LastPromptTokenOn) << QStringLiteral("00110111");
    }
    void scopes() {
        QFETCH(int, scope);
        QFETCH(QString, touched);
        const auto decoder = tiny::decoder(tiny::gemma3());
        const Arm arm{"a", {edit(Operation::Add, "1", 2, 3, 3, static_cast<TokenScope>(scope))}};
        const Steering steering({arm}, {0, 0, 0}, resolve, decoder);
        const at::NoGradGuard noGrad;
        const auto batch = batchOf();
        const at::Tensor before = residualOf(at::kFloat);
        at::Tensor after = before.clone();
        steering.apply(3, after, batch, batch.places());
        for (std::int64_t row = 0; row < 8; ++row)
            QCOMPARE(!tiny::sameBits(after[row], before[row]), touched[static_cast<int>(row)] == QLatin1Char('1'));
    }

    // The edited block against the same block by its parts, each site edited in float64: R[k + 1] = R[k] + attn_out +
    // mlp_out, where mlp_out follows from resid_mid.
    void sitesInsideABlock_data() {
        QTest::addColumn<int>("site");
        QTest::addColumn<int>("operation");
        QTest::addColumn<bool>("gradient");
        for (const auto site : {Site::AttnOut, Site::ResidMid, Site::MlpOut})
            for (const auto operation : {Operation::Add, Operation::Ablate, Operation::Affine})
                for (const bool gradient : {false, true})
                    QTest::addRow("%s %s%s", toString(site).c_str(), toString(operation).c_str(),
                                  gradient ? " by operations" : "")
                        << int(site) << int(operation) << gradient;
    }
    void sitesInsideABlock() {
        QFETCH(int, site);
        QFETCH(int, operation);
        QFETCH(bool, gradient);
        const auto what = static_cast<Operation>(operation);
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const Arm arm{"a", {edit(what, "3", 2.5, 1, 2, TokenScope::Prompt, static_cast<Site>(site))}};
        const Steering steering({Arm{"control", {}}, arm}, {0, 1, 1}, resolve, decoder);
        QCOMPARE(steering.firstPromptEdit(1), std::int64_t{1});
        const auto batch = PackedBatch({{0, 3, 3, 0, {}}, {0, 1, 1, 1, {}}, {0, 4, 2, 2, {}}},
                                       std::vector{std::span<const std::int32_t>(m_ids).first(3),
                                                   std::span<const std::int32_t>(m_ids).first(1),
                                                   std::span<const std::int32_t>(m_ids)},
                                       at::kCPU);
        const std::vector<std::int64_t> touched{3, 4, 5};
        const at::AutoGradMode mode(gradient);
        for (std::int64_t k = 0; k < 4; ++k) {
            const auto hook = steering.blockHook(k, batch, batch.places());
            QCOMPARE(static_cast<bool>(hook), k == 1 || k == 2);
            std::map<Site, at::Tensor> parts;
            const BlockHook by = [&](Site at, at::Tensor& value) {
                if (hook && static_cast<int>(at) == site) {
                    at::Tensor expected = value.to(at::kDouble).clone();
                    for (const auto row : touched)
                        expected[row] = expectedRow(value[row], what == Operation::Ablate ? 0 : 2.5,
                                                    what == Operation::Add ? 0 : -1, unitDirection(3));
                    const at::Tensor before = value.clone();
                    hook(at, value);
                    QVERIFY(tiny::relativeError(value, expected) <= 4e-7);
                    for (const std::int64_t row : {0, 1, 2, 6, 7})
                        QVERIFY(tiny::sameBits(value[row], before[row]));
                    QVERIFY(!tiny::sameBits(value[4], before[4]));
                } else if (hook) {
                    const at::Tensor before = value.clone();
                    hook(at, value);
                    QVERIFY(tiny::sameBits(value, before));
                }
                parts[at] = value.clone();
            };
            const at::Tensor entering = residualOf(at::kFloat);
            BlockOptions options;
            options.hook = &by;
            const at::Tensor leaving = decoder.block(k, entering.clone(), batch, options);
            const at::Tensor middle = entering + parts.at(Site::AttnOut);
            QVERIFY(tiny::relativeError(leaving, parts.at(Site::ResidMid) + parts.at(Site::MlpOut)) <= 1e-6);
            if (site != int(Site::ResidMid))
                QVERIFY(tiny::relativeError(parts.at(Site::ResidMid), middle) <= 1e-6);
        }
    }

    void nothingAddedKeepsBits() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const Steering zero({Arm{"zero", {edit(Operation::Add, "missing", 0, 0, 4)}}}, {0, 0, 0}, resolve, decoder);
        QVERIFY(zero.empty());
        QVERIFY(Steering().empty());
        const auto batch = batchOf();
        at::Tensor residual = residualOf(at::kFloat) * 0 * -1; // signed zeros stay as they are
        const at::Tensor before = residual.clone();
        for (std::int64_t k = 0; k <= 4; ++k) {
            zero.apply(k, residual, batch, batch.places());
            Steering().apply(k, residual, batch, batch.places());
        }
        QVERIFY(at::where(residual == before, residual.signbit() == before.signbit(), false).all().item<bool>());
    }

    void ablationIsIdempotentAndComplete() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const Steering steering({Arm{"a", {edit(Operation::Ablate, "5", 0, 0, 4)}}}, {0, 0, 0}, resolve, decoder);
        const at::NoGradGuard noGrad;
        const auto batch = batchOf();
        at::Tensor once = residualOf(at::kFloat);
        const at::Tensor norms = once.norm(2, {1});
        steering.apply(1, once, batch, batch.places());
        QVERIFY((at::linear(once, unitDirection(5).unsqueeze(0)).squeeze(1).abs() / norms).max().item<double>() <= 1e-6);
        at::Tensor twice = once.clone();
        steering.apply(1, twice, batch, batch.places());
        QVERIFY(tiny::relativeError(twice, once) <= 1e-6);
    }

    void gradientPasses() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const Steering steering({Arm{"a", {edit(Operation::Ablate, "5", 0, 0, 4)}}}, {0, 0, 0}, resolve, decoder);
        const auto batch = batchOf();
        const at::Tensor leaf = residualOf(at::kFloat).requires_grad_(true);
        at::Tensor residual = leaf * 1;
        steering.apply(1, residual, batch, batch.places());
        residual.narrow(0, 2, 1).sum().backward();
        // d/dh sum(h - <h, r> r) = 1 - sum(r) r
        const at::Tensor r = unitDirection(5);
        QVERIFY(tiny::relativeError(leaf.grad()[2].unsqueeze(0), (1 - r.sum() * r).unsqueeze(0)) <= 1e-6);
        QCOMPARE(leaf.grad()[0].abs().sum().item<double>(), 0.0);
    }

    void firstPromptEdit() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const std::vector<Arm> arms{{"control", {}},
                                    {"late", {edit(Operation::Add, "1", 1, 3, 4), edit(Operation::Add, "1", 1, 2, 2)}},
                                    {"generated", {edit(Operation::Add, "1", 1, 0, 0, TokenScope::Generated)}}};
        const Steering steering(arms, {2, 0, 1, 1}, resolve, decoder);
        QCOMPARE(steering.firstPromptEdit(0), std::int64_t{5});
        QCOMPARE(steering.firstPromptEdit(1), std::int64_t{5});
        QCOMPARE(steering.firstPromptEdit(2), std::int64_t{2});
    }

    void refusals_data() {
        QTest::addColumn<QString>("direction");
        QTest::addColumn<double>("strength");
        QTest::addColumn<int>("from");
        QTest::addColumn<int>("to");
        QTest::addColumn<QString>("code");
        QTest::newRow("k past L") << "1" << 1.0 << 0 << 5 << "steering.k";
        QTest::newRow("k negative") << "1" << 1.0 << -1 << 2 << "steering.k";
        QTest::newRow("k reversed") << "1" << 1.0 << 3 << 2 << "steering.k";
        QTest::newRow("block past L - 1") << "1" << 1.0 << 100 << 104 << "steering.k";
        QTest::newRow("block reversed") << "1" << 1.0 << 103 << 102 << "steering.k";
        QTest::newRow("width") << "short" << 1.0 << 0 << 0 << "steering.direction";
        QTest::newRow("not finite") << "infinite" << 1.0 << 0 << 0 << "steering.direction";
        QTest::newRow("unknown") << "missing" << 1.0 << 0 << 0 << "blob.missing";
        QTest::newRow("too strong") << "1" << 1e60 << 0 << 0 << "steering.strength";
    }
    void refusals() {
        QFETCH(QString, direction);
        QFETCH(double, strength);
        QFETCH(int, from);
        QFETCH(int, to);
        QFETCH(QString, code);
        const auto decoder = tiny::decoder(tiny::gemma3());
        const auto name = direction.toStdString();
        const bool inside = from >= 100; // of the table above
        const Arm arm{"a", {edit(Operation::Add, name.c_str(), strength, from % 100, to % 100, TokenScope::All,
                                 inside ? Site::MlpOut : Site::Resid)}};
        QCOMPARE(checks::codeOf([&] { Steering({arm}, {0}, resolve, decoder); }), code.toStdString());
        QCOMPARE(checks::codeOf([&] { Steering({Arm{}}, {1}, resolve, decoder); }), std::string("steering.arm"));
    }
    void parallelBranchesHaveNoMiddle() {
        auto spec = tiny::sizes("gpt-neox");
        spec.parallelBranches = true;
        const auto decoder = tiny::decoder(spec);
        const auto codeOf = [&](Site site) {
            return checks::codeOf([&] {
                Steering({Arm{"a", {edit(Operation::Add, "1", 1, 0, 3, TokenScope::All, site)}}}, {0}, resolve, decoder);
            });
        };
        QCOMPARE(codeOf(Site::ResidMid), std::string("steering.site"));
        QCOMPARE(codeOf(Site::AttnOut), std::string("nothing was thrown"));
        QCOMPARE(codeOf(Site::MlpOut), std::string("nothing was thrown"));
    }

private:
    const std::vector<std::int32_t> m_ids{1, 2, 3, 4};
};

QTEST_GUILESS_MAIN(SteeringTest)
#include "steering_test.moc"
