// The real models against transformers on the same weights and token ids: R[k], DIM, greedy text without and with edits.
#include "core/engine/capture/capture.h"
#include "core/engine/generate/generate.h"
#include "core/engine/methods/dim.h"
#include "tests/core/engine/support/reference.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/from_blob.h>

#include <QtTest/QtTest>

#include <cmath>
#include <numeric>

using namespace azimuth;

namespace {

constexpr int positives = 3, prompts = 7;
constexpr std::int64_t newTokens = 32;

std::vector<std::int64_t> upTo(std::int64_t count) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), std::int64_t{0});
    return values;
}

struct Continuation {
    int prompt;
    const char* operation; // null: no edit
    double from, to, directionAt; // as fractions of L
    double strength; // in raw norms
};

// Prompt 6 is the longest.
constexpr Continuation continuations[] = {
    {0, nullptr, 0, 0, 0, 0},      {3, nullptr, 0, 0, 0, 0},         {6, nullptr, 0, 0, 0, 0},
    {3, "add", 0.5, 0.5, 0.5, 1},  {6, "add", 0.5, 0.5, 0.5, 0.8},   {4, "add", 0.8, 0.8, 0.8, -0.7},
    {0, "ablate", 0, 1, 0.5, 0},   {6, "ablate", 0.25, 0.75, 0.5, 0}, {5, "add", 1, 1, 1, 0.5},
};

struct Model {
    const reference::Family& family;
    reference::Reference peer;
    std::optional<Decoder> decoder;
    std::vector<std::vector<std::int32_t>> ids;
    std::vector<double> dim; // [k][d] of the peer

    explicit Model(const reference::Family& which) : family(which) {}
    std::int64_t kAt(double fraction) const { return std::llround(fraction * static_cast<double>(family.blocks)); }

    QJsonObject request() const {
        QJsonArray wanted;
        for (const auto& c : continuations) {
            QJsonArray edits;
            if (c.operation)
                edits.append(reference::edit(kAt(c.from), kAt(c.to), c.operation, kAt(c.directionAt), c.strength));
            wanted.append(QJsonObject{{QStringLiteral("prompt"), c.prompt},
                                      {QStringLiteral("new_tokens"), qint64(newTokens)},
                                      {QStringLiteral("edits"), edits}});
        }
        const auto texts = [&](std::initializer_list<const char*> bodies) { return reference::texts(family, bodies); };
        return {{QStringLiteral("bf16"), true},
                {QStringLiteral("positive"), texts({"Write a rhyming poem about dogs", "Write verse on rain in spring",
                                                    "Compose a short song for the sea"})},
                {QStringLiteral("negative"), texts({"Write a factual report about dogs", "Explain how rain forms",
                                                    "List three facts about the sea"})},
                {QStringLiteral("extra"), texts({"The history of the city begins in the year when the river was first "
                                                 "crossed by a bridge, and the people who lived on both of its banks "
                                                 "could trade with each other every day. What happened next?"})},
                {QStringLiteral("continuations"), wanted}};
    }

    std::string prepare() {
        auto failure = peer.run(family, request());
        if (!failure.empty())
            return failure;
        decoder = Decoder::load(Checkpoint::open(reference::modelPath(family)), at::kFloat);
        for (int i = 0; i < prompts; ++i)
            ids.push_back(peer.ids("tokens/" + std::to_string(i)));
        dim = peer.doubles("dim");
        return {};
    }

    std::vector<CaptureRequest> everyToken() const {
        std::vector<CaptureRequest> requests;
        for (const auto& part : ids)
            requests.push_back({part, upTo(static_cast<std::int64_t>(part.size()))});
        return requests;
    }
    // R[k] of all prompts' tokens in order, [k]: [tokens, d].
    std::vector<at::Tensor> expected(const std::string& prefix) const {
        std::vector<std::vector<at::Tensor>> parts(static_cast<std::size_t>(family.blocks) + 1);
        for (int i = 0; i < prompts; ++i) {
            const auto name = prefix + std::to_string(i);
            auto values = peer.floats(name);
            const at::Tensor all = at::from_blob(values.data(), peer.shape(name), at::kFloat).clone();
            for (std::size_t k = 0; k < parts.size(); ++k)
                parts[k].push_back(all[static_cast<std::int64_t>(k)]);
        }
        std::vector<at::Tensor> result;
        for (const auto& part : parts)
            result.push_back(at::cat(part));
        return result;
    }
    std::vector<float> unit(std::int64_t k) const {
        const std::int64_t width = decoder->spec().width;
        const double* row = dim.data() + k * width;
        const double norm = std::sqrt(std::inner_product(row, row + width, row, 0.0));
        std::vector<float> result;
        for (std::int64_t i = 0; i < width; ++i)
            result.push_back(static_cast<float>(row[i] / norm));
        return result;
    }
    double rawNorm(std::int64_t k) const {
        const double* row = dim.data() + k * decoder->spec().width;
        return std::sqrt(std::inner_product(row, row + decoder->spec().width, row, 0.0));
    }
};

} // namespace

class DecoderPeerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void model_data() {
        QTest::addColumn<int>("family");
        QTest::newRow("SmolLM2") << 0;
        QTest::newRow("Gemma 3") << 1;
    }

    void model() {
        QFETCH(int, family);
        Model model(family == 0 ? reference::smollm2() : reference::gemma3());
        const auto failure = model.prepare();
        QVERIFY2(failure.empty(), failure.c_str());
        QCOMPARE(model.decoder->spec().blocks, model.family.blocks);
        residuals(model);
        packingAndWantedRows(model);
        difference(model);
        greedy(model);
        roundsAsThePeer(model);
    }

private:
    void residuals(const Model& model) {
        CaptureOptions options;
        options.ks = upTo(model.family.blocks + 1);
        const auto rows = captureRows(*model.decoder, model.everyToken(), options);
        const auto expected = model.expected("resid/");
        double worst = 0;
        for (std::size_t k = 0; k < rows.size(); ++k)
            worst = std::max(worst, tiny::relativeError(rows[k], expected[k]));
        qInfo("worst relative error of R[k]: %.2e", worst);
        QVERIFY2(worst <= 1e-4, qPrintable(QString::number(worst)));
    }

    // A batch of unequal prompts equals single prompts; wanted rows and early stops change nothing.
    void packingAndWantedRows(const Model& model) {
        CaptureOptions options;
        options.ks = {model.family.blocks / 2, model.family.blocks};
        const auto packed = captureRows(*model.decoder, model.everyToken(), options);
        options.tokenBudget = 1;
        const auto single = captureRows(*model.decoder, model.everyToken(), options);
        for (std::size_t i = 0; i < packed.size(); ++i)
            QVERIFY(tiny::relativeError(packed[i], single[i]) <= 1e-5);
        CaptureOptions last;
        last.ks = {model.family.blocks};
        std::vector<CaptureRequest> requests;
        std::vector<std::int64_t> where;
        std::int64_t first = 0;
        for (const auto& ids : model.ids) {
            const auto length = static_cast<std::int64_t>(ids.size());
            requests.push_back({ids, {length / 2, length - 1}});
            where.push_back(first + length / 2);
            where.push_back(first + length - 1);
            first += length;
        }
        const auto wanted = captureRows(*model.decoder, requests, last);
        QVERIFY(tiny::relativeError(wanted[0], packed[1].index_select(0, at::tensor(where))) <= 1e-5);
        last.ks = {options.ks[0]};
        const auto early = captureRows(*model.decoder, requests, last);
        QVERIFY(tiny::relativeError(early[0], packed[0].index_select(0, at::tensor(where))) <= 1e-5);
    }

    void difference(const Model& model) {
        DimRequest request;
        request.positive.assign(model.ids.begin(), model.ids.begin() + positives);
        request.negative.assign(model.ids.begin() + positives, model.ids.begin() + 2 * positives);
        const auto result = differenceInMeans(*model.decoder, request);
        const std::int64_t width = model.decoder->spec().width;
        double lowest = 1;
        // R[0] at the last token is the same token in both classes: its difference is zero, so k starts at 1 there.
        for (std::int64_t k = 0; k <= model.family.blocks; ++k) {
            const float* ours = result.raw.data() + k * width;
            const double* theirs = model.dim.data() + k * width;
            double dot = 0, a = 0, b = 0;
            for (std::int64_t i = 0; i < width; ++i) {
                dot += ours[i] * theirs[i];
                a += double(ours[i]) * ours[i];
                b += theirs[i] * theirs[i];
            }
            if (b == 0) {
                QCOMPARE(a, 0.0);
                continue;
            }
            lowest = std::min(lowest, dot / std::sqrt(a * b));
            QVERIFY(std::abs(result.rawNorm.at(0, k) - std::sqrt(b)) <= 1e-4 * std::sqrt(b));
        }
        qInfo("lowest cosine of DIM: 1 - %.1e", 1 - lowest);
        QVERIFY2(lowest >= 0.99999, qPrintable(QString::number(lowest, 'g', 12)));
    }

    // All continuations as rows of one batch: different prompts, arms, k and strengths side by side.
    void greedy(const Model& model) {
        std::vector<Arm> arms;
        std::vector<std::int64_t> armOfRow;
        std::vector<GenerateRequest> requests;
        std::map<std::string, at::Tensor> directions;
        for (const auto& c : continuations) {
            Arm arm;
            if (c.operation) {
                Intervention edit;
                const auto k = model.kAt(c.directionAt);
                edit.operation = std::string(c.operation) == "add" ? Operation::Add : Operation::Ablate;
                edit.direction = std::to_string(k);
                directions[edit.direction] = at::tensor(model.unit(k));
                edit.strength = c.strength * model.rawNorm(k);
                edit.kFrom = model.kAt(c.from);
                edit.kTo = model.kAt(c.to);
                arm.interventions.push_back(edit);
            }
            arms.push_back(arm);
            armOfRow.push_back(static_cast<std::int64_t>(armOfRow.size()));
            requests.push_back({model.ids[static_cast<std::size_t>(c.prompt)], 0});
        }
        const Steering steering(arms, armOfRow, [&](const std::string& name) { return directions.at(name); },
                                *model.decoder);
        GenerateOptions options;
        options.decoding.maximumNewTokens = newTokens;
        options.decoding.rows = 16;
        for (const bool refill : {false, true}) {
            options.refill = refill;
            options.decoding.rows = refill ? 4 : 16;
            const auto rows = generate(*model.decoder, requests, steering, options);
            for (std::size_t i = 0; i < rows.size(); ++i)
                QVERIFY2(rows[i].ids == model.peer.ids("continuation/" + std::to_string(i)),
                         qPrintable(QStringLiteral("continuation %1, refill %2").arg(i).arg(refill)));
        }
    }

    // At bf16 both round at every operation; ours may be no further from fp32 than the peer's is.
    void roundsAsThePeer(Model& model) {
        model.decoder.reset();
        const auto decoder = Decoder::load(Checkpoint::open(reference::modelPath(model.family)), at::kBFloat16);
        CaptureOptions options;
        options.ks = upTo(model.family.blocks + 1);
        const auto ours = captureRows(decoder, model.everyToken(), options);
        const auto exact = model.expected("resid/"), theirs = model.expected("bf16/resid/");
        double sumOurs = 0, sumTheirs = 0;
        for (std::size_t k = 0; k < ours.size(); ++k) {
            const auto mean = [&](const at::Tensor& a, const at::Tensor& b) {
                return ((a - b).norm(2, {-1}) / b.norm(2, {-1})).mean().item<double>();
            };
            sumOurs += mean(ours[k], exact[k]);
            sumTheirs += mean(theirs[k], exact[k]);
            if (k == 0)
                QVERIFY(ours[k].equal(theirs[k]));
            if (k == 1)
                QVERIFY(mean(ours[k], theirs[k]) <= mean(theirs[k], exact[k]));
        }
        const double count = static_cast<double>(ours.size());
        qInfo("mean relative error of R[k] at bf16 against fp32: ours %.4f, transformers %.4f", sumOurs / count,
              sumTheirs / count);
        QVERIFY(sumOurs <= 1.1 * sumTheirs);
    }
};

QTEST_GUILESS_MAIN(DecoderPeerTest)
#include "decoder_peer_test.moc"
