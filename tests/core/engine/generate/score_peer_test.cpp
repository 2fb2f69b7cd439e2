// Log-probabilities and divergences of the real models against transformers with hooks, on the same weights
// and ids.
#include "core/engine/generate/score.h"
#include "tests/core/engine/support/reference.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <cmath>

using namespace azimuth;

namespace {

struct Case {
    const char* name;
    Operation operation;
    Site site;
    double from, to; // as fractions of L, or of L - 1 inside blocks
    double strength;
    TokenScope scope;
};
constexpr Case cases[] = {
    {"add", Operation::Add, Site::Resid, 0.5, 0.5, 4, TokenScope::All},
    {"ablate", Operation::Ablate, Site::Resid, 0, 1, 0, TokenScope::All},
    {"affine", Operation::Affine, Site::Resid, 0.4, 0.6, 2, TokenScope::Prompt},
    {"generated", Operation::Add, Site::Resid, 0.5, 0.5, 6, TokenScope::Generated},
    {"attention", Operation::Add, Site::AttnOut, 0.2, 0.7, 1, TokenScope::All},
    {"mlp", Operation::Ablate, Site::MlpOut, 0, 1, 0, TokenScope::All},
};

std::vector<Arm> armsFor(std::int64_t blocks) {
    std::vector<Arm> arms{{"control", {}}};
    for (const auto& c : cases) {
        const auto last = static_cast<double>(c.site == Site::Resid ? blocks : blocks - 1);
        arms.push_back({c.name,
                        {{c.operation, "r", c.operation == Operation::Ablate ? 0 : c.strength,
                          std::llround(c.from * last), std::llround(c.to * last), c.scope, c.site}}});
    }
    return arms;
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
            at::randn({decoder.spec().width}, generator, at::TensorOptions().dtype(at::kDouble));
        const at::Tensor unit = (raw / raw.norm()).to(at::kFloat);
        const auto arms = armsFor(family.blocks);
        const std::vector<std::vector<std::int32_t>> prompts{tiny::ids(13, 1, 20000),
                                                             tiny::ids(40, 2, 20000)};
        const std::vector<std::vector<std::int32_t>> continuations{{1234}, tiny::ids(9, 4, 20000)};

        QJsonArray numbers, promptsJson, continuationsJson;
        for (std::int64_t i = 0; i < unit.size(0); ++i)
            numbers.append(double(unit[i].item<float>()));
        for (const auto& ids : prompts)
            promptsJson.append(array(ids));
        for (const auto& ids : continuations)
            continuationsJson.append(array(ids));
        reference::Reference peer;
        const auto failure = peer.run(family,
                                      {{QStringLiteral("prompts"), promptsJson},
                                       {QStringLiteral("continuations"), continuationsJson},
                                       {QStringLiteral("direction"), numbers},
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
            arms, rows, [&](const std::string&) { return unit; }, decoder);
        ScoreOptions options;
        options.reference = 0;
        const auto found = score(decoder, prompts, requests, steering, options);
        double worstLog = 0, worstKl = 0, largestKl = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const auto p = i / (2 * rows.size()), c = i / rows.size() % 2, a = i % rows.size();
            const auto place = "/" + std::to_string(p) + "/" + std::to_string(c) + "/" + std::to_string(a);
            const auto logs = peer.doubles("log" + place), kl = peer.doubles("kl" + place);
            QCOMPARE(found[i].logProbabilities.size(), logs.size());
            QCOMPARE(found[i].kl.size(), kl.size());
            for (std::size_t t = 0; t < logs.size(); ++t) {
                worstLog = std::max(worstLog, std::abs(found[i].logProbabilities[t] - logs[t]));
                worstKl = std::max(worstKl, std::abs(found[i].kl[t] - kl[t]));
                largestKl = std::max(largestKl, kl[t]);
            }
        }
        qInfo("largest differences: log-probability %.2g, KL %.2g (of up to %.3g)", worstLog, worstKl,
              largestKl);
        QVERIFY(largestKl > 0.01); // the arms do something
        QVERIFY(worstLog <= 1e-4);
        QVERIFY(worstKl <= 1e-4);
    }
};

QTEST_GUILESS_MAIN(ScorePeerTest)
#include "score_peer_test.moc"
