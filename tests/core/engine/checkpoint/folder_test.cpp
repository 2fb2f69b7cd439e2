// Checkpoints from tiny Hugging Face folders: names, prefixes, precision; every refusal; damaged files.
#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/checkpoint/identity.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"

#include <cstring>
#include <QCryptographicHash>
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

    // Stored rows of a fused matrix, by hand.
    void takesFusedMatricesApart() {
        TinyFolder neox; // 4 heads of 8: rows are {q, k, v} of head 0, then of head 1, ...
        neox.config = {
            {"model_type", "gpt_neox"}, {"hidden_size", 32},         {"intermediate_size", 64},
            {"num_hidden_layers", 1},   {"num_attention_heads", 4},  {"vocab_size", 40},
            {"rotary_pct", 0.25},       {"rotary_emb_base", 5000.0}, {"max_position_embeddings", 64}};
        const std::string block = "gpt_neox.layers.0.";
        neox.tensors = {{"gpt_neox.embed_in.weight", {40, 32}},
                        {"gpt_neox.final_layer_norm.weight", {32}},
                        {"gpt_neox.final_layer_norm.bias", {32}},
                        {"embed_out.weight", {40, 32}},
                        {block + "input_layernorm.weight", {32}},
                        {block + "input_layernorm.bias", {32}},
                        {block + "post_attention_layernorm.weight", {32}},
                        {block + "post_attention_layernorm.bias", {32}},
                        {block + "attention.query_key_value.weight", {96, 32}},
                        {block + "attention.query_key_value.bias", {96}},
                        {block + "attention.dense.weight", {32, 32}},
                        {block + "attention.dense.bias", {32}},
                        {block + "attention.bias", {1, 1, 64, 64}},
                        {block + "attention.masked_bias", {}},
                        {block + "attention.rotary_emb.inv_freq", {1}},
                        {block + "mlp.dense_h_to_4h.weight", {64, 32}},
                        {block + "mlp.dense_h_to_4h.bias", {64}},
                        {block + "mlp.dense_4h_to_h.weight", {32, 64}},
                        {block + "mlp.dense_4h_to_h.bias", {32}}};
        const auto checkpoint = open(neox);
        const auto& h = checkpoint.hyperparameters();
        QVERIFY(h.parallelBranches && h.queryKeyValueBias && h.outputBias && h.feedForwardBias &&
                !h.tiedHead);
        QCOMPARE(h.rope.width, 2);
        QCOMPARE(h.rope.theta, 5000.0);
        QCOMPARE(h.activation, Activation::GeluErf);
        const char* parts[] = {"q", "k", "v"};
        for (std::int64_t part = 0; part < 3; ++part) {
            const auto name = std::string("blocks.0.attention.") + parts[part];
            const auto weight = checkpoint.load(name + ".weight", at::kFloat),
                       bias = checkpoint.load(name + ".bias", at::kFloat);
            for (std::int64_t row = 0; row < 32; ++row) {
                const auto stored = (row / 8) * 24 + part * 8 + row % 8;
                QCOMPARE(bias.const_data_ptr<float>()[row],
                         neox.stored(block + "attention.query_key_value.bias", stored));
                for (std::int64_t column = 0; column < 32; ++column)
                    QCOMPARE(weight.const_data_ptr<float>()[row * 32 + column],
                             neox.stored(block + "attention.query_key_value.weight", stored * 32 + column));
            }
        }
    }

    void turnsConv1D_data() {
        QTest::addColumn<int>("inner");
        QTest::newRow("four times the width where it is not given") << 64;
        QTest::newRow("given") << 40;
    }
    void turnsConv1D() {
        QFETCH(int, inner);
        TinyFolder gpt2;
        gpt2.config = {{"model_type", "gpt2"}, {"n_embd", 16},     {"n_layer", 1},
                       {"n_head", 2},          {"vocab_size", 20}, {"n_positions", 12}};
        if (inner != 64)
            gpt2.config["n_inner"] = inner;
        gpt2.tensors = {{"wte.weight", {20, 16}},
                        {"wpe.weight", {12, 16}},
                        {"ln_f.weight", {16}},
                        {"ln_f.bias", {16}},
                        {"h.0.ln_1.weight", {16}},
                        {"h.0.ln_1.bias", {16}},
                        {"h.0.ln_2.weight", {16}},
                        {"h.0.ln_2.bias", {16}},
                        {"h.0.attn.bias", {1, 1, 12, 12}},
                        {"h.0.attn.c_attn.weight", {16, 48}},
                        {"h.0.attn.c_attn.bias", {48}},
                        {"h.0.attn.c_proj.weight", {16, 16}},
                        {"h.0.attn.c_proj.bias", {16}},
                        {"h.0.mlp.c_fc.weight", {16, inner}},
                        {"h.0.mlp.c_fc.bias", {inner}},
                        {"h.0.mlp.c_proj.weight", {inner, 16}},
                        {"h.0.mlp.c_proj.bias", {16}}};
        const auto checkpoint = open(gpt2);
        const auto& h = checkpoint.hyperparameters();
        QCOMPARE(h.learnedPositions, 12);
        QCOMPARE(h.rope.width, 0);
        QCOMPARE(h.feedForward, inner);
        QVERIFY(h.tiedHead);
        compare(checkpoint, "positions.weight", gpt2, "wpe.weight");
        const auto value = checkpoint.load("blocks.0.attention.v.weight", at::kFloat),
                   down = checkpoint.load("blocks.0.mlp.down.weight", at::kFloat),
                   bias = checkpoint.load("blocks.0.attention.k.bias", at::kFloat);
        for (std::int64_t out = 0; out < 16; ++out) {
            QCOMPARE(bias.const_data_ptr<float>()[out], gpt2.stored("h.0.attn.c_attn.bias", 16 + out));
            for (std::int64_t in = 0; in < 16; ++in)
                QCOMPARE(value.const_data_ptr<float>()[out * 16 + in],
                         gpt2.stored("h.0.attn.c_attn.weight", in * 48 + 32 + out));
            for (std::int64_t in = 0; in < inner; ++in)
                QCOMPARE(down.const_data_ptr<float>()[out * inner + in],
                         gpt2.stored("h.0.mlp.c_proj.weight", in * 16 + out));
        }
    }

    void decidesTheHead() {
        auto folder = tinyLlama("model.", false); // a head, but the configuration ties it: as transformers
        folder.config["tie_word_embeddings"] = true;
        QVERIFY(open(folder).hyperparameters().tiedHead);
        QVERIFY(!open(folder).contains("head.weight"));
        folder = tinyLlama("model.", true); // no head, but not tied
        folder.config["tie_word_embeddings"] = false;
        QVERIFY(open(folder).hyperparameters().tiedHead);
        folder.config.erase("tie_word_embeddings");
        QVERIFY(open(folder).hyperparameters().tiedHead);
    }

    void readsTheNestedConfiguration() {
        auto folder = tinyLlama("language_model.model.");
        folder.config["model_type"] = "gemma3_text";
        Json text = folder.config;
        text["head_dim"] = 8;
        text["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
        text["sliding_window"] = 16;
        text["sliding_window_pattern"] = 2;
        text["rope_theta"] = 1e6;
        folder.config = {{"model_type", "gemma3"}, {"text_config", text}, {"vision_config", {{"x", 1}}}};
        for (int b = 0; b < 2; ++b) {
            const auto block = "language_model.model.layers." + std::to_string(b) + ".";
            for (const char* name : {"pre_feedforward_layernorm", "post_feedforward_layernorm"})
                folder.tensors.push_back({block + name + ".weight", {32}});
            for (const char* name : {"q_norm", "k_norm"})
                folder.tensors.push_back({block + "self_attn." + name + ".weight", {8}});
        }
        folder.tensors.push_back({"vision_tower.vision_model.embeddings.x", {3}});
        folder.tensors.push_back({"multi_modal_projector.mm_input_projection_weight", {3}});
        const auto checkpoint = open(folder);
        const auto& h = checkpoint.hyperparameters();
        QCOMPARE(h.family, std::string("gemma3"));
        QCOMPARE(h.rope.scaling, RopeScaling::Linear);
        QCOMPARE(h.rope.factor, 8.0);
        QCOMPARE(h.windowRope.theta, 1e4);
        QCOMPARE(h.windowRope.scaling, RopeScaling::None);
        QCOMPARE(h.activation, Activation::GeluTanh);
        QCOMPARE(h.attentionScale, 1.0 / 16); // 256 by default
        QVERIFY(h.isWindowed(0) && !h.isWindowed(1));
        QCOMPARE(checkpoint.names().size(), std::size_t(2 + 2 * 13));
        compare(checkpoint, "blocks.1.attention.post_norm.weight", folder, // w, not 1 + w
                "language_model.model.layers.1.post_attention_layernorm.weight");
    }

    void refusesTensors() {
        const std::string k = "model.layers.1.self_attn.k_proj.weight";
        auto folder = tinyLlama();
        folder.drop(k);
        QCOMPARE(codeOfOpening(folder), std::string("checkpoint.tensor"));
        QVERIFY(messageOfOpening(folder).find(k + ": missing, expected [16, 32]") != std::string::npos);
        folder = tinyLlama();
        folder.shape(k) = {32, 16};
        QVERIFY(messageOfOpening(folder).find(k + ": expected [16, 32], file has [32, 16]") !=
                std::string::npos);
        for (const char* extra : {"score.weight", "model.layers.2.mlp.up_proj.weight", "vision_tower.x",
                                  "model.layers.0.self_attn.q_proj.bias"}) {
            folder = tinyLlama();
            folder.tensors.push_back({extra, {2}});
            QVERIFY(messageOfOpening(folder).find(std::string(extra) +
                                                  ": a llama model has no such tensor") != std::string::npos);
        }
        folder = tinyLlama();
        folder.tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", {4}});
        QCOMPARE(codeOfOpening(folder), std::string("nothing was thrown"));
    }

    void refusesTypes() {
        for (const auto type : {DType::F64, DType::I8, DType::F8E4M3}) {
            const auto folder = tinyLlama();
            folder.write(path());
            std::vector<SafetensorsDeclaration> declarations;
            for (const auto& [name, shape] : folder.tensors)
                declarations.push_back({name, type, shape});
            SafetensorsWriter writer(path() + "/model.safetensors", declarations);
            for (const auto& [name, shape] : folder.tensors) {
                std::int64_t count = dtypeBits(type) / 8;
                for (const auto extent : shape)
                    count *= extent;
                writer.append(name,
                              std::span<const char>(std::vector<char>(static_cast<std::size_t>(count))));
            }
            writer.finish();
            QCOMPARE(codeOf([&] { Checkpoint::open(path()); }), std::string("checkpoint.type"));
            QVERIFY(
                messageOf([&] {
                    Checkpoint::open(path());
                }).find("is stored as " + std::string(dtypeName(type)) + "; readable are F32, F16, BF16") !=
                std::string::npos);
        }
    }

    void refusesWhatIsNotFinite_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("F32 infinity") << int(DType::F32) << QByteArray("\x00\x00\x80\x7f", 4);
        QTest::newRow("F32 nan") << int(DType::F32) << QByteArray("\x00\x00\xc0\xff", 4);
        QTest::newRow("BF16 infinity") << int(DType::BF16) << QByteArray("\x80\xff", 2);
        QTest::newRow("BF16 nan") << int(DType::BF16) << QByteArray("\xc0\x7f", 2);
        QTest::newRow("F16 infinity") << int(DType::F16) << QByteArray("\x00\x7c", 2);
        QTest::newRow("F16 nan") << int(DType::F16) << QByteArray("\x00\x7e", 2);
    }
    void refusesWhatIsNotFinite() {
        QFETCH(int, type);
        QFETCH(QByteArray, bytes);
        const std::string name = "model.layers.1.mlp.up_proj.weight";
        auto folder = tinyLlama();
        folder.type = static_cast<DType>(type);
        folder.write(path());
        const auto weights = path() + "/model.safetensors";
        Checkpoint::open(path()).loadAll(at::kFloat);
        const auto at = SafetensorsFile::open(weights).find(name)->offset + 100;
        QFile file(QString::fromStdString(weights));
        QVERIFY(file.open(QIODevice::ReadWrite) && file.seek(static_cast<qint64>(at)));
        QCOMPARE(file.write(bytes), qint64{bytes.size()});
        file.close();
        const auto checkpoint = Checkpoint::open(path());
        for (const auto compute : {at::kFloat, at::kBFloat16}) {
            QCOMPARE(codeOf([&] { checkpoint.loadAll(compute); }), std::string("checkpoint.tensor"));
            QVERIFY(messageOf([&] {
                        checkpoint.loadAll(compute);
                    }).find(name + " holds a value that is not finite") != std::string::npos);
        }
    }

    void refusesConfigurations_data() {
        QTest::addColumn<QString>("change");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("part");
        const auto row = [](const char* change, const char* code, const char* part) {
            QTest::newRow(change) << QString::fromLatin1(change) << QString::fromLatin1(code)
                                  << QString::fromLatin1(part);
        };
        const char *family = "checkpoint.family", *metadata = "checkpoint.metadata";
        row(R"({"model_type": "mamba"})", family, "\"mamba\" is not supported; supported are gemma2");
        row(R"({"model_type": null})", family, "model_type");
        row(R"({"model_type": 7})", metadata, "model_type");
        row(R"({"hidden_act": "relu"})", family, "\"relu\" is not supported; supported are gelu");
        row(R"({"rope_scaling": {"type": "ntk"}})", family,
            "\"ntk\" is not supported; supported are default");
        row(R"({"rope_scaling": {"type": "linear"}})", metadata, "factor is missing");
        row(R"({"rope_scaling": {"type": "linear", "factor": "8"}})", metadata,
            "factor: expected is a number");
        row(R"({"rope_scaling": 8})", metadata, "rope_scaling: expected is an object");
        row(R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4,
                "high_freq_factor": 1}})",
            metadata, "must be greater");
        row(R"({"rope_scaling": {"rope_type": "longrope", "short_factor": [1, 1, 1], "long_factor": []}})",
            metadata, "short_factor has 3 numbers, expected are 4");
        row(R"({"partial_rotary_factor": 0.5})", family, "partial_rotary_factor");
        row(R"({"quantization_config": {"quant_method": "gptq"}})", family, "\"gptq\"");
        row(R"({"num_hidden_layers": 0})", metadata, "num_hidden_layers is 0, allowed are 1 to 1024");
        row(R"({"num_hidden_layers": 1e3})", metadata, "num_hidden_layers: expected is an integer");
        row(R"({"hidden_size": 1152921504606846976})", metadata, "hidden_size is 1152921504606846976");
        row(R"({"hidden_size": -32})", metadata, "hidden_size is -32");
        row(R"({"vocab_size": 18446744073709551615})", metadata, "vocab_size");
        row(R"({"num_key_value_heads": 3})", metadata, "4 heads do not divide by 3");
        row(R"({"num_attention_heads": 5, "num_key_value_heads": 5})", metadata,
            "does not divide by 5 heads");
        row(R"({"head_dim": 7})", metadata, "head width is 7");
        row(R"({"rms_norm_eps": 7})", metadata, "rms_norm_eps is 7");
        row(R"({"tie_word_embeddings": "yes"})", metadata, "tie_word_embeddings: expected is true or false");
        row(R"({"vocab_size": 41})", "checkpoint.tensor", "expected [41, 32], file has [40, 32]");
        row(R"({"attention_bias": true})", "checkpoint.tensor", "q_proj.bias: missing");
        row(R"({"model_type": "qwen2", "use_sliding_window": true, "layer_types": ["full_attention"]})",
            metadata, "layer_types has 1 entries for 2 blocks");
        row(R"({"model_type": "qwen2", "layer_types": ["full_attention", "linear_attention"]})", family,
            "\"linear_attention\"");
        row(R"({"model_type": "gemma2", "use_bidirectional_attention": true})", family, "bidirectional");
        row(R"({"model_type": "gpt2", "scale_attn_by_inverse_layer_idx": true})", family, "inverse_layer");
        row(R"({"model_type": "gemma3"})", metadata, "text_config is missing");
    }

    void refusesConfigurations() {
        QFETCH(QString, change);
        QFETCH(QString, code);
        QFETCH(QString, part);
        auto folder = tinyLlama();
        folder.config.merge_patch(parseJson(change.toStdString(), "row"));
        QCOMPARE(codeOfOpening(folder), code.toStdString());
        const auto message = messageOfOpening(folder);
        QVERIFY2(message.find(part.toStdString()) != std::string::npos, message.c_str());
        QVERIFY2(message.find(path()) != std::string::npos, message.c_str());
    }

    // The same model as transformers 4 and 5 write it.
    void readsBothGenerationsOfKeys() {
        auto old = tinyLlama(), recent = tinyLlama();
        old.config["rope_scaling"] = {{"rope_type", "llama3"},
                                      {"factor", 8.0},
                                      {"low_freq_factor", 1.0},
                                      {"high_freq_factor", 4.0},
                                      {"original_max_position_embeddings", 32}};
        recent.config.erase("rope_theta");
        recent.config["rope_parameters"] = old.config["rope_scaling"];
        recent.config["rope_parameters"]["rope_theta"] = 100000.0;
        recent.config["dtype"] = "float32";
        QVERIFY(open(old).hyperparameters() == open(recent).hyperparameters());
        const auto rope = open(old).hyperparameters().rope;
        QCOMPARE(rope.scaling, RopeScaling::Llama3);
        QCOMPARE(rope.originalContext, 32);
        QCOMPARE(rope.theta, 1e5);

        auto mistral = tinyLlama();
        mistral.config["model_type"] = "mistral";
        QCOMPARE(open(mistral).hyperparameters().window, 4096); // the default where the key is missing
        mistral.config["sliding_window"] = nullptr;
        QCOMPARE(open(mistral).hyperparameters().window, 0);
        mistral.config["sliding_window"] = 9;
        QVERIFY(open(mistral).hyperparameters().isWindowed(1));
    }

    void identifiesAFolder() {
        DigestCache cache(m_folder->filePath(QStringLiteral("digests.json")).toStdString());
        auto folder = tinyLlama();
        const auto identityOf = [&] { return describe(open(folder), Precision::Fp32, cache).identity; };
        const auto first = identityOf();
        QCOMPARE(identityOf(), first); // written again
        for (const char* key : {"_name_or_path", "torch_dtype", "transformers_version", "use_cache"})
            folder.config[key] = "other";
        QCOMPARE(identityOf(), first);
        folder.config["rope_theta"] = 10000.0;
        QVERIFY(identityOf() != first);
        folder = tinyLlama();
        folder.shards = {{}, {}};
        for (std::size_t i = 0; i < folder.tensors.size(); ++i)
            folder.shards[i % 2].push_back(folder.tensors[i].first);
        const auto model = describe(open(folder), Precision::Fp32, cache);
        QCOMPARE(model.weightsSha256.size(), std::size_t{2});
        for (std::size_t i = 0; i < 2; ++i) {
            QFile file(QString::fromStdString(path() + "/" + folder.shardName(i)));
            QVERIFY(file.open(QIODevice::ReadOnly));
            QCOMPARE(
                model.weightsSha256[i],
                QCryptographicHash::hash(file.readAll(), QCryptographicHash::Sha256).toHex().toStdString());
        }
        QCOMPARE(model.storage, std::string("fp32"));
        QVERIFY(!model.hasTemplate);
        QCOMPARE(model.fileName, std::string("model"));
        QVERIFY(describeQuickly(Checkpoint::open(path()), Precision::Fp32, cache) == model);
    }

    // Damaged headers and configurations: an error, or a model that loads. Nothing else, and quickly.
    void survivesDamage() {
        const auto folder = tinyLlama();
        folder.write(path());
        const auto config = readFile(path() + "/config.json", 1 << 20),
                   weights = readFile(path() + "/model.safetensors", 1 << 24);
        std::uint64_t header = 0, state = 88172645463325252u;
        std::memcpy(&header, weights.data(), 8);
        const auto random = [&] {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            return state;
        };
        const auto put = [](const std::string& name, const std::string& bytes) {
            QFile file(QString::fromStdString(name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(QByteArray::fromStdString(bytes));
        };
        int refused = 0;
        for (int round = 0; round < 600; ++round) {
            auto first = config, second = weights;
            if (round % 3 == 0)
                first[random() % first.size()] = static_cast<char>(random());
            else if (round % 3 == 1)
                second[random() % (8 + header)] = static_cast<char>(random());
            else if (round % 2 == 0)
                first.resize(random() % first.size());
            else
                second.resize(random() % second.size());
            put(path() + "/config.json", first);
            put(path() + "/model.safetensors", second);
            try {
                Checkpoint::open(path()).loadAll(at::kFloat);
            } catch (const Error&) {
                ++refused;
            }
        }
        QVERIFY(refused > 300);
    }

    void refusesOtherFolders() {
        QDir().mkpath(QString::fromStdString(path()));
        QCOMPARE(codeOf([&] { Checkpoint::open(path()); }), std::string("model.folder"));
        writeFileAtomically(path() + "/config.json", R"({"model_type": "llama"})");
        QCOMPARE(codeOf([&] { Checkpoint::open(path()); }), std::string("safetensors.missing"));
        writeFileAtomically(path() + "/config.json", "[");
        QCOMPARE(codeOf([&] { Checkpoint::open(path()); }), std::string("json.syntax"));
        tinyLlama().write(path());
        writeFileAtomically(path() + "/config.json", "[]");
        QCOMPARE(codeOf([&] { Checkpoint::open(path()); }), std::string("checkpoint.metadata"));
    }
};

QTEST_APPLESS_MAIN(TestFolder)
#include "folder_test.moc"
