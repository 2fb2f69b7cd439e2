// What a checkpoint from a GGUF file refuses, by name: types, numbers that are not finite, values out of
// range, features, parts of a split model.
#include "tests/core/engine/checkpoint/tiny_file.h"

#include <limits>
#include <QtTest>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;
using azimuth::test::GgufBuilder;
using azimuth::test::TinyModel;

class TestCheckpointRefusals : public QObject {
    Q_OBJECT
    test::TinyFile m_file;

private Q_SLOTS:
    void refusesTypesByName() {
        for (const auto& [type, name] : {std::pair(16u, "IQ2_XXS"),
                                         {20u, "IQ4_NL"},
                                         {23u, "IQ4_XS"},
                                         {34u, "TQ1_0"},
                                         {39u, "MXFP4"},
                                         {42u, "Q2_0"},
                                         {77u, "type 77"}}) {
            TinyModel model;
            model.width = 256; // a block of each; four bytes an element where no layout is known
            model.otherTypes["blk.0.ffn_up.weight"] = GgufType{type};
            QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.type"));
            const auto message = m_file.messageOfOpening(model);
            QVERIFY2(message.find("blk.0.ffn_up.weight is stored as " + std::string(name) +
                                  "; readable are F32, F16") != std::string::npos,
                     message.c_str());
        }
    }

    void refusesWhatIsNotFinite() {
        for (const float bad :
             {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
            for (const char* name : {"blk.1.attn_k.weight", "token_embd.weight", "blk.0.attn_norm.weight"})
                for (const auto type : {at::kFloat, at::kBFloat16}) {
                    TinyModel model;
                    model.poison = std::pair(std::string(name), bad);
                    const auto checkpoint = m_file.open(model);
                    QCOMPARE(codeOf([&] { checkpoint.loadAll(type); }), std::string("checkpoint.tensor"));
                    QVERIFY(messageOf([&] {
                                checkpoint.loadAll(type);
                            }).find(std::string(name) + " holds a value that is not finite") !=
                            std::string::npos);
                }
    }

    // One number that is not finite: an element of F16 or BF16, a scale or minimum of a quantised block (an
    // infinite scale of zeros is not a number). Where it lies in a block: ggml-common.h.
    void refusesWhatIsNotFiniteInOtherTypes_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("at"); // in a block
        QTest::addColumn<QByteArray>("bytes");
        const QByteArray infinity("\x00\x7c", 2), nan("\x01\x7e", 2), negative("\x00\xfc", 2);
        const auto row = [](const char* name, GgufType type, int at, const QByteArray& bytes) {
            QTest::newRow(name) << int(type) << at << bytes;
        };
        row("F16 infinity", GgufType::F16, 0, infinity);
        row("F16 nan", GgufType::F16, 0, nan);
        row("BF16 infinity", GgufType::BF16, 0, QByteArray("\x80\x7f", 2));
        row("BF16 nan", GgufType::BF16, 0, QByteArray("\xc0\x7f", 2));
        row("Q4_0 scale", GgufType::Q4_0, 0, infinity);
        row("Q4_1 scale", GgufType::Q4_1, 0, nan);
        row("Q4_1 minimum", GgufType::Q4_1, 2, negative);
        row("Q5_0 scale", GgufType::Q5_0, 0, infinity);
        row("Q5_1 minimum", GgufType::Q5_1, 2, infinity);
        row("Q8_0 scale", GgufType::Q8_0, 0, infinity);
        row("Q2_K scale", GgufType::Q2_K, 80, infinity);
        row("Q2_K minimum", GgufType::Q2_K, 82, nan);
        row("Q3_K scale", GgufType::Q3_K, 108, infinity);
        row("Q4_K scale", GgufType::Q4_K, 0, infinity);
        row("Q4_K minimum", GgufType::Q4_K, 2, infinity);
        row("Q5_K scale", GgufType::Q5_K, 0, nan);
        row("Q6_K scale", GgufType::Q6_K, 208, infinity);
    }
    void refusesWhatIsNotFiniteInOtherTypes() {
        QFETCH(int, type);
        QFETCH(int, at);
        QFETCH(QByteArray, bytes);
        const std::string name = "blk.1.attn_k.weight";
        TinyModel model;
        model.width = 256;
        model.otherTypes[name] = static_cast<GgufType>(type);
        const auto block = *ggufBlock(static_cast<GgufType>(type));
        const auto third = 3 * std::size_t{block.bytes}; // not the first block
        for (const auto compute : {at::kFloat, at::kBFloat16})
            m_file.open(model).loadAll(compute); // as zeros it loads
        model.otherBytes[name] = {third + static_cast<std::size_t>(at), bytes.toStdString()};
        const auto checkpoint = m_file.open(model);
        for (const auto compute : {at::kFloat, at::kBFloat16}) {
            QCOMPARE(codeOf([&] { checkpoint.loadAll(compute); }), std::string("checkpoint.tensor"));
            const auto message = messageOf([&] { checkpoint.loadAll(compute); });
            QVERIFY2(message.find(name + " holds a value that is not finite") != std::string::npos,
                     message.c_str());
        }
    }

    void refusesHyperparameters_data() {
        QTest::addColumn<QString>("key");
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("code");
        const auto add = [](const char* key, double value, const char* code) {
            QTest::addRow("%s %g", key, value)
                << QString::fromLatin1(key) << value << QString::fromLatin1(code);
        };
        // A key that is there twice is refused by the reader, so these builders leave the right one out.
        for (const char* key :
             {"block_count", "embedding_length", "feed_forward_length", "attention.head_count"}) {
            add(key, 0, "gguf.metadata");
            add(key, 4e9, "gguf.metadata");
        }
        add("attention.head_count", 7, "checkpoint.metadata");
        add("attention.head_count_kv", 3, "checkpoint.metadata");
        add("attention.key_length", 7, "checkpoint.family"); // differs from the width of the values
        add("attention.key_length", 2000, "gguf.metadata");
        add("attention.layer_norm_rms_epsilon", -1, "checkpoint.metadata");
        add("attention.layer_norm_rms_epsilon", NAN, "gguf.metadata");
        add("rope.freq_base", 0, "checkpoint.metadata");
        add("rope.freq_base", INFINITY, "gguf.metadata");
        add("rope.dimension_count", 7, "checkpoint.metadata");
        add("rope.dimension_count", 16, "checkpoint.metadata");
        add("expert_count", 8, "checkpoint.family");
        add("attention.clamp_kqv", 3, "checkpoint.family");
        add("final_logit_softcapping", 3, "checkpoint.family");
    }

    void refusesHyperparameters() {
        QFETCH(QString, key);
        QFETCH(double, value);
        QFETCH(QString, code);
        auto bytes = TinyModel().builder().bytes();
        const auto name = "llama." + key.toStdString();
        const bool real =
            key.contains(QStringLiteral("epsilon")) || key.contains(QStringLiteral("freq_base"));
        if (const auto at = bytes.find(GgufBuilder::text(name)); at != std::string::npos) {
            const auto encoded = real ? GgufBuilder::raw(static_cast<float>(value))
                                      : GgufBuilder::raw(static_cast<std::uint32_t>(value));
            bytes.replace(at + 8 + name.size() + 4, 4, encoded);
        } else {
            TinyModel model;
            model.metadata = [&](GgufBuilder& b) { b.u32(name, static_cast<std::uint32_t>(value)); };
            bytes = model.builder().bytes();
        }
        const auto path = m_file.write(bytes);
        QCOMPARE(codeOf([&] { Checkpoint::open(path); }), code.toStdString());
        QVERIFY2(messageOf([&] { Checkpoint::open(path); }).find("tiny.gguf") != std::string::npos,
                 "names the file");
    }

    // Every part says which it is and how the whole is made; the later ones hold no metadata but these.
    void refusesPartsOfASplitModel() {
        TinyModel first;
        first.metadata = [](GgufBuilder& b) {
            b.u32("split.no", 0);
            b.u32("split.count", 3);
        };
        GgufBuilder second;
        second.u32("split.no", 1);
        second.u32("split.count", 3);
        second.floats("blk.1.ffn_norm.weight", {4}, {1, 1, 1, 1});
        const auto refusal = [&](const char* name, const std::string& bytes) -> std::string {
            const auto path = m_file.write(bytes, name);
            try {
                Checkpoint::open(path);
            } catch (const Error& error) {
                return error.code() + "|" + error.message() + "|" + error.remedy();
            }
            return {};
        };
        const auto one = refusal("big-00001-of-00003.gguf", first.builder().bytes());
        QVERIFY2(
            one.starts_with("checkpoint.split|") &&
                one.find("big-00001-of-00003.gguf: this is part 1 of a model that is split into 3 files") !=
                    std::string::npos,
            one.c_str());
        const auto two = refusal("big-00002-of-00003.gguf", second.bytes());
        QVERIFY2(
            two.find("big-00002-of-00003.gguf: this is part 2 of a model that is split into 3 files") !=
                    std::string::npos &&
                two.ends_with("|Join them with llama.cpp's llama-gguf-split --merge big-00001-of-00003.gguf "
                              "big.gguf."),
            two.c_str());
        const auto renamed = refusal("of-me.gguf", first.builder().bytes());
        QVERIFY2(renamed.ends_with("--merge of-me.gguf whole.gguf."), renamed.c_str());
    }

    void refusesFeaturesByName() {
        TinyModel model;
        model.metadata = [](GgufBuilder& b) { b.string("llama.rope.scaling.type", "ntk"); };
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.family"));
        QVERIFY(m_file.messageOfOpening(model).find("\"ntk\"") != std::string::npos);
        model.metadata = [](GgufBuilder& b) { b.f32("llama.rope.scaling.attn_factor", 2); }; // without yarn
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.family"));
        QVERIFY(m_file.messageOfOpening(model).find("llama.rope.scaling.attn_factor") != std::string::npos);
        model.metadata = [](GgufBuilder& b) {
            b.string("llama.rope.scaling.type", "yarn");
            b.f32("llama.rope.scaling.factor", 8);
            b.f32("llama.rope.scaling.yarn_ext_factor", 0);
        };
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.family"));
        QVERIFY(m_file.messageOfOpening(model).find("yarn_ext_factor") != std::string::npos);
        model.metadata = [](GgufBuilder& b) { b.floats("rope_freqs.weight", {4}, {1, 0, 4, 8}); };
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.metadata"));
        model.metadata = [](GgufBuilder& b) { b.floats("rope_freqs.weight", {3}, {1, 1, 1}); };
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.metadata"));
    }
};

QTEST_APPLESS_MAIN(TestCheckpointRefusals)
#include "checkpoint_refusals_test.moc"
