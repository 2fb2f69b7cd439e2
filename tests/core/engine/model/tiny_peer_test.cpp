// Families as data: small random models whose residual stream and logits transformers computed. Every way through the decoder
// is held against it: packed with our kernels, the same as differentiable operations, and token by token through the cache.
#include "tests/core/engine/support/reference.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/from_blob.h>

#include <QtTest/QtTest>

using namespace azimuth;

namespace {

constexpr int prompts = 4;

ArchitectureSpec specOf(const std::string& family) {
    if (family == "gemma3")
        return tiny::gemma3();
    auto spec = tiny::sizes(family);
    spec.normEpsilon = 1e-6;
    if (family == "llama") {
        spec.normEpsilon = 1e-5;
        spec.tiedHead = false;
        spec.rope.theta = 10000;
        // llama 3 scaling by engine notes 3.4: factor 8, low 1, high 4, original context 64.
        for (int j = 0; j < 8; ++j) {
            const double frequency = std::pow(10000.0, -j / 8.0), length = 2 * M_PI / frequency;
            const double smooth = (64 / length - 1) / 3;
            const double scaled = length > 64 ? frequency / 8
                                  : length < 16 ? frequency
                                                : (1 - smooth) * frequency / 8 + smooth * frequency;
            spec.rope.divisors.push_back(frequency / scaled);
        }
    } else if (family == "qwen2") {
        spec.queryKeyValueBias = true;
        spec.rope.theta = 1e6;
    } else if (family == "qwen3") {
        spec.queryKeyNorm = QueryKeyNorm::PerHead;
        spec.rope.theta = 1e6;
    } else { // gemma2
        spec = tiny::gemma3();
        spec.family = "gemma2";
        spec.queryKeyNorm = QueryKeyNorm::None;
        spec.windowed = {true, false, true, false};
        spec.rope = spec.windowRope;
        spec.attentionSoftCap = 5;
        spec.logitSoftCap = 3;
    }
    return spec;
}

struct Case {
    SafetensorsFile file;
    Decoder decoder;
    std::vector<std::vector<std::int32_t>> ids;
    std::vector<at::Tensor> residuals, logits; // [k][token][d], [token][vocabulary]
};

at::Tensor tensorOf(const SafetensorsFile& file, const std::string& name) {
    const auto shape = file.at(name).shape;
    auto values = file.floats(name, std::vector<std::int64_t>(shape.size(), -1));
    return at::from_blob(values.data(), shape, at::kFloat).clone();
}

Case load(const QString& folder, const std::string& family) {
    auto file = SafetensorsFile::open(folder.toStdString() + "/" + family + ".safetensors");
    Weights weights;
    const std::string prefix = "weights/";
    for (const auto& tensor : file.tensors())
        if (tensor.name.starts_with(prefix))
            weights[tensor.name.substr(prefix.size())] = tensorOf(file, tensor.name);
    Case result{file, Decoder(specOf(family), std::move(weights), at::kFloat), {}, {}, {}};
    for (int i = 0; i < prompts; ++i) {
        const auto number = std::to_string(i);
        result.ids.emplace_back();
        for (const auto id : file.integers("tokens/" + number))
            result.ids.back().push_back(static_cast<std::int32_t>(id));
        result.residuals.push_back(tensorOf(file, "resid/" + number));
        result.logits.push_back(tensorOf(file, "logits/" + number));
    }
    return result;
}

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

} // namespace

class TinyPeerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() {
        const auto failure = reference::runPeer("reference_tiny_decoders.py", {m_folder.path()}, 400);
        QVERIFY2(failure.empty(), failure.c_str());
    }

    void families_data() {
        QTest::addColumn<QString>("family");
        for (const auto* family : {"llama", "qwen2", "qwen3", "gemma2", "gemma3"})
            QTest::newRow(family) << QString::fromUtf8(family);
    }

    void families() {
        QFETCH(QString, family);
        const auto peer = load(m_folder.path(), family.toStdString());
        const auto batch = pack(peer.ids);
        for (const bool gradient : {false, true}) {
            const at::AutoGradMode mode(gradient);
            at::Tensor residual = peer.decoder.embed(batch);
            for (std::int64_t k = 0;; ++k) {
                for (int i = 0; i < prompts; ++i) {
                    const auto rows = residual.narrow(0, batch.offsets()[static_cast<std::size_t>(i)],
                                                      peer.residuals[static_cast<std::size_t>(i)].size(1));
                    const double error = tiny::relativeError(rows, peer.residuals[static_cast<std::size_t>(i)][k]);
                    QVERIFY2(error <= 3e-6, qPrintable(QStringLiteral("R[%1], prompt %2: %3").arg(k).arg(i).arg(error)));
                }
                if (k == peer.decoder.spec().blocks)
                    break;
                residual = peer.decoder.block(k, residual, batch);
            }
            const at::Tensor logits = peer.decoder.logits(residual);
            for (int i = 0; i < prompts; ++i) {
                const auto& expected = peer.logits[static_cast<std::size_t>(i)];
                const auto rows = logits.narrow(0, batch.offsets()[static_cast<std::size_t>(i)], expected.size(0));
                QVERIFY(tiny::relativeError(rows, expected) <= 3e-6);
            }
        }
    }

    void tokenByToken_data() { families_data(); }
    void tokenByToken() {
        QFETCH(QString, family);
        const at::NoGradGuard noGrad;
        const auto peer = load(m_folder.path(), family.toStdString());
        KeyValueCache cache(peer.decoder.spec(), prompts + 1, 96, at::kFloat, at::kCPU);
        BlockOptions options;
        options.cache = &cache;
        for (std::int64_t position = 0; position < 90; ++position) {
            std::vector<Sequence> sequences;
            std::vector<std::span<const std::int32_t>> ids;
            std::vector<std::size_t> who;
            for (std::size_t i = 0; i < prompts; ++i)
                if (position < static_cast<std::int64_t>(peer.ids[i].size())) {
                    sequences.push_back({position, 1, 90, -1, {static_cast<std::int64_t>(prompts - i)}});
                    ids.emplace_back(&peer.ids[i][static_cast<std::size_t>(position)], 1);
                    who.push_back(i);
                }
            const PackedBatch batch(std::move(sequences), ids, at::kCPU);
            at::Tensor residual = peer.decoder.embed(batch);
            for (std::int64_t k = 0; k < peer.decoder.spec().blocks; ++k)
                residual = peer.decoder.block(k, residual, batch, options);
            const at::Tensor logits = peer.decoder.logits(residual);
            for (std::size_t row = 0; row < who.size(); ++row) {
                const double error = tiny::relativeError(logits[static_cast<std::int64_t>(row)].unsqueeze(0),
                                                         peer.logits[who[row]][position].unsqueeze(0));
                QVERIFY2(error <= 3e-6, qPrintable(QStringLiteral("token %1: %2").arg(position).arg(error)));
            }
        }
    }

    // A prompt in two parts: the second part's queries look into the cache.
    void continued_data() { families_data(); }
    void continued() {
        QFETCH(QString, family);
        const at::NoGradGuard noGrad;
        const auto peer = load(m_folder.path(), family.toStdString());
        KeyValueCache cache(peer.decoder.spec(), 1, 90, at::kFloat, at::kCPU);
        BlockOptions options;
        options.cache = &cache;
        at::Tensor residual;
        for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{0, 31}, {31, 59}}) {
            const std::span<const std::int32_t> ids(peer.ids[3].data() + first, static_cast<std::size_t>(count));
            const PackedBatch batch({{first, count, 90, -1, {0}}}, std::vector{ids}, at::kCPU);
            residual = peer.decoder.embed(batch);
            for (std::int64_t k = 0; k < peer.decoder.spec().blocks; ++k)
                residual = peer.decoder.block(k, residual, batch, options);
        }
        QVERIFY(tiny::relativeError(residual, peer.residuals[3][4].narrow(0, 31, 59)) <= 3e-6);
    }

private:
    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TinyPeerTest)
#include "tiny_peer_test.moc"
