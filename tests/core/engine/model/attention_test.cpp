// Attention and element-wise kernels against float64, every instruction set that this machine has.
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/operations.h"
#include "tests/core/engine/model/wanted_level.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include <QtTest/QtTest>

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

using namespace azimuth;

namespace {

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type) {
    auto generator = at::detail::createCPUGenerator(seed);
    return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat)).to(type);
}

// Queries at `positions` of one sequence over its keys and values from position 0, in float64.
at::Tensor exact(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                 const std::vector<std::int64_t>& positions, const ArchitectureSpec& spec) {
    const auto group = spec.heads / spec.keyValueHeads;
    const auto wide = [&](const at::Tensor& x) { return x.to(at::kDouble).repeat_interleave(group, 1); };
    at::Tensor scores = at::einsum("qhd,khd->hqk", {query.to(at::kDouble), wide(keys)}) * spec.attentionScale;
    if (spec.attentionSoftCap > 0)
        scores = at::tanh(scores / spec.attentionSoftCap) * spec.attentionSoftCap;
    const at::Tensor at = at::tensor(positions).unsqueeze(1), key = at::arange(keys.size(0), at::kLong);
    at::Tensor hidden = key > at;
    if (spec.window > 0)
        hidden = hidden.logical_or(key <= at - spec.window);
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
    return at::einsum("hqk,khd->qhd", {at::softmax(scores, -1), wide(values)}).flatten(1);
}

struct Case {
    ArchitectureSpec spec;
    at::ScalarType type = at::kFloat;
};

Case caseOf(int heads, int keyValueHeads, int width, int window, double cap, bool low) {
    Case result{tiny::sizes("llama"), low ? at::kBFloat16 : at::kFloat};
    auto& spec = result.spec;
    spec.heads = heads;
    spec.keyValueHeads = keyValueHeads;
    spec.headWidth = width;
    spec.attentionScale = 1 / std::sqrt(double(width));
    spec.attentionSoftCap = cap;
    spec.window = window;
    spec.windowed.assign(static_cast<std::size_t>(spec.blocks), window > 0);
    return result;
}

PackedBatch batchOf(const std::vector<Sequence>& sequences) {
    std::vector<std::vector<std::int32_t>> ids;
    std::vector<std::span<const std::int32_t>> spans;
    for (const auto& sequence : sequences)
        ids.emplace_back(static_cast<std::size_t>(sequence.length), 1);
    for (const auto& each : ids)
        spans.emplace_back(each);
    return PackedBatch(sequences, spans, at::kCPU);
}

} // namespace

class AttentionTest : public QObject {
    Q_OBJECT

private:
    static void shapes() {
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("keyValueHeads");
        QTest::addColumn<int>("width");
        QTest::addColumn<int>("window");
        QTest::addColumn<double>("cap");
        QTest::addColumn<bool>("low");
        for (const bool low : {false, true})
            for (const auto& [heads, keyValueHeads, width] : {std::tuple{9, 3, 64},
                                                              {4, 4, 8},
                                                              {8, 1, 80},
                                                              {14, 2, 128},
                                                              {40, 1, 48},
                                                              {2, 1, 256},
                                                              {6, 2, 100},
                                                              {4, 2, 10},
                                                              {12, 1, 33}}) // no multiple of any vector
                for (const int window : {0, 1, 9, std::numeric_limits<int>::max()})
                    for (const double cap : {0.0, 2.0})
                        QTest::addRow("%d/%d x %d, window %d, cap %g%s", heads, keyValueHeads, width, window,
                                      cap, low ? ", bf16" : "")
                            << heads << keyValueHeads << width << window << cap << low;
    }
    Case fetched() {
        return caseOf(fetch<int>("heads"), fetch<int>("keyValueHeads"), fetch<int>("width"),
                      fetch<int>("window"), fetch<double>("cap"), fetch<bool>("low"));
    }
    template <class T> static T fetch(const char* name) {
        return *static_cast<T*>(QTest::qData(name, qMetaTypeId<T>()));
    }
    static bool near(const at::Tensor& found, const at::Tensor& wanted, at::ScalarType type) {
        const double allowed = type == at::kFloat ? 4e-6 : 1.2e-2;
        return (found.to(at::kDouble) - wanted).abs().max().item<double>() <= allowed;
    }

private Q_SLOTS:
    void initTestCase() { skipWithoutWantedLevel(); }
    void prompts_data() { shapes(); }
    void prompts() {
        const auto [spec, type] = fetched();
        const at::NoGradGuard noGrad;
        const std::vector<std::int64_t> lengths{40, 1, 13, 2, 7};
        std::vector<Sequence> sequences;
        for (const auto length : lengths)
            sequences.push_back({0, length, length, -1, {}});
        const auto batch = batchOf(sequences);
        // As in a decoder: queries, keys and values side by side.
        const auto q = spec.queryWidth(), kv = spec.keyValueWidth();
        const at::Tensor all = random({batch.tokens(), q + 2 * kv}, 5, type);
        const auto part = [&](std::int64_t first, std::int64_t heads) {
            return all.narrow(1, first, heads * spec.headWidth).unflatten(1, {heads, spec.headWidth});
        };
        operations::AttentionInput input{part(0, spec.heads), part(q, spec.keyValueHeads),
                                         part(q + kv, spec.keyValueHeads), nullptr, 0};
        const at::Tensor found = operations::attend(input, batch, nullptr, spec);
        std::vector<at::Tensor> wanted;
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            std::vector<std::int64_t> positions(static_cast<std::size_t>(lengths[i]));
            std::iota(positions.begin(), positions.end(), 0);
            const auto rows = [&](const at::Tensor& x) {
                return x.narrow(0, batch.offsets()[i], lengths[i]);
            };
            wanted.push_back(exact(rows(input.query), rows(input.key), rows(input.value), positions, spec));
        }
        QVERIFY(near(found, at::cat(wanted), type));
        // Some queries only.
        const std::vector<std::int64_t> some{3, 39, 40, 53};
        const at::Tensor index = at::tensor(some);
        input.query = input.query.index_select(0, index);
        input.wanted = &some;
        QVERIFY(near(operations::attend(input, batch, nullptr, spec), at::cat(wanted).index_select(0, index),
                     type));
    }

    void continuations_data() { shapes(); }
    void continuations() {
        const auto [spec, type] = fetched();
        const at::NoGradGuard noGrad;
        KeyValueCache cache(spec, 4, 60, type, at::kCPU);
        const at::Tensor keys = random({4, 60, spec.keyValueHeads, spec.headWidth}, 6, type),
                         values = random({4, 60, spec.keyValueHeads, spec.headWidth}, 7, type);
        cache.keys(1).copy_(keys);
        cache.values(1).copy_(values);
        const std::vector<Sequence> sequences{{37, 1, 9, -1, {2}}, {20, 15, 35, -1, {0}}, {1, 1, 2, -1, {3}}};
        const auto batch = batchOf(sequences);
        const operations::AttentionInput input{
            random({batch.tokens(), spec.heads, spec.headWidth}, 8, type),
            random({batch.tokens(), spec.keyValueHeads, spec.headWidth}, 9, type),
            random({batch.tokens(), spec.keyValueHeads, spec.headWidth}, 10, type), nullptr, 1};
        const at::Tensor found = operations::attend(input, batch, &cache, spec);
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const auto& [start, length, prompt, row, slots] = sequences[i];
            std::vector<std::int64_t> positions(static_cast<std::size_t>(length));
            std::iota(positions.begin(), positions.end(), start);
            const auto joined = [&](const at::Tensor& past, const at::Tensor& now) {
                return at::cat(
                    {past[slots.front()].narrow(0, 0, start), now.narrow(0, batch.offsets()[i], length)});
            };
            const at::Tensor k = joined(keys, input.key), v = joined(values, input.value);
            QVERIFY(cache.keys(1)[slots.front()].narrow(0, 0, start + length).equal(k));
            QVERIFY(cache.values(1)[slots.front()].narrow(0, 0, start + length).equal(v));
            QVERIFY(near(found.narrow(0, batch.offsets()[i], length),
                         exact(input.query.narrow(0, batch.offsets()[i], length), k, v, positions, spec),
                         type));
        }
        // The cache holds what it held elsewhere.
        QVERIFY(cache.keys(1)[1].equal(keys[1]));
        QVERIFY(cache.values(1)[0].narrow(0, 35, 25).equal(values[0].narrow(0, 35, 25)));
    }

    // More keys than are mixed at a time.
    void longPrompts() {
        const at::NoGradGuard noGrad;
        for (const int window : {0, 300, std::numeric_limits<int>::max()}) {
            const auto [spec, type] = caseOf(4, 2, 32, window, 0, false);
            constexpr std::int64_t length = 700;
            const auto batch = batchOf({{0, length, length, -1, {}}});
            const operations::AttentionInput input{random({length, 4, 32}, 1, type),
                                                   random({length, 2, 32}, 2, type),
                                                   random({length, 2, 32}, 3, type), nullptr, 1};
            std::vector<std::int64_t> positions(length);
            std::iota(positions.begin(), positions.end(), 0);
            QVERIFY(near(operations::attend(input, batch, nullptr, spec),
                         exact(input.query, input.key, input.value, positions, spec), type));
        }
    }

    // A sequence's bits do not depend on what else is in its batch.
    void companyChangesNoBit_data() {
        QTest::addColumn<int>("window");
        QTest::addColumn<double>("cap");
        QTest::addColumn<bool>("low");
        QTest::newRow("fp32") << 0 << 0.0 << false;
        QTest::newRow("fp32, window, cap") << 30 << 2.0 << false;
        QTest::newRow("bf16, window") << 30 << 0.0 << true;
    }
    void companyChangesNoBit() {
        const auto [spec, type] =
            caseOf(9, 3, 64, fetch<int>("window"), fetch<double>("cap"), fetch<bool>("low"));
        const at::NoGradGuard noGrad;
        const auto batch = batchOf({{0, 21, 21, -1, {}}, {0, 50, 50, -1, {}}}),
                   alone = batchOf({{0, 50, 50, -1, {}}});
        const auto part = [&](std::int64_t heads, std::uint64_t seed) {
            return random({71, heads, spec.headWidth}, seed, type);
        };
        const operations::AttentionInput both{part(9, 1), part(3, 2), part(3, 3), nullptr, 1};
        const operations::AttentionInput one{both.query.narrow(0, 21, 50), both.key.narrow(0, 21, 50),
                                             both.value.narrow(0, 21, 50), nullptr, 1};
        QVERIFY(operations::attend(both, batch, nullptr, spec)
                    .narrow(0, 21, 50)
                    .equal(operations::attend(one, alone, nullptr, spec)));
    }

    void elements() {
        const at::NoGradGuard noGrad;
        const at::Tensor x = at::cat({at::linspace(-12, 12, 40001), at::linspace(-0.01, 0.01, 1000)}),
                         wide = x.to(at::kDouble);
        const auto within = [](const at::Tensor& found, const at::Tensor& wanted) {
            return ((found.to(at::kDouble) - wanted).abs() <= 1e-6 * wanted.abs() + 4e-7).all().item<bool>();
        };
        for (const auto activation : {Activation::Silu, Activation::GeluTanh, Activation::GeluErf}) {
            const at::Tensor found = operations::activate(x, activation);
            const at::AutoGradMode grad(true); // ATen's own
            QVERIFY(within(found, operations::activate(wide, activation)));
        }
        QVERIFY(within(operations::activate(x, Activation::GeluTanh, true),
                       operations::activate(wide, Activation::GeluTanh)));
        const at::Tensor capped = operations::softCap(x, 3);
        QVERIFY(((capped.to(at::kDouble) - at::tanh(wide / 3) * 3).abs() <= 4e-7 * wide.abs())
                    .all()
                    .item<bool>());
        // An element's bits do not depend on its place.
        for (const auto first : {1, 3, 14}) {
            const at::Tensor rest = x.narrow(0, first, 777);
            QVERIFY(operations::softCap(rest, 3).equal(capped.narrow(0, first, 777)));
            const at::Tensor low = x.to(at::kBFloat16), lowRest = low.narrow(0, first, 777);
            QVERIFY(operations::activate(lowRest, Activation::GeluTanh, true)
                        .equal(operations::activate(low, Activation::GeluTanh, true).narrow(0, first, 777)));
        }
        const float infinity = std::numeric_limits<float>::infinity(),
                    nan = std::numeric_limits<float>::quiet_NaN();
        const at::Tensor odd = at::tensor({infinity, -infinity, nan, 0.0f});
        const at::Tensor silu = operations::activate(odd, Activation::Silu),
                         erf = operations::activate(odd, Activation::GeluErf);
        QVERIFY(silu[0].item<float>() == infinity && std::isnan(silu[2].item<float>()) &&
                silu[3].item<float>() == 0);
        const at::Tensor far = operations::activate(at::tensor({-1e38f, -95.0f}), Activation::Silu);
        QVERIFY(far[0].item<float>() == 0 && far[1].item<float>() == 0);
        QVERIFY(std::isnan(silu[1].item<float>())); // as ATen's
        QVERIFY(erf[0].item<float>() == infinity && std::isnan(erf[2].item<float>()) &&
                erf[3].item<float>() == 0);
        const at::Tensor limits = operations::softCap(odd, 5);
        QVERIFY(limits[0].item<float>() == 5 && limits[1].item<float>() == -5 &&
                std::isnan(limits[2].item<float>()));
    }

    void largest() {
        const float infinity = std::numeric_limits<float>::infinity(),
                    nan = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> x(100, -3.0f);
        x[37] = x[61] = x[99] = 2;
        QCOMPARE(cpu::largest(x.data(), 100), 37); // the first of equals
        QCOMPARE(cpu::largest(x.data() + 62, 38), 37);
        QCOMPARE(cpu::largest(x.data() + 38, 20), 0);
        x[0] = nan;
        QCOMPARE(cpu::largest(x.data(), 100), 37);
        x[98] = infinity;
        QCOMPARE(cpu::largest(x.data(), 100), 98);
        std::fill(x.begin(), x.end(), nan);
        QCOMPARE(cpu::largest(x.data(), 100), -1);
        std::fill(x.begin(), x.end(), -infinity);
        QCOMPARE(cpu::largest(x.data(), 100), -1);
    }
};

QTEST_GUILESS_MAIN(AttentionTest)
#include "attention_test.moc"
