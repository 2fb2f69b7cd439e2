// Log-probabilities and divergences of the real models against transformers with hooks, on the same weights
// and ids.
#include "core/engine/generate/score.h"
#include "tests/core/engine/support/reference.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <algorithm>
#include <cmath>

using namespace azimuth;

namespace {

struct Case {
    const char* arm; // edits of one name are one arm's
    const char* direction;
    Operation operation;
    Site site;
    double from, to; // as fractions of L, or of L - 1 inside blocks
    double strength;
    TokenScope scope;
};
constexpr Case cases[] = {
    {"add", "0", Operation::Add, Site::Resid, 0.5, 0.5, 4, TokenScope::All},
    {"ablate", "0", Operation::Ablate, Site::Resid, 0, 1, 0, TokenScope::All},
    {"affine", "0", Operation::Affine, Site::Resid, 0.4, 0.6, 2, TokenScope::Prompt},
    {"generated", "0", Operation::Add, Site::Resid, 0.5, 0.5, 6, TokenScope::Generated},
    {"from the last", "0", Operation::Add, Site::Resid, 0.5, 0.5, 6, TokenScope::LastPromptTokenOn},
    {"attention", "0", Operation::Add, Site::AttnOut, 0.2, 0.7, 1, TokenScope::All},
    {"middle", "0", Operation::Affine, Site::ResidMid, 0.3, 0.6, 2, TokenScope::All},
    {"middle from the last", "1", Operation::Add, Site::ResidMid, 0.5, 0.5, 5, TokenScope::LastPromptTokenOn},
    {"mlp", "0", Operation::Ablate, Site::MlpOut, 0, 1, 0, TokenScope::All},
    {"several", "0", Operation::Ablate, Site::Resid, 0, 1, 0, TokenScope::All},
    {"several", "1", Operation::Add, Site::Resid, 0.5, 0.5, 3, TokenScope::LastPromptTokenOn},
    {"several", "1", Operation::Affine, Site::ResidMid, 0.4, 0.5, 1, TokenScope::Prompt},
    {"several", "0", Operation::Add, Site::MlpOut, 0.6, 0.6, 2, TokenScope::Generated},
};

std::vector<Arm> armsFor(std::int64_t blocks) {
    std::vector<Arm> arms{{"control", {}}};
    for (const auto& c : cases) {
        if (arms.back().name != c.arm)
            arms.push_back({c.arm, {}});
        const auto last = static_cast<double>(c.site == Site::Resid ? blocks : blocks - 1);
        arms.back().interventions.push_back(
            {c.operation, c.direction, c.operation == Operation::Ablate ? 0 : c.strength,
             std::llround(c.from * last), std::llround(c.to * last), c.scope, c.site});
    }
    return arms;
}

QJsonArray numbersOf(const at::Tensor& row) {
    QJsonArray result;
    for (std::int64_t i = 0; i < row.size(0); ++i)
        result.append(double(row[i].item<float>()));
    return result;
}

QJsonArray array(const std::vector<std::int32_t>& ids) {
    QJsonArray result;
    for (const auto id : ids)
        result.append(id);
    return result;
}

QJsonArray armsJson(const std::vector<Arm>& arms) {
    QJsonArray result;
    for (const auto& arm : arms) {
        QJsonArray edits;
        for (const auto& e : arm.interventions)
            edits.append(
                QJsonObject{{QStringLiteral("site"), QString::fromStdString(toString(e.site))},
                            {QStringLiteral("direction"), std::stoi(e.direction)},
                            {QStringLiteral("k_from"), qint64(e.kFrom)},
                            {QStringLiteral("k_to"), qint64(e.kTo)},
                            {QStringLiteral("alpha"), e.operation == Operation::Ablate ? 0 : e.strength},
                            {QStringLiteral("beta"), e.operation == Operation::Add ? 0 : -1},
                            {QStringLiteral("scope"), QString::fromStdString(toString(e.scope))}});
        result.append(edits);
    }
    return result;
}

} // namespace

class ScorePeerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void agrees_data() {
        QTest::addColumn<bool>("gemma");
        QTest::newRow("SmolLM2") << false;
        QTest::newRow("Gemma 3") << true;
    }
    void agrees() {
        QFETCH(bool, gemma);
        const auto& family = gemma ? reference::gemma3() : reference::smollm2();
        if (!QFile::exists(QString::fromStdString(reference::modelPath(family))))
            QSKIP("the model is not in the cache");
        const auto decoder = Decoder::load(Checkpoint::open(reference::modelPath(family)), at::kFloat);
        auto generator = at::detail::createCPUGenerator(3);
        const at::Tensor raw =
            at::randn({2, decoder.spec().width}, generator, at::TensorOptions().dtype(at::kDouble));
        const at::Tensor units = (raw / raw.norm(2, {1}, true)).to(at::kFloat);
        const auto arms = armsFor(family.blocks);
        const std::vector<std::vector<std::int32_t>> prompts{tiny::ids(13, 1, 20000),
                                                             tiny::ids(40, 2, 20000)};
        const std::vector<std::vector<std::int32_t>> continuations{{1234}, tiny::ids(9, 4, 20000)};

        QJsonArray promptsJson, continuationsJson;
        for (const auto& ids : prompts)
            promptsJson.append(array(ids));
        for (const auto& ids : continuations)
            continuationsJson.append(array(ids));
        reference::Reference peer;
        const auto failure =
            peer.run(family,
                     {{QStringLiteral("prompts"), promptsJson},
                      {QStringLiteral("continuations"), continuationsJson},
                      {QStringLiteral("directions"), QJsonArray{numbersOf(units[0]), numbersOf(units[1])}},
                      {QStringLiteral("arms"), armsJson(arms)}},
                     500, "reference_scores.py");
        QVERIFY2(failure.empty(), failure.c_str());

        std::vector<std::int64_t> rows;
        std::vector<ScoreRequest> requests;
        for (std::int64_t a = 0; a < static_cast<std::int64_t>(arms.size()); ++a)
            rows.push_back(a);
        for (std::int64_t p = 0; p < 2; ++p)
            for (const auto& ids : continuations)
                for (const auto a : rows)
                    requests.push_back({p, a, ids});
        const Steering steering(
            arms, rows, [&](const std::string& name) { return units[std::stoll(name)].clone(); }, decoder);
        ScoreOptions options;
        options.reference = 0;
        const auto found = score(decoder, prompts, requests, steering, options);
        double worstLog = 0, worstKl = 0;
        std::vector<double> largestKl(arms.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            const auto p = i / (2 * rows.size()), c = i / rows.size() % 2, a = i % rows.size();
            const auto place = "/" + std::to_string(p) + "/" + std::to_string(c) + "/" + std::to_string(a);
            const auto logs = peer.doubles("log" + place), kl = peer.doubles("kl" + place);
            QCOMPARE(found[i].logProbabilities.size(), logs.size());
            QCOMPARE(found[i].kl.size(), kl.size());
            for (std::size_t t = 0; t < logs.size(); ++t) {
                worstLog = std::max(worstLog, std::abs(found[i].logProbabilities[t] - logs[t]));
                worstKl = std::max(worstKl, std::abs(found[i].kl[t] - kl[t]));
                largestKl[a] = std::max(largestKl[a], kl[t]);
            }
        }
        const auto weakest = std::min_element(largestKl.begin() + 1, largestKl.end());
        qInfo(
            "largest differences: log-probability %.2g, KL %.2g (of up to %.3g; the weakest arm moves %.2g)",
            worstLog, worstKl, *std::ranges::max_element(largestKl), *weakest);
        QVERIFY(*weakest > 1e-3); // every arm does something
        QVERIFY(worstLog <= 1e-4);
        QVERIFY(worstKl <= 1e-4);
    }
};

QTEST_GUILESS_MAIN(ScorePeerTest)
#include "score_peer_test.moc"
