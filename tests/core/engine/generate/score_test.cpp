// Scores against a model whose distributions have a closed form, and against a plain loop without cache or
// batch.
#include "core/engine/generate/score.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/zeros_like.h>

#include <QtTest/QtTest>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace azimuth;

namespace {

using Ids = std::vector<std::int32_t>;
using Values = std::vector<double>;

at::Tensor direction(const std::string& name) {
    auto generator = at::detail::createCPUGenerator(std::stoull(name));
    const at::Tensor raw = at::randn({48}, generator, at::TensorOptions().dtype(at::kFloat));
    return raw / raw.norm();
}

Arm arm(const char* name, Operation operation, double strength, std::int64_t from, std::int64_t to,
        TokenScope scope = TokenScope::All, Site site = Site::Resid) {
    return {name, {Intervention{operation, name, strength, from, to, scope, site}}};
}

// The first is the control; the names are directions.
std::vector<Arm> arms() {
    return {{"control", {}},
            arm("1", Operation::Add, 6, 0, 0),
            arm("2", Operation::Ablate, 0, 0, 4),
            arm("3", Operation::Affine, 3, 4, 4),
            arm("4", Operation::Add, 5, 2, 2, TokenScope::Generated),
            arm("5", Operation::Add, 5, 1, 1, TokenScope::Prompt),
            arm("6", Operation::Add, 5, 3, 3, TokenScope::LastPromptTokenOn),
            arm("7", Operation::Add, 4, 0, 3, TokenScope::All, Site::MlpOut)};
}

Steering steeringOf(const std::vector<Arm>& list, const Decoder& decoder) {
    std::vector<std::int64_t> rows(list.size());
    std::iota(rows.begin(), rows.end(), 0);
    return {list, rows, direction, decoder};
}

struct Cases {
    std::vector<Ids> prompts{tiny::ids(9, 1), tiny::ids(2, 2), tiny::ids(15, 3)};
    std::vector<Ids> continuations{{5}, tiny::ids(4, 11), {99}, tiny::ids(7, 12), {5, 6}};
    std::vector<ScoreRequest> requests;
    Cases() { // each prompt has continuations of its own beside common ones; arms innermost
        for (std::int64_t p = 0; p < 3; ++p)
            for (std::size_t c = 0; c < continuations.size(); ++c)
                for (std::int64_t a = 0; a < static_cast<std::int64_t>(arms().size()); ++a)
                    if ((static_cast<std::size_t>(p) + c + static_cast<std::size_t>(a)) % 5 != 0)
                        requests.push_back({p, a, continuations[c]});
    }
};

Values logSoftmax(const float* logits, std::int64_t count) {
    Values result(logits, logits + count);
    const double largest = *std::max_element(result.begin(), result.end());
    double sum = 0;
    for (const double value : result)
        sum += std::exp(value - largest);
    for (auto& value : result)
        value -= largest + std::log(sum);
    return result;
}

double divergence(const Values& p, const Values& q) {
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i)
        sum += std::exp(p[i]) * (p[i] - q[i]);
    return sum;
}

// Of the tokens that follow the prompt's last and each of the continuation's but the last.
std::vector<Values> plainDistributions(const Decoder& decoder, const Steering& steering, std::int64_t row,
                                       const Ids& prompt, const Ids& continuation) {
    const at::NoGradGuard noGrad;
    auto text = prompt;
    text.insert(text.end(), continuation.begin(), continuation.end() - 1);
    const auto length = static_cast<std::int64_t>(text.size()),
               promptLength = static_cast<std::int64_t>(prompt.size());
    const PackedBatch batch({{0, length, promptLength, row, {}}},
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
    const at::Tensor logits = decoder.logits(residual).contiguous();
    std::vector<Values> result;
    for (auto t = promptLength - 1; t < length; ++t)
        result.push_back(logSoftmax(logits.const_data_ptr<float>() + t * logits.size(1), logits.size(1)));
    return result;
}

double distance(const Values& a, const Values& b) {
    if (a.size() != b.size())
        return INFINITY;
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        most = std::max(most, std::abs(a[i] - b[i]));
    return most;
}

bool equal(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ScoredRow& x, const ScoredRow& y) {
        return x.logProbabilities == y.logProbabilities && x.kl == y.kl;
    });
}

} // namespace

class ScoreTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    // Blocks that add nothing: R[k] is the embedding e of the token, plus what the arm adds, so that the next
    // token's distribution is softmax(E (w x / rms(x))), x = e + (alpha + beta <e, r>) r.
    void closedForm_data() {
        QTest::addColumn<int>("operation");
        for (const auto operation : {Operation::Add, Operation::Ablate, Operation::Affine})
            QTest::newRow(toString(operation).c_str()) << int(operation);
    }
    void closedForm() {
        QFETCH(int, operation);
        const auto what = static_cast<Operation>(operation);
        const auto spec = tiny::sizes("llama");
        auto weights = tiny::randomWeights(spec, 7);
        for (auto& [name, tensor] : weights)
            if (name.ends_with("attention.o.weight") || name.ends_with("mlp.down.weight"))
                tensor = at::zeros_like(tensor);
        const at::Tensor e = weights.at("embed.weight").clone(), w = weights.at("norm.weight").clone();
        const Decoder decoder(spec, weights, at::kFloat);
        const auto steering =
            steeringOf({{"control", {}}, arm("3", what, what == Operation::Ablate ? 0 : 2.5, 2, 2)}, decoder);
        const Ids prompt{17, 4}, continuation{8, 100, 4};
        ScoreOptions options;
        options.reference = 0;
        const auto found =
            score(decoder, {prompt}, {{0, 1, continuation}, {0, 0, continuation}}, steering, options);
        const at::Tensor r = direction("3");
        const float* table = e.const_data_ptr<float>();
        const auto distribution = [&](std::int32_t token, double alpha, double beta) {
            Values x(table + token * 48, table + (token + 1) * 48);
            double dot = 0, squares = 0;
            for (std::size_t i = 0; i < 48; ++i)
                dot += x[i] * double(r.const_data_ptr<float>()[i]);
            for (std::size_t i = 0; i < 48; ++i) {
                x[i] += (alpha + beta * dot) * double(r.const_data_ptr<float>()[i]);
                squares += x[i] * x[i];
            }
            const double scale = 1 / std::sqrt(squares / 48 + spec.normEpsilon);
            std::vector<float> logits(101);
            for (std::size_t v = 0; v < 101; ++v) {
                double sum = 0;
                for (std::size_t i = 0; i < 48; ++i)
                    sum += double(table[v * 48 + i]) * x[i] * scale * double(w.const_data_ptr<float>()[i]);
                logits[v] = static_cast<float>(sum);
            }
            return logSoftmax(logits.data(), 101);
        };
        const double alpha = what == Operation::Ablate ? 0 : 2.5, beta = what == Operation::Add ? 0 : -1;
        const Ids before{4, 8, 100};
        Values steered, control, kl;
        for (std::size_t i = 0; i < 3; ++i) {
            const auto p = distribution(before[i], 0, 0), q = distribution(before[i], alpha, beta);
            const auto next = static_cast<std::size_t>(continuation[i]);
            control.push_back(p[next]);
            steered.push_back(q[next]);
            kl.push_back(divergence(p, q));
        }
        QVERIFY(distance(found[0].logProbabilities, steered) <= 2e-6);
        QVERIFY(distance(found[1].logProbabilities, control) <= 2e-6);
        QVERIFY(distance(found[0].kl, kl) <= 2e-6);
        QVERIFY(*std::max_element(kl.begin(), kl.end()) > 1e-4);
        QCOMPARE(found[1].kl, (Values{0, 0, 0})); // of the reference from itself
    }

    void equalsPlainLoop_data() {
        QTest::addColumn<int>("batch");
        QTest::addColumn<int>("budget");
        QTest::addColumn<int>("reference");
        for (const int reference : {-1, 0, 1})
            for (const int batch : {1, 2, 5, 32})
                for (const int budget : {0, 11})
                    QTest::addRow("batch %d budget %d reference %d", batch, budget, reference)
                        << batch << budget << reference;
    }
    void equalsPlainLoop() {
        QFETCH(int, batch);
        QFETCH(int, budget);
        QFETCH(int, reference);
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const auto steering = steeringOf(arms(), decoder);
        const Cases cases;
        ScoreOptions options;
        options.batch = batch;
        options.tokenBudget = budget;
        options.reference = reference;
        std::int64_t last = 0;
        ScoreCallbacks callbacks;
        callbacks.progress = [&](std::int64_t done, std::int64_t total) {
            last = done;
            return total == static_cast<std::int64_t>(cases.requests.size());
        };
        const auto found = score(decoder, cases.prompts, cases.requests, steering, options, callbacks);
        QCOMPARE(last, static_cast<std::int64_t>(cases.requests.size()));
        QCOMPARE(found.size(), cases.requests.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            const auto& request = cases.requests[i];
            const auto& prompt = cases.prompts[static_cast<std::size_t>(request.prompt)];
            const auto arm = plainDistributions(decoder, steering, request.arm, prompt, request.ids);
            Values logs, kl;
            for (std::size_t t = 0; t < request.ids.size(); ++t)
                logs.push_back(arm[t][static_cast<std::size_t>(request.ids[t])]);
            QVERIFY(distance(found[i].logProbabilities, logs) <= 1e-5);
            if (reference >= 0) {
                const auto from = plainDistributions(decoder, steering, reference, prompt, request.ids);
                for (std::size_t t = 0; t < request.ids.size(); ++t)
                    kl.push_back(divergence(from[t], arm[t]));
            }
            QVERIFY(distance(found[i].kl, kl) <= 1e-5);
        }
    }

    void orderAndBatchChangeNothing() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const auto steering = steeringOf(arms(), decoder);
        Cases cases;
        ScoreOptions options;
        options.reference = 0;
        const auto first = score(decoder, cases.prompts, cases.requests, steering, options);
        QVERIFY(equal(score(decoder, cases.prompts, cases.requests, steering, options),
                      first)); // to the last bit
        const auto requests = cases.requests;
        std::reverse(cases.requests.begin(), cases.requests.end());
        options.batch = 3;
        auto reversed = score(decoder, cases.prompts, cases.requests, steering, options);
        std::reverse(reversed.begin(), reversed.end());
        for (std::size_t i = 0; i < first.size(); ++i) {
            QVERIFY(distance(reversed[i].logProbabilities, first[i].logProbabilities) <= 1e-5);
            QVERIFY(distance(reversed[i].kl, first[i].kl) <= 1e-5);
        }
    }

    void strengthZeroIsTheControl() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const auto steering = steeringOf({{"control", {}}, arm("1", Operation::Add, 0, 0, 4)}, decoder);
        ScoreOptions options;
        options.reference = 0;
        const auto ids = tiny::ids(5, 9);
        const auto rows = score(decoder, {tiny::ids(8, 60)}, {{0, 0, ids}, {0, 1, ids}}, steering, options);
        QCOMPARE(rows[1].logProbabilities, rows[0].logProbabilities);
        QCOMPARE(rows[1].kl, Values(5, 0.0));
    }

    void refusals() {
        const auto decoder = tiny::decoder(tiny::gemma3(), 5);
        const auto codeOf = [&](const std::vector<Ids>& prompts, const ScoreRequest& request) {
            return checks::codeOf([&] { score(decoder, prompts, {request}, {}, {}); });
        };
        QCOMPARE(codeOf({{1}}, {0, 0, {}}), std::string("score.request"));
        QCOMPARE(codeOf({{}}, {0, 0, {1}}), std::string("score.request"));
        QCOMPARE(codeOf({{1}}, {1, 0, {1}}), std::string("score.request"));
        QCOMPARE(codeOf({{1}}, {0, 0, {101}}), std::string("model.token"));
        QCOMPARE(codeOf({{1}}, {0, 0, {-1}}), std::string("model.token"));
        QCOMPARE(codeOf({{101}}, {0, 0, {1}}), std::string("model.token"));
        QCOMPARE(codeOf({tiny::ids(200, 1)}, {0, 0, tiny::ids(58, 1)}), std::string("model.context"));
        QCOMPARE(codeOf({tiny::ids(200, 1)}, {0, 0, tiny::ids(57, 1)}), std::string("nothing was thrown"));
        auto twice = arm("1", Operation::Add, 3e38, 4, 4); // beyond single precision together
        for (int i = 0; i < 20; ++i)
            twice.interventions.push_back(twice.interventions.front());
        const auto loud = steeringOf({twice}, decoder);
        QCOMPARE(checks::codeOf([&] {
                     score(decoder, {{1, 2}}, {{0, 0, {3}}}, loud, {});
                 }),
                 std::string("score.nonfinite"));
        int calls = 0;
        ScoreCallbacks callbacks;
        callbacks.progress = [&](std::int64_t, std::int64_t) { return ++calls < 3; };
        QCOMPARE(checks::codeOf([&] {
                     score(decoder, {{1, 2}}, {{0, 0, {3, 4}}}, {}, {}, callbacks);
                 }),
                 std::string("cancelled"));
        QCOMPARE(calls, 3);
        QVERIFY(score(decoder, {}, {}, {}, {}).empty());
    }
};

QTEST_GUILESS_MAIN(ScoreTest)
#include "score_test.moc"
