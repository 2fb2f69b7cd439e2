// Decoding on a small model against a plain loop that recomputes the whole text for each token; sampling against its law.
#include "core/engine/capture/capture.h"
#include "core/engine/generate/generate.h"
#include "core/engine/generate/philox.h"
#include "core/engine/generate/sampler.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <cmath>
#include <set>

using namespace azimuth;

namespace {

at::Tensor direction(const std::string& name) {
    auto generator = at::detail::createCPUGenerator(std::stoull(name));
    const at::Tensor raw = at::randn({48}, generator, at::TensorOptions().dtype(at::kFloat));
    return raw / raw.norm();
}

std::vector<Arm> arms() {
    const auto edit = [](Operation operation, const char* name, double strength, std::int64_t from, std::int64_t to,
                         TokenScope scope = TokenScope::All, Site site = Site::Resid) {
        return Intervention{operation, name, strength, from, to, scope, site};
    };
    return {{"control", {}},
            {"early", {edit(Operation::Add, "1", 6, 0, 0)}},
            {"middle", {edit(Operation::Add, "1", -5, 2, 2)}},
            {"late", {edit(Operation::Affine, "2", 3, 4, 4)}},
            {"span", {edit(Operation::Ablate, "2", 0, 1, 4)}},
            {"generated", {edit(Operation::Add, "3", 7, 1, 1, TokenScope::Generated)}},
            {"last on", {edit(Operation::Add, "3", 7, 3, 3, TokenScope::LastPromptTokenOn)}},
            {"attention", {edit(Operation::Add, "3", 5, 0, 0, TokenScope::Prompt, Site::AttnOut)}},
            {"mlp", {edit(Operation::Affine, "1", 4, 0, 3, TokenScope::LastPromptTokenOn, Site::MlpOut)}},
            {"several",
             {edit(Operation::Ablate, "1", 0, 0, 3, TokenScope::All, Site::AttnOut),
              edit(Operation::Ablate, "1", 0, 0, 3, TokenScope::All, Site::MlpOut),
              edit(Operation::Add, "2", 4, 3, 3, TokenScope::Generated, Site::ResidMid),
              edit(Operation::Add, "3", 3, 2, 4, TokenScope::Prompt)}}};
}

// Every arm on every prompt, prompts outermost.
struct Sweep {
    std::vector<GenerateRequest> requests;
    std::vector<std::int64_t> armOfRow;
};

Sweep sweep() {
    Sweep result;
    std::uint64_t noise = 1;
    for (const std::int64_t length : {9, 2, 15})
        for (std::size_t arm = 0; arm < arms().size(); ++arm) {
            result.requests.push_back({tiny::ids(length, static_cast<std::uint32_t>(length)), noise++});
            result.armOfRow.push_back(static_cast<std::int64_t>(arm));
        }
    return result;
}

GenerateOptions options(std::int64_t rows, std::int64_t tokens = 12) {
    GenerateOptions result;
    result.decoding.rows = rows;
    result.decoding.maximumNewTokens = tokens;
    return result;
}

// A correct sampler exceeds it once in ten million times: the quantile by Wilson and Hilferty.
double chiSquareLimit(int freedom) {
    const double a = 2.0 / (9.0 * freedom);
    return freedom * std::pow(1 - a + 5.199 * std::sqrt(a), 3);
}

std::vector<double> softmaxAfter(const Decoder& decoder, const std::vector<std::int32_t>& prompt, double temperature) {
    const at::NoGradGuard noGrad;
    const auto length = static_cast<std::int64_t>(prompt.size());
    const PackedBatch batch({{0, length, length, -1, {}}}, std::vector{std::span<const std::int32_t>(prompt)}, at::kCPU);
    at::Tensor residual = decoder.embed(batch);
    for (std::int64_t k = 0; k < decoder.spec().blocks; ++k)
        residual = decoder.block(k, residual, batch);
    const at::Tensor logits = decoder.logits(residual)[length - 1].contiguous();
    std::vector<double> law;
    double total = 0;
    for (std::int64_t i = 0; i < logits.size(0); ++i)
        total += law.emplace_back(std::exp(double(logits.const_data_ptr<float>()[i]) / temperature));
    for (auto& probability : law)
        probability /= total;
    return law;
}

// The whole text through the decoder for every token: no cache, no batch.
std::vector<std::int32_t> plainGreedy(const Decoder& decoder, const Steering& steering, const GenerateRequest& request,
                                      std::int64_t row, std::int64_t tokens) {
    const at::NoGradGuard noGrad;
    auto text = request.ids;
    for (std::int64_t step = 0; step < tokens; ++step) {
        const auto length = static_cast<std::int64_t>(text.size());
        const PackedBatch batch({{0, length, static_cast<std::int64_t>(request.ids.size()), row, {}}},
                                std::vector{std::span<const std::int32_t>(text)}, at::kCPU);
        at::Tensor residual = decoder.embed(batch);
        for (std::int64_t k = 0;; ++k) {
            steering.apply(k, residual, batch, batch.places());
            if (k == decoder.spec().blocks)
                break;
            const auto hook = steering.blockHook(k, batch, batch.places());
            BlockOptions options;
            options.hook = hook ? &hook : nullptr;
            residual = decoder.block(k, residual, batch, options);
        }
        text.push_back(static_cast<std::int32_t>(decoder.logits(residual)[length - 1].argmax().item<std::int64_t>()));
    }
    return {text.begin() + static_cast<std::ptrdiff_t>(request.ids.size()), text.end()};
}

} // namespace

class GenerateTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void equalsPlainLoop_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<bool>("refill");
        for (const int rows : {1, 4, 7, 32}) {
            QTest::addRow("fixed %d", rows) << rows << false;
            QTest::addRow("refill %d", rows) << rows << true;
        }
    }
    void equalsPlainLoop() {
        QFETCH(int, rows);
        QFETCH(bool, refill);
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const auto cases = sweep();
        const Steering steering(arms(), cases.armOfRow, direction, decoder);
        auto how = options(rows);
        how.refill = refill;
        const auto found = generate(decoder, cases.requests, steering, how);
        QCOMPARE(found.size(), cases.requests.size());
        std::set<std::vector<std::int32_t>> different;
        for (std::size_t i = 0; i < found.size(); ++i) {
            QCOMPARE(found[i].ids, plainGreedy(decoder, steering, cases.requests[i], static_cast<std::int64_t>(i), 12));
            QVERIFY(found[i].finish == Finish::Length);
            QVERIFY(std::isnan(found[i].logProbability));
            different.insert(found[i].ids);
        }
        QVERIFY(different.size() >= 12); // the edits do change the text
    }

    // A row's ids and bits do not depend on what the other rows of a fixed batch do, nor on when they stop; with packed weights not
    // even on how many there are.
    void otherRowsDoNotMatter_data() {
        QTest::addColumn<bool>("packed");
        QTest::addColumn<bool>("low");
        QTest::newRow("packed fp32") << true << false;
        QTest::newRow("packed bf16") << true << true;
        QTest::newRow("plain fp32") << false << false;
    }
    void otherRowsDoNotMatter() {
        QFETCH(bool, packed);
        QFETCH(bool, low);
        const Decoder decoder(tiny::gemma3(), tiny::randomWeights(tiny::gemma3(), 5), low ? at::kBFloat16 : at::kFloat,
                              at::kCPU, packed ? WeightLayout::Packed : WeightLayout::Plain);
        QCOMPARE(decoder.rowsAreIndependent(), packed);
        std::vector<GenerateRequest> requests;
        for (std::uint32_t i = 0; i < 6; ++i)
            requests.push_back({tiny::ids(8, 60 + i), i});
        auto how = options(6);
        how.logProbability = true;
        const auto first = generate(decoder, requests, {}, how);
        const auto sameAsFirst = [&](const GeneratedRow& row) {
            return row.ids == first[2].ids && row.logProbability == first[2].logProbability;
        };
        QVERIFY(sameAsFirst(generate(decoder, requests, {}, how)[2]));
        how.stop = {first[4].ids[1]};
        if (std::find(first[2].ids.begin(), first[2].ids.end(), how.stop[0]) == first[2].ids.end())
            QVERIFY(sameAsFirst(generate(decoder, requests, {}, how)[2]));
        how.stop.clear();
        for (std::uint32_t i = 0; i < 6; ++i)
            if (i != 2)
                requests[i].ids = tiny::ids(8, 90 + i);
        QVERIFY(sameAsFirst(generate(decoder, requests, {}, how)[2]));
        if (!packed)
            return;
        QVERIFY(sameAsFirst(generate(decoder, {requests[2]}, {}, how)[0]));
        for (const std::int64_t rows : {1, 2, 4}) {
            how.decoding.rows = rows;
            for (const bool refill : {false, true}) {
                how.refill = refill;
                QVERIFY(sameAsFirst(generate(decoder, requests, {}, how)[2]));
            }
        }
        requests.resize(40, {tiny::ids(31, 7), 0});
        how.decoding.rows = 40;
        QVERIFY(sameAsFirst(generate(decoder, requests, {}, how)[2]));
    }

    void strengthZeroKeepsBits() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const std::vector<GenerateRequest> requests{{tiny::ids(8, 60), 0}, {tiny::ids(5, 61), 0}};
        const Steering zero({Arm{"zero",
                                 {Intervention{Operation::Add, "1", 0, 0, 4, TokenScope::All},
                                  Intervention{Operation::Add, "2", -0.0, 0, 3, TokenScope::All, Site::AttnOut},
                                  Intervention{Operation::Add, "3", 0, 1, 2, TokenScope::Generated, Site::MlpOut}}}},
                            {0, 0}, direction, decoder);
        auto how = options(2);
        how.logProbability = true;
        const auto plain = generate(decoder, requests, {}, how), steered = generate(decoder, requests, zero, how);
        for (std::size_t i = 0; i < 2; ++i) {
            QCOMPARE(steered[i].ids, plain[i].ids);
            QCOMPARE(steered[i].logProbability, plain[i].logProbability);
        }
    }

    void stopsWithTheEndToken() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const std::vector<GenerateRequest> requests{{tiny::ids(8, 60), 0}, {tiny::ids(5, 61), 0}};
        const auto full = generate(decoder, requests, {}, options(2));
        for (const bool refill : {false, true}) {
            auto how = options(2);
            how.refill = refill;
            how.stop = {full[0].ids[4]};
            std::vector<std::int64_t> finished;
            GenerateCallbacks callbacks;
            std::vector<std::vector<std::int32_t>> streamed(2);
            callbacks.token = [&](std::int64_t row, std::int32_t id) { streamed[std::size_t(row)].push_back(id); };
            callbacks.row = [&](std::int64_t row, const GeneratedRow&) { finished.push_back(row); };
            const auto rows = generate(decoder, requests, {}, how, callbacks);
            const auto end = std::find(full[0].ids.begin(), full[0].ids.end(), how.stop[0]);
            QCOMPARE(rows[0].ids, std::vector<std::int32_t>(full[0].ids.begin(), end + 1));
            QVERIFY(rows[0].finish == Finish::Stop);
            QCOMPARE(streamed[0], rows[0].ids);
            QCOMPARE(streamed[1], rows[1].ids);
            QCOMPARE(finished.size(), std::size_t{2});
        }
    }

    void logProbabilityIsThatOfTheText() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const GenerateRequest request{tiny::ids(8, 60), 0};
        auto how = options(1, 6);
        how.logProbability = true;
        const auto row = generate(decoder, {request}, {}, how)[0];
        const at::NoGradGuard noGrad;
        auto text = request.ids;
        text.insert(text.end(), row.ids.begin(), row.ids.end());
        const auto length = static_cast<std::int64_t>(text.size());
        const PackedBatch batch({{0, length, length, -1, {}}}, std::vector{std::span<const std::int32_t>(text)}, at::kCPU);
        at::Tensor residual = decoder.embed(batch);
        for (std::int64_t k = 0; k < 4; ++k)
            residual = decoder.block(k, residual, batch);
        const at::Tensor logs = decoder.logits(residual).to(at::kDouble).log_softmax(1);
        double expected = 0;
        for (std::int64_t t = 8; t < length; ++t)
            expected += logs[t - 1][text[static_cast<std::size_t>(t)]].item<double>();
        QVERIFY(std::abs(row.logProbability - expected) <= 1e-4);
    }

    void philoxKnownAnswers() { // kat_vectors of Random123
        QCOMPARE(philox({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
        QCOMPARE(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
                 (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
        QCOMPARE(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
                 (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
    }

    void samplingRepeatsWhateverTheBatch() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        auto cases = sweep();
        const Steering steering(arms(), cases.armOfRow, direction, decoder);
        auto how = options(30);
        how.decoding.temperature = 0.9;
        how.decoding.seed = 77;
        const auto all = generate(decoder, cases.requests, steering, how);
        QCOMPARE(generate(decoder, cases.requests, steering, how)[5].ids, all[5].ids);
        how.decoding.rows = 4;
        how.refill = true;
        const auto refilled = generate(decoder, cases.requests, steering, how);
        for (std::size_t i = 0; i < all.size(); ++i)
            QCOMPARE(refilled[i].ids, all[i].ids);
        how.decoding.seed = 78;
        QVERIFY(generate(decoder, cases.requests, steering, how)[5].ids != all[5].ids);
    }

    void samplingFollowsTheLaw_data() {
        QTest::addColumn<double>("temperature");
        QTest::addColumn<int>("topK");
        QTest::addColumn<double>("topP");
        QTest::newRow("plain") << 1.0 << 0 << 1.0;
        QTest::newRow("cold") << 0.6 << 0 << 1.0;
        QTest::newRow("top-k") << 1.0 << 5 << 1.0;
        QTest::newRow("top-p") << 1.3 << 0 << 0.7;
        QTest::newRow("both") << 1.0 << 8 << 0.8;
    }
    void samplingFollowsTheLaw() {
        QFETCH(double, temperature);
        QFETCH(int, topK);
        QFETCH(double, topP);
        constexpr int vocabulary = 20, draws = 40000;
        auto generator = at::detail::createCPUGenerator(4);
        const at::Tensor logits = at::randn({1, vocabulary}, generator, at::TensorOptions().dtype(at::kFloat)) * 1.5;
        // The law, by sorting.
        std::vector<std::pair<double, int>> order;
        for (int i = 0; i < vocabulary; ++i)
            order.push_back({-logits[0][i].item<double>() / temperature, i});
        std::sort(order.begin(), order.end());
        if (topK > 0)
            order.resize(static_cast<std::size_t>(topK));
        double total = 0, before = 0;
        for (const auto& [negative, id] : order)
            total += std::exp(-negative);
        std::vector<double> law(vocabulary, 0.0);
        double kept = 0;
        for (const auto& [negative, id] : order) {
            if (before < topP) {
                law[static_cast<std::size_t>(id)] = std::exp(-negative);
                kept += std::exp(-negative);
            }
            before += std::exp(-negative) / total;
        }
        Decoding decoding;
        decoding.temperature = temperature;
        decoding.topK = topK;
        decoding.topP = topP;
        decoding.seed = 12345;
        const at::Tensor batch = logits.expand({100, vocabulary}).contiguous();
        std::vector<double> counts(vocabulary, 0.0);
        for (int step = 0; step < draws / 100; ++step) {
            std::vector<SampleRow> rows;
            for (std::uint64_t key = 0; key < 100; ++key)
                rows.push_back({key * 0x9e3779b97f4a7c15ULL, step});
            for (const auto id : sampleTokens(batch, rows, decoding))
                ++counts[static_cast<std::size_t>(id)];
        }
        double chiSquare = 0;
        int freedom = -1;
        for (std::size_t i = 0; i < vocabulary; ++i) {
            const double expected = law[i] / kept * draws;
            if (expected == 0) {
                QCOMPARE(counts[i], 0.0);
                continue;
            }
            chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
            ++freedom;
        }
        QVERIFY2(chiSquare <= chiSquareLimit(freedom),
                 qPrintable(QStringLiteral("%1 > %2").arg(chiSquare).arg(chiSquareLimit(freedom))));
    }

    // The same through decoding: what 12,000 rows say after one prompt, against the softmax of its logits.
    void writtenTokensFollowTheSoftmax() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        constexpr int draws = 12000;
        const auto prompt = tiny::ids(6, 9);
        std::vector<GenerateRequest> requests;
        for (std::uint64_t i = 0; i < draws; ++i)
            requests.push_back({prompt, i * 0x9e3779b97f4a7c15ULL});
        auto how = options(1000, 2);
        how.decoding.temperature = 1.7;
        how.decoding.seed = 99;
        const auto rows = generate(decoder, requests, {}, how);
        QCOMPARE(generate(decoder, {requests[77]}, {}, how)[0].ids, rows[77].ids); // repeats
        const auto law = softmaxAfter(decoder, prompt, 1.7);
        std::vector<double> counts(law.size(), 0.0);
        for (const auto& row : rows)
            ++counts[static_cast<std::size_t>(row.ids[0])];
        double chiSquare = 0, restLaw = 0, restCount = 0;
        int freedom = 0;
        for (std::size_t i = 0; i < law.size(); ++i) {
            const double expected = law[i] * draws;
            if (expected < 8) { // rare ones together
                restLaw += expected;
                restCount += counts[i];
                continue;
            }
            chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
            ++freedom;
        }
        if (restLaw > 0)
            chiSquare += (restCount - restLaw) * (restCount - restLaw) / restLaw;
        else
            --freedom;
        QVERIFY(freedom > 10);
        QVERIFY2(chiSquare <= chiSquareLimit(freedom),
                 qPrintable(QStringLiteral("%1 > %2").arg(chiSquare).arg(chiSquareLimit(freedom))));
    }

    void packingBudgetChangesNothing_data() {
        QTest::addColumn<bool>("packed");
        QTest::newRow("packed") << true;
        QTest::newRow("plain") << false;
    }
    void packingBudgetChangesNothing() {
        QFETCH(bool, packed);
        const Decoder decoder(tiny::gemma3(), tiny::randomWeights(tiny::gemma3(), 5), at::kFloat, at::kCPU,
                              packed ? WeightLayout::Packed : WeightLayout::Plain);
        const auto cases = sweep();
        const Steering steering(arms(), cases.armOfRow, direction, decoder);
        auto how = options(8);
        how.logProbability = true;
        const auto first = generate(decoder, cases.requests, steering, how);
        for (const std::int64_t budget : {1, 17, 40}) {
            how.tokenBudget = budget;
            const auto again = generate(decoder, cases.requests, steering, how);
            for (std::size_t i = 0; i < first.size(); ++i) {
                QCOMPARE(again[i].ids, first[i].ids);
                QVERIFY(std::abs(again[i].logProbability - first[i].logProbability) <= 1e-5);
            }
        }
    }

    void greedyTakesTheFirstOfTies() {
        const at::Tensor logits = at::tensor(std::vector<float>{1, 3, 2, 3, 0, -1, -1, -2, -1, -3}).view({2, 5});
        QCOMPARE(sampleTokens(logits, std::vector<SampleRow>(2), Decoding{}), (std::vector<std::int32_t>{1, 0}));
        const at::Tensor broken = at::tensor(std::vector<float>{NAN, NAN});
        QCOMPARE(checks::codeOf([&] { sampleTokens(broken.view({1, 2}), std::vector<SampleRow>(1), Decoding{}); }),
                 std::string("generate.nonfinite"));
    }

    void cancelAndRefusals() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const std::vector<GenerateRequest> requests{{tiny::ids(8, 60), 0}};
        GenerateCallbacks callbacks;
        int calls = 0;
        callbacks.progress = [&](const GenerateProgress& state) {
            return ++calls < 5 && state.rows == 1;
        };
        QCOMPARE(checks::codeOf([&] { generate(decoder, requests, {}, options(1), callbacks); }),
                 std::string("cancelled"));
        QCOMPARE(calls, 5);
        const auto codeOf = [&](GenerateRequest request, GenerateOptions how) {
            return checks::codeOf([&] { generate(decoder, {request}, {}, how); });
        };
        QCOMPARE(codeOf({{}, 0}, options(1)), std::string("generate.request"));
        QCOMPARE(codeOf(requests[0], options(0)), std::string("generate.request"));
        QCOMPARE(codeOf(requests[0], options(1, 0)), std::string("generate.request"));
        QCOMPARE(codeOf(requests[0], options(1, 300)), std::string("model.context"));
        QCOMPARE(codeOf({{101}, 0}, options(1)), std::string("model.token"));
        auto hot = options(1);
        hot.decoding.temperature = NAN;
        QCOMPARE(codeOf(requests[0], hot), std::string("generate.request"));
        QVERIFY(generate(decoder, {}, {}, options(4)).empty());
    }
};

QTEST_GUILESS_MAIN(GenerateTest)
#include "generate_test.moc"
