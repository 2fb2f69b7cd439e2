// Every family against transformers: small random checkpoints that tests/peers/tiny_families.py made, as
// Hugging Face folders of both generations and as GGUF, loaded as a user's models are. Every way through the
// decoder is held against the reference: packed kernels, plain weights, differentiable operations, token by
// token through the cache.
//
// AZIMUTH_TINY_FAMILIES names a folder that the script has filled before, to save its half minute.
#include "core/engine/capture/capture.h"
#include "core/engine/generate/generate.h"
#include "tests/core/engine/support/families.h"
#include "tests/core/engine/support/reference.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <map>
#include <numeric>

using namespace azimuth;

namespace {

constexpr double tolerance = 2e-5, smallestMargin = 1e-3;
constexpr std::int64_t newTokens = 48;

// Percent of the greedy tokens that the reference decides by more than rounding: somewhat less than it was
// when each model was made, so that none can pass because nothing was left to compare. Of any one arm: 20.
constexpr double smallestShareOfArm = 20;
const std::map<std::string, double> smallestShares{{"gemma2", 65},
                                                   {"gemma2_plain", 70},
                                                   {"gemma3", 75},
                                                   {"gemma3_heads", 75},
                                                   {"gemma3_plain", 70},
                                                   {"gpt2", 70},
                                                   {"gpt2_untied", 85},
                                                   {"gpt_neox", 75},
                                                   {"gpt_neox_sequential", 80},
                                                   {"llama2", 85},
                                                   {"llama3", 60},
                                                   {"llama_bias", 70},
                                                   {"llama_dynamic", 65},
                                                   {"llama_linear", 65},
                                                   {"llama_yarn", 65},
                                                   {"llama_yarn_one", 65},
                                                   {"llama_yarn_whole", 65},
                                                   {"mistral", 80},
                                                   {"mistral_full", 70},
                                                   {"olmo2", 75},
                                                   {"olmo2_tied", 60},
                                                   {"phi3", 80},
                                                   {"phi3_long", 80},
                                                   {"phi3_partial", 60},
                                                   {"qwen2", 60},
                                                   {"qwen2_window", 75},
                                                   {"qwen2_yarn", 70},
                                                   {"qwen3", 65},
                                                   {"qwen3_untied", 80}};

PackedBatch pack(const std::vector<std::vector<std::int32_t>>& ids) {
    std::vector<Sequence> sequences;
    std::vector<std::span<const std::int32_t>> spans;
    for (const auto& part : ids) {
        const auto length = static_cast<std::int64_t>(part.size());
        sequences.push_back({0, length, length, -1, {}});
        spans.emplace_back(part);
    }
    return PackedBatch(std::move(sequences), spans, at::kCPU);
}

// Whether a longer sequence turns its earlier tokens otherwise.
bool dependsOnLength(const ArchitectureSpec& spec) {
    return spec.rope.scaling == RopeScaling::Dynamic || spec.rope.scaling == RopeScaling::Longrope;
}

Decoder load(const families::Model& model, const std::string& container, at::ScalarType type = at::kFloat,
             WeightLayout layout = WeightLayout::Packed) {
    return Decoder::load(Checkpoint::open(model.path(container)), type, at::kCPU, {}, layout);
}

std::string compare(const char* what, std::int64_t k, const at::Tensor& found, const at::Tensor& expected,
                    double most = tolerance) {
    const double error = tiny::relativeError(found, expected);
    if (error <= most)
        return {};
    return std::string(what) + "[" + std::to_string(k) + "]: " + std::to_string(error * 1e6) + "e-6";
}

} // namespace

class FamiliesPeerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() {
        QString folder = qEnvironmentVariable("AZIMUTH_TINY_FAMILIES");
        if (folder.isEmpty()) {
            folder = m_folder.path();
            const auto failure = reference::runPeer("tiny_families.py", {folder}, 900);
            QVERIFY2(failure.empty(), failure.c_str());
        }
        m_models = families::read(folder.toStdString());
        QVERIFY(m_models.size() == smallestShares.size());
    }

    void forward_data() {
        QTest::addColumn<int>("model");
        QTest::addColumn<QString>("container");
        for (std::size_t i = 0; i < m_models.size(); ++i)
            for (const auto& container : m_models[i].containers)
                QTest::newRow((m_models[i].name + " " + container).c_str())
                    << static_cast<int>(i) << QString::fromStdString(container);
    }
    void forward() {
        QFETCH(int, model);
        QFETCH(QString, container);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        for (const auto layout : {WeightLayout::Packed, WeightLayout::Plain}) {
            const auto decoder = load(peer, container.toStdString(), at::kFloat, layout);
            for (const bool gradient : {false, true}) {
                const auto finding = residuals(peer, decoder, gradient);
                QVERIFY2(finding.empty(), finding.c_str());
            }
        }
    }

    void sites_data() { models(); }
    void sites() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        const auto decoder = load(peer, "hf");
        const at::NoGradGuard noGrad;
        const auto batch = pack(peer.ids);
        at::Tensor residual = decoder.embed(batch);
        for (std::int64_t k = 0; k < decoder.spec().blocks; ++k) {
            std::map<Site, at::Tensor> seen;
            const BlockHook hook = [&](Site site, at::Tensor& value) { seen[site] = value.clone(); };
            BlockOptions options;
            options.hook = &hook;
            const at::Tensor before = residual.clone();
            residual = decoder.block(k, residual, batch, options);
            for (const auto& [site, name] : {std::pair{Site::AttnOut, "attn_out"},
                                             {Site::ResidMid, "resid_mid"},
                                             {Site::MlpOut, "mlp_out"}}) {
                QCOMPARE(seen.contains(site), !(peer.parallel && site == Site::ResidMid));
                if (!seen.contains(site))
                    continue;
                const auto finding = compare(name, k, seen[site], peer.all(name, k));
                QVERIFY2(finding.empty(), finding.c_str());
            }
            const at::Tensor sum = before + seen[Site::AttnOut] + seen[Site::MlpOut];
            QVERIFY(tiny::relativeError(sum, residual) <= 1e-6);
        }
    }

    // A prompt alone and among others, whole and at its last token: the same bits where the decoder says so.
    void composition_data() { models(); }
    void composition() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        for (const auto type : {at::kFloat, at::kBFloat16})
            for (const auto layout : {WeightLayout::Packed, WeightLayout::Plain}) {
                const auto decoder = load(peer, "hf", type, layout);
                QCOMPARE(decoder.rowsAreIndependent(), layout == WeightLayout::Packed);
                std::vector<CaptureRequest> requests;
                for (const auto& ids : peer.ids)
                    requests.push_back({ids, {static_cast<std::int64_t>(ids.size()) - 1}});
                CaptureOptions options;
                options.ks = {1, decoder.spec().blocks};
                options.inside = {{decoder.spec().blocks - 1, Site::MlpOut}};
                const auto together = captureRows(decoder, requests, options);
                std::ranges::reverse(requests);
                options.tokenBudget = 1;
                auto alone = captureRows(decoder, requests, options);
                for (std::size_t i = 0; i < alone.size(); ++i) {
                    const at::Tensor rows = alone[i].flip(0);
                    if (decoder.rowsAreIndependent())
                        QVERIFY2(rows.equal(together[i]), qPrintable(QString::number(i)));
                    else if (type == at::kFloat)
                        QVERIFY(tiny::relativeError(rows, together[i]) <= 1e-5);
                }
            }
    }

    // Prompts that begin alike: what they share is computed once, to the reference's values and to the bits
    // of computing each whole.
    void beginnings_data() { models(); }
    void beginnings() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        const auto decoder = load(peer, "hf"), low = load(peer, "hf", at::kBFloat16);
        const auto blocks = decoder.spec().blocks;
        int shared = 0;
        for (std::size_t prompt = 0; prompt < peer.ids.size(); ++prompt) {
            const auto& ids = peer.ids[prompt];
            const auto last = static_cast<std::int64_t>(ids.size()) - 1;
            if (last == 0)
                continue;
            const std::vector<CaptureRequest> requests{{ids, {last - 1, last}}, {ids, {last}}};
            CaptureOptions options;
            options.ks.resize(static_cast<std::size_t>(blocks) + 1);
            std::iota(options.ks.begin(), options.ks.end(), std::int64_t{0});
            options.note = [&](const std::string&) { ++shared; };
            auto apart = options;
            apart.shareBeginnings = false;
            const auto rows = captureRows(decoder, requests, options);
            for (std::int64_t k = 0; k <= blocks; ++k) {
                const at::Tensor expected = peer.tensor("resid/" + std::to_string(prompt))[k];
                const auto& found = rows[static_cast<std::size_t>(k)];
                for (const auto& [row, at] : {std::pair{0, last - 1}, {1, last}, {2, last}}) {
                    const auto finding = compare("R", k, found.narrow(0, row, 1), expected.narrow(0, at, 1));
                    QVERIFY2(finding.empty(), finding.c_str());
                }
            }
            for (const auto* one : {&decoder, &low}) {
                const auto once = captureRows(*one, requests, options);
                const auto each = captureRows(*one, requests, apart);
                for (std::size_t k = 0; k < once.size(); ++k)
                    QVERIFY(once[k].equal(each[k]));
            }
        }
        QVERIFY2(shared > 0 || dependsOnLength(decoder.spec()), "no beginning was long enough");
    }

    void tokenByToken_data() { models(); }
    void tokenByToken() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        for (const auto layout : {WeightLayout::Packed, WeightLayout::Plain}) {
            const auto decoder = load(peer, "hf", at::kFloat, layout);
            const auto finding = throughTheCache(peer, decoder);
            QVERIFY2(finding.empty(), finding.c_str());
        }
    }

    // A prompt in two parts: the second part's queries look into the cache.
    void continued_data() { models(); }
    void continued() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        const auto decoder = load(peer, "hf");
        const at::NoGradGuard noGrad;
        const std::size_t prompt = dependsOnLength(decoder.spec()) ? 2 : 3;
        const auto length = static_cast<std::int64_t>(peer.ids[prompt].size()), first = length / 2;
        KeyValueCache cache(decoder.spec(), 1, length, at::kFloat, at::kCPU);
        BlockOptions options;
        options.cache = &cache;
        at::Tensor residual;
        for (const auto& [start, count] :
             {std::pair<std::int64_t, std::int64_t>{0, first}, {first, length - first}}) {
            const std::span<const std::int32_t> ids(peer.ids[prompt].data() + start,
                                                    static_cast<std::size_t>(count));
            const PackedBatch batch({{start, count, length, -1, {0}}}, std::vector{ids}, at::kCPU);
            residual = decoder.embed(batch);
            for (std::int64_t k = 0; k < decoder.spec().blocks; ++k)
                residual = decoder.block(k, residual, batch, options);
        }
        const at::Tensor expected = peer.tensor("resid/" + std::to_string(prompt))[decoder.spec().blocks];
        const auto finding =
            compare("R", decoder.spec().blocks, residual, expected.narrow(0, first, length - first));
        QVERIFY2(finding.empty(), finding.c_str());
    }

    void bfloat16_data() { models(); }
    void bfloat16() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        const at::NoGradGuard noGrad;
        for (const auto layout : {WeightLayout::Packed, WeightLayout::Plain}) {
            const auto decoder = load(peer, "hf", at::kBFloat16, layout);
            const auto batch = pack(peer.ids);
            at::Tensor residual = decoder.embed(batch);
            double lowest = 1, ours = 0, theirs = 0;
            for (std::int64_t k = 0;; ++k) {
                const at::Tensor found = residual.to(at::kFloat), expected = peer.all("bf16/resid", k),
                                 exact = peer.all("resid", k);
                const at::Tensor cosine =
                    (found * expected).sum(1) / (found.norm(2, {1}) * expected.norm(2, {1}));
                lowest = std::min(lowest, cosine.min().item<double>());
                ours += ((found - exact).norm(2, {1}) / exact.norm(2, {1})).mean().item<double>();
                theirs += ((expected - exact).norm(2, {1}) / exact.norm(2, {1})).mean().item<double>();
                if (k == 0)
                    QVERIFY2(found.equal(expected), "R[0] differs");
                if (k == decoder.spec().blocks)
                    break;
                residual = decoder.block(k, residual, batch);
            }
            QVERIFY2(lowest >= 0.999, qPrintable(QString::number(lowest, 'g', 8)));
            QVERIFY2(ours <= 1.15 * theirs, qPrintable(QStringLiteral("%1 > %2").arg(ours).arg(theirs)));
        }
    }

    void greedy_data() { models(); }
    void greedy() {
        QFETCH(int, model);
        const auto& peer = m_models[static_cast<std::size_t>(model)];
        const auto& arms = peer.arms;
        m_shares.clear();
        for (const auto layout : {WeightLayout::Packed, WeightLayout::Plain}) {
            const auto decoder = load(peer, "hf", at::kFloat, layout);
            // Rows of all prompts and arms in turn, so that a batch holds unequal ones.
            std::vector<std::int64_t> armOfRow;
            std::vector<GenerateRequest> requests;
            for (std::size_t arm = 0; arm < arms.size(); ++arm)
                for (const auto& ids : peer.ids) {
                    armOfRow.push_back(static_cast<std::int64_t>(arm));
                    requests.push_back({ids, 0});
                }
            const at::Tensor directions = peer.tensor("directions");
            const Steering steering(
                arms, armOfRow, [&](const std::string& name) { return directions[std::stoll(name)].clone(); },
                decoder);
            GenerateOptions options;
            options.decoding.maximumNewTokens = newTokens;
            for (const bool refill : {false, true}) {
                options.refill = refill;
                options.decoding.rows = refill ? 5 : 64;
                const auto rows = generate(decoder, requests, steering, options);
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const auto finding =
                        sameText(peer, rows[i].ids, i % peer.ids.size(), i / peer.ids.size());
                    QVERIFY2(finding.empty(), finding.c_str());
                }
            }
        }
        double sum = 0, least = 100;
        for (const auto& [arm, percents] : m_shares) {
            const double share =
                std::accumulate(percents.begin(), percents.end(), 0.0) / static_cast<double>(percents.size());
            sum += share;
            least = std::min(least, share);
        }
        const double mean = sum / static_cast<double>(m_shares.size());
        qInfo("%.0f %% of the tokens were compared, %.0f %% of one arm", mean, least);
        QCOMPARE(m_shares.size(), arms.size());
        QVERIFY(mean >= smallestShares.at(peer.name));
        QVERIFY(least >= smallestShareOfArm);
    }

private:
    void models() {
        QTest::addColumn<int>("model");
        for (std::size_t i = 0; i < m_models.size(); ++i)
            QTest::newRow(m_models[i].name.c_str()) << static_cast<int>(i);
    }

    static std::string residuals(const families::Model& peer, const Decoder& decoder, bool gradient) {
        const at::AutoGradMode mode(gradient);
        const auto batch = pack(peer.ids);
        at::Tensor residual = decoder.embed(batch);
        for (std::int64_t k = 0;; ++k) {
            auto finding = compare("R", k, residual, peer.all("resid", k));
            if (!finding.empty() || k == decoder.spec().blocks) {
                if (finding.empty())
                    finding = compare("logits", 0, decoder.logits(residual), peer.all("logits"));
                return finding;
            }
            residual = decoder.block(k, residual, batch);
        }
    }

    static std::string throughTheCache(const families::Model& peer, const Decoder& decoder) {
        const at::NoGradGuard noGrad;
        const auto prompts = peer.ids.size() - (dependsOnLength(decoder.spec()) ? 1u : 0u);
        KeyValueCache cache(decoder.spec(), static_cast<std::int64_t>(prompts) + 1, 64, at::kFloat, at::kCPU);
        BlockOptions options;
        options.cache = &cache;
        std::vector<at::Tensor> expected;
        for (std::size_t i = 0; i < prompts; ++i)
            expected.push_back(peer.tensor("logits/" + std::to_string(i)));
        for (std::int64_t position = 0;; ++position) {
            std::vector<Sequence> sequences;
            std::vector<std::span<const std::int32_t>> ids;
            std::vector<at::Tensor> wanted;
            for (std::size_t i = 0; i < prompts; ++i)
                if (position < static_cast<std::int64_t>(peer.ids[i].size())) {
                    sequences.push_back({position, 1, 64, -1, {static_cast<std::int64_t>(prompts - i)}});
                    ids.emplace_back(&peer.ids[i][static_cast<std::size_t>(position)], 1);
                    wanted.push_back(expected[i][position]);
                }
            if (ids.empty())
                return {};
            const PackedBatch batch(std::move(sequences), ids, at::kCPU);
            at::Tensor residual = decoder.embed(batch);
            for (std::int64_t k = 0; k < decoder.spec().blocks; ++k)
                residual = decoder.block(k, residual, batch, options);
            auto finding = compare("logits of token ", position, decoder.logits(residual), at::stack(wanted));
            if (!finding.empty())
                return finding;
        }
    }

    // Equal up to the first step at which the reference's choice is a matter of rounding.
    std::string sameText(const families::Model& peer, const std::vector<std::int32_t>& found,
                         std::size_t prompt, std::size_t arm) {
        const auto index = static_cast<std::int64_t>(arm);
        const auto& text = peer.continuation[prompt];
        const at::Tensor margins = peer.tensor("margin/" + std::to_string(prompt))[index].contiguous();
        const auto* margin = margins.const_data_ptr<float>();
        if (static_cast<std::int64_t>(found.size()) != newTokens)
            return "there are " + std::to_string(found.size()) + " tokens";
        std::int64_t step = 0;
        for (; step < newTokens && margin[step] >= smallestMargin; ++step)
            if (found[static_cast<std::size_t>(step)] !=
                text[static_cast<std::size_t>(index * newTokens + step)])
                return "prompt " + std::to_string(prompt) + ", arm " + std::to_string(arm) + ", step " +
                       std::to_string(step) + ": margin " + std::to_string(margin[step]);
        m_shares[arm].push_back(100.0 * static_cast<double>(step) / newTokens);
        return {};
    }

    QTemporaryDir m_folder;
    std::vector<families::Model> m_models;
    std::map<std::size_t, std::vector<double>> m_shares; // of an arm: percent compared of each text
};

QTEST_GUILESS_MAIN(FamiliesPeerTest)
#include "families_peer_test.moc"
