// Checkpoints from tiny Hugging Face folders: names, prefixes, precision; every refusal; damaged files.
#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/checkpoint/identity.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;
using azimuth::test::TinyFolder;
using azimuth::test::tinyLlama;

class TestFolder : public QObject {
    Q_OBJECT
    std::unique_ptr<QTemporaryDir> m_folder;

    std::string path() const { return m_folder->filePath(QStringLiteral("model")).toStdString(); }
    Checkpoint open(const TinyFolder& folder) const {
        QDir(QString::fromStdString(path())).removeRecursively();
        folder.write(path());
        return Checkpoint::open(path());
    }
    std::string codeOfOpening(const TinyFolder& folder) const {
        return codeOf([&] { open(folder); });
    }
    std::string messageOfOpening(const TinyFolder& folder) const {
        return messageOf([&] { open(folder); });
    }
    static void compare(const Checkpoint& checkpoint, const std::string& name, const TinyFolder& folder,
                        const std::string& stored) {
        const auto tensor = checkpoint.load(name, at::kFloat);
        const auto* values = tensor.const_data_ptr<float>();
        for (std::int64_t j = 0; j < tensor.numel(); ++j)
            if (values[j] != folder.stored(stored, j))
                QFAIL(qPrintable(QStringLiteral("%1: element %2 is %3, expected is %4")
                                     .arg(QString::fromStdString(name))
                                     .arg(j)
                                     .arg(double{values[j]})
                                     .arg(double{folder.stored(stored, j)})));
    }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void loadsALlama() {
        for (const bool tied : {true, false})
            for (const char* prefix : {"model.", "", "language_model.model.", "model.language_model."}) {
                const auto folder = tinyLlama(prefix, tied);
                const auto checkpoint = open(folder);
                const auto& h = checkpoint.hyperparameters();
                QCOMPARE(h.family, std::string("llama"));
                QCOMPARE(h.headWidth, 8);
                QCOMPARE(h.keyValueHeads, 2);
                QCOMPARE(h.rope.theta, 1e5);
                QCOMPARE(h.tiedHead, tied);
                QCOMPARE(checkpoint.names().size(), std::size_t(tied ? 20 : 21));
                const std::string stored = prefix;
                compare(checkpoint, "embed.weight", folder, stored + "embed_tokens.weight");
                compare(checkpoint, "norm.weight", folder, stored + "norm.weight");
                compare(checkpoint, "blocks.1.attention.q.weight", folder,
                        stored + "layers.1.self_attn.q_proj.weight");
                compare(checkpoint, "blocks.0.mlp.down.weight", folder,
                        stored + "layers.0.mlp.down_proj.weight");
                compare(checkpoint, "blocks.1.mlp.norm.weight", folder,
                        stored + "layers.1.post_attention_layernorm.weight");
                if (!tied)
                    compare(checkpoint, "head.weight", folder, "lm_head.weight");
                QCOMPARE(checkpoint.loadAll(at::kBFloat16).size(), checkpoint.names().size());
            }
    }

    void loadsShardsInAnyOrder() {
        auto folder = tinyLlama();
        folder.type = DType::BF16;
        folder.shards.resize(3);
        for (std::size_t i = 0; i < folder.tensors.size(); ++i)
            folder.shards[i * 7 % 3].push_back(folder.tensors[i].first);
        const auto checkpoint = open(folder);
        const auto weights = checkpoint.loadAll(at::kBFloat16);
        QCOMPARE(weights.size(), std::size_t{20});
        const auto& tensor = weights.at("blocks.1.mlp.up.weight");
        const auto* values = tensor.const_data_ptr<at::BFloat16>();
        for (std::int64_t j = 0; j < tensor.numel(); ++j)
            QCOMPARE(static_cast<float>(values[j]),
                     bfloatToFloat(floatToBfloat(folder.stored("model.layers.1.mlp.up_proj.weight", j))));
        QCOMPARE(checkpoint.stored().storageName(), std::string("bf16"));
        QCOMPARE(checkpoint.stored().weightFiles().size(), std::size_t{3});
    }
};

QTEST_APPLESS_MAIN(TestFolder)
#include "folder_test.moc"
