// Checkpoints from tiny GGUF files: names, order of rows, offsets, precision, tokenizers; damaged files. What
// they refuse by name is in checkpoint_refusals_test.cpp.
#include "core/container/half.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/checkpoint/tokenizer_source_reader.h"
#include "tests/core/engine/checkpoint/tiny_file.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <QtTest>
#include <sys/mman.h>
#include <unistd.h>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;
using azimuth::test::GgufBuilder;
using azimuth::test::TinyModel;

namespace {

TinyModel gemma() {
    TinyModel model;
    model.family = "gemma3";
    model.kvHeads = 1;
    model.headWidth = 16;
    return model;
}

std::size_t indexOf(const TinyModel& model, const std::string& name) {
    const auto tensors = model.tensors();
    const auto found =
        std::ranges::find(tensors, name, &std::pair<std::string, std::vector<std::int64_t>>::first);
    return static_cast<std::size_t>(found - tensors.begin());
}

// What TinyModel put at an element of a stored tensor.
float stored(const TinyModel& model, const std::string& name, std::int64_t element) {
    return static_cast<float>(indexOf(model, name)) + static_cast<float>(element) / 1024;
}

} // namespace

class TestCheckpoint : public QObject {
    Q_OBJECT
    test::TinyFile m_file;

private Q_SLOTS:
    void readsHyperparameters() {
        const auto h = m_file.open({}).hyperparameters();
        QCOMPARE(h.family, std::string("llama"));
        QCOMPARE(h.blocks, 2);
        QCOMPARE(h.width, 32);
        QCOMPARE(h.heads, 4);
        QCOMPARE(h.keyValueHeads, 2);
        QCOMPARE(h.headWidth, 8);
        QCOMPARE(h.vocabulary, 40);
        QCOMPARE(h.rope.width, 8);
        QCOMPARE(h.rope.theta, 1e5);
        QCOMPARE(h.normEpsilon, double{1e-5f});
        QCOMPARE(h.attentionScale, 1 / std::sqrt(8.0));
        QCOMPARE(h.embeddingScale, 1.0);
        QVERIFY(h.tiedHead && !h.isWindowed(0) && h.rope.divisors.empty());

        const auto g = m_file.open(gemma()).hyperparameters();
        QCOMPARE(g.windowRope.theta, 1e4);
        QCOMPARE(g.attentionScale, 0.25);
        QCOMPARE(g.embeddingScale, std::sqrt(32.0));
        QVERIFY(!g.isWindowed(0)); // no window in this file
    }

    void readsWhatIsOptional() {
        auto model = gemma();
        model.blocks = 7;
        model.metadata = [](GgufBuilder& b) {
            b.u32("gemma3.attention.sliding_window", 512);
            b.string("gemma3.rope.scaling.type", "linear");
            b.f32("gemma3.rope.scaling.factor", 8);
            b.f32("gemma3.final_logit_softcapping", 30);
        };
        const auto g = m_file.open(model).hyperparameters();
        QCOMPARE(g.window, 512);
        QCOMPARE(g.rope.factor, 8.0);
        QCOMPARE(g.logitSoftCap, 30.0);
        const std::vector<bool> expected{true, true, true, true, true, false, true}; // five local, one global
        for (std::int64_t b = 0; b < 7; ++b)
            QCOMPARE(g.isWindowed(b), bool(expected[static_cast<std::size_t>(b)]));

        TinyModel llama;
        llama.metadata = [](GgufBuilder& b) {
            b.numbers<std::uint8_t>("llama.unused", GgufValueType::U8, {1});
            b.floats("rope_freqs.weight", {4}, {1, 1.5f, 4, 8});
        };
        const auto checkpoint = m_file.open(llama);
        QVERIFY((checkpoint.hyperparameters().rope.divisors == std::vector<double>{1, 1.5f, 4, 8}));
        QVERIFY(!checkpoint.contains("rope_freqs.weight"));
    }

    void namesEveryTensorOnce() {
        const auto checkpoint = m_file.open({});
        auto names = checkpoint.names();
        QCOMPARE(names.size(), std::size_t{2 + 2 * 9});
        QCOMPARE(names.front(), std::string("embed.weight"));
        QVERIFY(checkpoint.contains("blocks.1.mlp.down.weight"));
        QVERIFY((checkpoint.shape("blocks.0.attention.k.weight") == std::vector<std::int64_t>{16, 32}));
        QCOMPARE(codeOf([&] { checkpoint.load("blocks.2.mlp.down.weight", at::kFloat); }),
                 std::string("checkpoint.tensor"));
        const std::int64_t block = 2 * 32 + 32 * 32 * 2 + 16 * 32 * 2 + 3 * 64 * 32;
        QCOMPARE(checkpoint.parameters(), 40 * 32 + 32 + 2 * block);
        QCOMPARE(checkpoint.memoryBytes(at::kBFloat16),
                 static_cast<std::uint64_t>(2 * checkpoint.parameters()));

        TinyModel untied;
        untied.tied = false;
        QVERIFY(m_file.open(untied).contains("head.weight"));
        QVERIFY(!m_file.open(untied).hyperparameters().tiedHead);
        QCOMPARE(m_file.open(gemma()).names().size(), std::size_t{2 + 2 * 13});
    }

    // Stored row h w + 2 b + a is row h w + a w / 2 + b.
    void undoesTheInterleavingOfLlama() {
        const TinyModel model;
        const auto checkpoint = m_file.open(model);
        for (const auto& [name, storedName, heads] :
             {std::tuple("blocks.1.attention.q.weight", "blk.1.attn_q.weight", 4),
              std::tuple("blocks.1.attention.k.weight", "blk.1.attn_k.weight", 2)}) {
            const auto tensor = checkpoint.load(name, at::kFloat);
            const auto* values = tensor.const_data_ptr<float>();
            for (std::int64_t h = 0; h < heads; ++h)
                for (std::int64_t a = 0; a < 2; ++a)
                    for (std::int64_t b = 0; b < 4; ++b)
                        for (std::int64_t column = 0; column < 32; ++column)
                            QCOMPARE(values[(h * 8 + a * 4 + b) * 32 + column],
                                     stored(model, storedName, (h * 8 + 2 * b + a) * 32 + column));
        }
        const auto value = checkpoint.load("blocks.0.attention.v.weight", at::kFloat);
        for (std::int64_t i = 0; i < 16 * 32; ++i)
            QCOMPARE(value.const_data_ptr<float>()[i], stored(model, "blk.0.attn_v.weight", i));
    }

    void subtractsOneFromGemmasNorms() {
        const auto model = gemma();
        const auto checkpoint = m_file.open(model);
        for (const auto& [name, storedName] :
             {std::pair("norm.weight", "output_norm.weight"),
              std::pair("blocks.1.attention.q_norm.weight", "blk.1.attn_q_norm.weight"),
              std::pair("blocks.0.mlp.post_norm.weight", "blk.0.post_ffw_norm.weight")}) {
            const auto tensor = checkpoint.load(name, at::kFloat);
            for (std::int64_t i = 0; i < tensor.numel(); ++i)
                QCOMPARE(tensor.const_data_ptr<float>()[i], stored(model, storedName, i) - 1);
        }
        const auto query = checkpoint.load("blocks.0.attention.q.weight", at::kFloat);
        for (std::int64_t i = 0; i < query.numel(); ++i)
            QCOMPARE(query.const_data_ptr<float>()[i], stored(model, "blk.0.attn_q.weight", i));
    }

    void loadsAll() {
        const auto checkpoint = m_file.open({});
        std::vector<std::uint64_t> seen;
        const auto weights =
            checkpoint.loadAll(at::kBFloat16, at::kCPU, [&](std::uint64_t done, std::uint64_t total) {
                seen.push_back(done);
                return total == checkpoint.memoryBytes(at::kBFloat16);
            });
        QCOMPARE(weights.size(), checkpoint.names().size());
        QCOMPARE(seen.size(), weights.size() + 1);
        QVERIFY(std::ranges::is_sorted(seen));
        QCOMPARE(seen.front(), std::uint64_t{0});
        QCOMPARE(seen.back(), checkpoint.memoryBytes(at::kBFloat16));
        for (const auto& [name, tensor] : weights) {
            const auto full = checkpoint.load(name, at::kFloat);
            QVERIFY(tensor.is_contiguous() && tensor.sizes() == full.sizes() &&
                    tensor.scalar_type() == at::kBFloat16);
            QCOMPARE(reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % 64, std::uintptr_t{0});
            QVERIFY(!tensor.is_inference() && !tensor.requires_grad());
            const auto* half = static_cast<const std::uint16_t*>(tensor.const_data_ptr());
            for (std::int64_t i = 0; i < full.numel(); ++i)
                QCOMPARE(half[i], floatToBfloat(full.const_data_ptr<float>()[i]));
        }
        const c10::InferenceMode inside;
        QVERIFY(!checkpoint.load("norm.weight", at::kFloat).is_inference());
        QCOMPARE(codeOf([&] { checkpoint.load("norm.weight", at::kDouble); }),
                 std::string("checkpoint.precision"));
    }

    void stopsWhenTold() {
        const auto checkpoint = m_file.open({});
        int calls = 0;
        QCOMPARE(codeOf([&] {
                     checkpoint.loadAll(at::kFloat, at::kCPU, [&](auto, auto) { return ++calls < 4; });
                 }),
                 std::string("cancelled"));
        QCOMPARE(calls, 4);
    }

    void readsQuantisedRows() {
        TinyModel model; // Q8_0 with scale 1: rows of 32 are one block each
        std::string data;
        for (int row = 0; row < 32; ++row) {
            data += GgufBuilder::raw(std::uint16_t{0x3c00});
            for (int column = 0; column < 32; ++column)
                data += static_cast<char>(row - column);
        }
        model.leaveOut = "blk.0.attn_q.weight";
        model.metadata = [&](GgufBuilder& b) {
            b.tensor("blk.0.attn_q.weight", GgufType::Q8_0, {32, 32}, data);
        };
        const auto tensor = m_file.open(model).load("blocks.0.attention.q.weight", at::kFloat);
        for (std::int64_t row = 0; row < 32; ++row) {
            const auto inside = row % 8, storedRow = row / 8 * 8 + 2 * (inside % 4) + inside / 4;
            for (std::int64_t column = 0; column < 32; ++column)
                QCOMPARE(tensor.const_data_ptr<float>()[row * 32 + column],
                         static_cast<float>(storedRow - column));
        }
    }

    void refusesWhatDoesNotFit() {
        TinyModel model;
        model.leaveOut = "blk.1.ffn_up.weight";
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.tensor"));
        QVERIFY(m_file.messageOfOpening(model).find("blk.1.ffn_up.weight: missing, expected [64, 32]") !=
                std::string::npos);
        model = {};
        model.extra = {"blk.0.attn_q.scale"};
        QVERIFY(m_file.messageOfOpening(model).find("blk.0.attn_q.scale: a llama model has no such tensor") !=
                std::string::npos);
        model.extra = {"blk.0.attn_q.bias"}; // then all of them, interleaved as the rows of the weight
        QVERIFY(m_file.messageOfOpening(model).find("blk.0.attn_q.bias: expected [32], file has [1]") !=
                std::string::npos);
        model = {};
        model.otherShapes["blk.1.attn_k.weight"] = {32, 16};
        QVERIFY(m_file.messageOfOpening(model).find(
                    "blk.1.attn_k.weight: expected [16, 32], file has [32, 16]") != std::string::npos);
        model = {};
        model.family = "mamba";
        QCOMPARE(m_file.codeOfOpening(model), std::string("checkpoint.family"));
        QVERIFY(m_file.messageOfOpening(model).find(
                    "\"mamba\" is not supported; supported are gemma2, gemma3, gpt2") != std::string::npos);
    }

    // Against the formulas of llama.cpp and transformers; the arithmetic against transformers itself is in
    // tests/core/engine/model/families_peer_test.cpp.
    void readsYarn_data() {
        QTest::addColumn<QMap<QString, float>>("keys");
        QTest::addColumn<double>("attention");
        const auto inferred = 0.1 * std::log(8.0) + 1;
        using Keys = QMap<QString, float>;
        const auto key = [](const char* name) { return QString::fromLatin1(name); };
        QTest::newRow("inferred") << Keys{} << inferred;
        QTest::newRow("of llama.cpp") << Keys{{key("attn_factor"), 1.25f}} << inferred * 1.25;
        QTest::newRow("of transformers") << Keys{{key("yarn_attn_factor"), 1.5f}} << 1.5;
        QTest::newRow("both") << Keys{{key("attn_factor"), 1.25f}, {key("yarn_attn_factor"), 1.5f}} << 1.875;
        QTest::newRow("of transformers, 1") << Keys{{key("yarn_attn_factor"), 1.f}} << 1.0;
        QTest::newRow("defaults of llama.cpp")
            << Keys{{key("attn_factor"), 1.f}, {key("yarn_ext_factor"), 1.f}} << inferred;
    }
    void readsYarn() {
        using Keys = QMap<QString, float>;
        QFETCH(Keys, keys);
        QFETCH(double, attention);
        TinyModel model;
        model.metadata = [&](GgufBuilder& b) {
            b.string("llama.rope.scaling.type", "yarn");
            b.f32("llama.rope.scaling.factor", 8);
            b.u32("llama.rope.scaling.original_context_length", 16);
            b.f32("llama.rope.scaling.yarn_beta_fast", 24);
            for (const auto& [name, value] : keys.asKeyValueRange())
                b.f32("llama.rope.scaling." + name.toStdString(), value);
        };
        const auto rope = m_file.open(model).hyperparameters().rope;
        QCOMPARE(int(rope.scaling), int(RopeScaling::Yarn));
        QCOMPARE(rope.factor, 8.0);
        QCOMPARE(rope.originalContext, 16);
        QCOMPARE(rope.betaFast, 24.0);
        QCOMPARE(rope.betaSlow, 1.0);
        QVERIFY(rope.truncate);
        QCOMPARE(rope.attentionFactor, attention);
    }

    void noticesAFileThatShrinks() {
        const auto checkpoint = m_file.open({});
        QCOMPARE(::truncate(checkpoint.path().c_str(), 5000), 0);
        QCOMPARE(codeOf([&] { checkpoint.loadAll(at::kFloat); }), std::string("file.changed"));
    }

    void readsTheTokenizer() {
        TinyModel model;
        model.metadata = [](GgufBuilder& b) {
            b.string("tokenizer.ggml.pre", "smollm");
            b.boolean("tokenizer.ggml.add_bos_token", false);
            b.u32("tokenizer.ggml.padding_token_id", 0xffffffffu);
            b.string("tokenizer.chat_template", "{{ messages }}");
        };
        const auto source = m_file.open(model).tokenizerSource();
        QCOMPARE(source.kind, std::string("gpt2"));
        QCOMPARE(source.pre, std::string("smollm"));
        QVERIFY((source.tokens == std::vector<std::string>{"<|end|>", "a", "b", "ab"}));
        QVERIFY((source.tokenTypes == std::vector<std::int32_t>{3, 1, 1, 1}));
        QVERIFY((source.merges == std::vector<std::string>{"a b"}));
        QCOMPARE(source.eos, 0);
        QCOMPARE(source.bos, -1);
        QCOMPARE(source.padding, -1);
        QVERIFY(source.addBos == false && !source.addEos);
        QCOMPARE(*source.chatTemplate, std::string("{{ messages }}"));
        QVERIFY(!m_file.open({}).tokenizerSource().chatTemplate);
    }

    void refusesTokenizers() {
        const auto refused = [&](const std::function<void(GgufBuilder&)>& change) {
            GgufBuilder builder;
            builder.strings("tokenizer.ggml.tokens", {"a", "b"});
            change(builder);
            const auto bytes = builder.bytes();
            return codeOf(
                [&] { readTokenizerSource(GgufFile::parse(azimuth::test::bytesOf(bytes), "file"), 2); });
        };
        const auto kind = [](GgufBuilder& b) { b.string("tokenizer.ggml.model", "llama"); };
        const std::string code = "checkpoint.tokenizer";
        QCOMPARE(refused(kind), std::string("nothing was thrown"));
        QCOMPARE(refused([](GgufBuilder&) {}), code);
        QCOMPARE(refused([&](auto& b) {
                     kind(b), b.template numbers<float>("tokenizer.ggml.scores", GgufValueType::F32, {1});
                 }),
                 code);
        QCOMPARE(
            refused([&](auto& b) {
                kind(b), b.template numbers<float>("tokenizer.ggml.scores", GgufValueType::F32, {1, NAN});
            }),
            std::string("gguf.metadata"));
        QCOMPARE(refused([&](auto& b) {
                     kind(b), b.template numbers<std::int32_t>("tokenizer.ggml.token_type",
                                                               GgufValueType::I32, {1, 9});
                 }),
                 code);
        QCOMPARE(
            refused([&](auto& b) {
                kind(b), b.template numbers<float>("tokenizer.ggml.token_type", GgufValueType::F32, {1, 1});
            }),
            std::string("gguf.metadata"));
        QCOMPARE(refused([&](auto& b) { kind(b), b.u32("tokenizer.ggml.eos_token_id", 2); }), code);
        QCOMPARE(refused([&](auto& b) { kind(b), b.boolean("tokenizer.ggml.add_bos_token", true); }), code);
        QCOMPARE(refused([&](auto& b) { kind(b), b.strings("tokenizer.ggml.merges", {"\xff"}); }), code);
        QCOMPARE(refused([&](auto& b) {
                     kind(b), b.string("tokenizer.chat_template", std::string(300'000, 'x'));
                 }),
                 code);
        TinyModel more; // more tokens than the embedding has rows
        more.vocabulary = 3;
        const auto checkpoint = m_file.open(more);
        QCOMPARE(codeOf([&] { checkpoint.tokenizerSource(); }), code);
    }

    // Damaged headers: an error, or a model that loads. Nothing else, and quickly.
    void survivesDamage() {
        TinyModel model;
        model.blocks = 1;
        const auto builder = model.builder();
        const auto bytes = builder.bytes();
        std::uint64_t state = 88172645463325252u;
        const auto random = [&] {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            return state;
        };
        int refused = 0;
        for (int round = 0; round < 1500; ++round) {
            auto changed = bytes;
            for (std::uint64_t i = 0; i < 1 + random() % 3; ++i)
                changed[random() % builder.headerBytes] = static_cast<char>(random());
            const int memory = ::memfd_create("damaged.gguf", MFD_CLOEXEC); // no disk in 1,500 rounds
            QCOMPARE(::write(memory, changed.data(), changed.size()), static_cast<ssize_t>(changed.size()));
            const auto path = "/proc/self/fd/" + std::to_string(memory);
            try {
                const auto checkpoint = Checkpoint::open(path);
                checkpoint.loadAll(at::kFloat);
                checkpoint.tokenizerSource();
            } catch (const Error&) {
                ++refused;
            }
            ::close(memory);
        }
        QVERIFY(refused > 500);
    }

    void knowsTheMemory() {
        const auto available = availableMemory();
        const auto physical = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                              static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        QVERIFY(available > 0 && available <= physical);
    }
};

QTEST_APPLESS_MAIN(TestCheckpoint)
#include "checkpoint_test.moc"
