// Identity: digests against canonical JSON written by hand and hashed with Qt; the cache; finding and listing
// files.
#include "core/base/atomic_file.h"
#include "core/engine/checkpoint/locate.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"
#include "tests/core/engine/checkpoint/tiny_models.h"

#include <QCryptographicHash>
#include <QDir>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QtTest>
#include <sys/stat.h>
#include <unistd.h>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;
using azimuth::test::bytesOf;
using azimuth::test::GgufBuilder;
using azimuth::test::TinyModel;

namespace {

std::string hashOf(const std::string& text) {
    return QCryptographicHash::hash(QByteArray::fromStdString(text), QCryptographicHash::Sha256)
        .toHex()
        .toStdString();
}

std::string quoted(std::string text) {
    std::ranges::replace(text, '\'', '"');
    return text;
}

} // namespace

class TestIdentity : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> m_folder;
    std::string path(const char* name) const {
        return m_folder->filePath(QString::fromLatin1(name)).toStdString();
    }
    std::string write(const char* name, const std::string& bytes) const {
        QDir().mkpath(QFileInfo(QString::fromStdString(path(name))).path());
        writeFileAtomically(path(name), bytes);
        return path(name);
    }

private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        qputenv("XDG_CACHE_HOME", QFile::encodeName(m_folder->path()) + "/cache");
        qunsetenv("HF_HUB_CACHE");
        qunsetenv("HF_HOME");
    }

    void hashesMetadataByPart() {
        GgufBuilder b;
        b.string("general.architecture", "llama");
        b.string("general.name", "not part of it");
        b.u32("general.file_type", 3);
        b.u32("general.quantization_version", 2);
        b.f32("llama.rope.freq_base", 100000);
        b.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        b.entry("llama.wide", GgufValueType::U64, GgufBuilder::raw(std::uint64_t{1} << 60));
        b.entry("llama.negative", GgufValueType::I64, GgufBuilder::raw(std::int64_t{-7}));
        b.boolean("llama.flag", true);
        b.u32("llamas.other", 1); // another architecture's key
        b.string("tokenizer.ggml.model", "gpt2");
        b.strings("tokenizer.ggml.tokens", {"a", "\xc3\xa9\n", ""});
        b.numbers<float>("tokenizer.ggml.scores", GgufValueType::F32, {-0.f, 1e-7f, 1e21f});
        b.numbers<std::int64_t>("tokenizer.wide", GgufValueType::I64, {5});
        b.numbers<std::uint8_t>("tokenizer.flags", GgufValueType::Bool, {0, 1});
        b.string("tokenizer.chat_template", "{{ x }}");
        b.string("tokenizer.chat_template.tool", "t");
        const auto bytes = b.bytes();
        const auto digests = metadataDigests(GgufFile::parse(bytesOf(bytes), "file"));
        // 1e-5f, 1e-7f and 1e21f as doubles in ECMAScript's shortest form (Python:
        // repr(float(numpy.float32(x)))).
        const std::string config =
            "{'general.architecture':'llama','general.file_type':3,'general.quantization_version':2,"
            "'llama.attention.layer_norm_rms_epsilon':0.000009999999747378752,'llama.flag':true,'llama."
            "negative':'-7',"
            "'llama.rope.freq_base':100000,'llama.wide':'1152921504606846976'}";
        const std::string tokenizer =
            "{'tokenizer.flags':[false,true],'tokenizer.ggml.model':'gpt2',"
            "'tokenizer.ggml.scores':[0,1.0000000116860974e-7,1.0000000200408773e+21],"
            "'tokenizer.ggml.tokens':['a','\xc3\xa9\\n',''],'tokenizer.wide':['5']}";
        const std::string chatTemplate =
            "{'tokenizer.chat_template':'{{ x }}','tokenizer.chat_template.tool':'t'}";
        QCOMPARE(digests.config, hashOf(quoted(config)));
        QCOMPARE(digests.tokenizer, hashOf(quoted(tokenizer)));
        QCOMPARE(digests.chatTemplate, hashOf(quoted(chatTemplate)));

        GgufBuilder empty;
        const auto none = empty.bytes();
        QCOMPARE(metadataDigests(GgufFile::parse(bytesOf(none), "file")).chatTemplate, hashOf("{}"));
    }

    void refusesWhatHasNoCanonicalForm() {
        const auto refused = [](const std::function<void(GgufBuilder&)>& change) {
            GgufBuilder b;
            b.string("general.architecture", "llama");
            change(b);
            const auto bytes = b.bytes();
            return codeOf([&] { metadataDigests(GgufFile::parse(bytesOf(bytes), "file")); });
        };
        QCOMPARE(refused([](auto& b) { b.string("tokenizer.x", "\xff"); }),
                 std::string("checkpoint.metadata"));
        QCOMPARE(refused([](auto& b) { b.string("llama.\xff", "x"); }), std::string("checkpoint.metadata"));
        QCOMPARE(refused([](auto& b) { b.strings("tokenizer.x", {"\xff"}); }),
                 std::string("checkpoint.metadata"));
        QCOMPARE(refused([](auto& b) { b.f32("llama.x", INFINITY); }), std::string("checkpoint.metadata"));
        QCOMPARE(refused([](auto& b) { b.string("general.name", "\xff"); }),
                 std::string("nothing was thrown"));
    }

    void describesAModel() {
        TinyModel tiny;
        tiny.metadata = [](GgufBuilder& b) {
            b.u32("general.file_type", 1);
            b.string("tokenizer.chat_template", "x");
        };
        const auto bytes = tiny.builder().bytes();
        const auto file = write("tiny.gguf", bytes);
        const auto checkpoint = Checkpoint::open(file);
        DigestCache cache;
        QCOMPARE(describeQuickly(checkpoint, Precision::Fp32, cache).identity, std::string());
        const auto model = describe(checkpoint, Precision::Bf16, cache);
        QCOMPARE(model.weightsSha256, std::vector<std::string>{hashOf(bytes)});
        QCOMPARE(model.storage, std::string("fp16"));
        QCOMPARE(model.fileName, std::string("tiny.gguf"));
        QCOMPARE(model.family, std::string("llama"));
        QCOMPARE(model.fileBytes, static_cast<std::uint64_t>(bytes.size()));
        QCOMPARE(model.memoryBytes, static_cast<std::uint64_t>(2 * model.parameters));
        QCOMPARE(model.contextLength, 128);
        QVERIFY(model.hasTemplate);
        QCOMPARE(model.identity,
                 hashOf(quoted("{'compute':'bf16','config':'" + model.configSha256 +
                               "','storage':'fp16','template':'" + model.templateSha256 + "','tokenizer':'" +
                               model.tokenizerSha256 + "','weights':['" + hashOf(bytes) + "']}")));
        QVERIFY(describe(checkpoint, Precision::Fp32, cache).identity != model.identity);
        QVERIFY(describeQuickly(checkpoint, Precision::Bf16, DigestCache()) ==
                model); // another process knows it now

        // The name of the file and what is not about the model do not matter; the weights do.
        QVERIFY(QFile::copy(QString::fromStdString(file), QString::fromStdString(path("copy.gguf"))));
        QCOMPARE(describe(Checkpoint::open(path("copy.gguf")), Precision::Bf16, cache).identity,
                 model.identity);
        tiny.poison = std::pair(std::string("blk.0.attn_v.weight"), 99.f);
        const auto other = Checkpoint::open(write("other.gguf", tiny.builder().bytes()));
        const auto changed = describe(other, Precision::Bf16, cache);
        QVERIFY(changed.identity != model.identity);
        QCOMPARE(changed.configSha256, model.configSha256);
    }

    void forgetsAFileThatChanged() {
        DigestCache cache;
        const auto bytes = TinyModel().builder().bytes();
        const auto file = write("tiny.gguf", bytes);
        const auto first = digestsOf(*openStored(file), cache);
        TinyModel poisoned;
        poisoned.poison = std::pair(std::string("norm.weight"), 0.f);
        poisoned.poison->first = "output_norm.weight";
        const auto second = poisoned.builder().bytes();
        QCOMPARE(second.size(), bytes.size());
        write("tiny.gguf", second);
        QCOMPARE(digestsOf(*openStored(file), cache).weights, std::vector<std::string>{hashOf(second)});
        QCOMPARE(first.weights, std::vector<std::string>{hashOf(bytes)});
    }

    void survivesADamagedCache() {
        const auto file = openStored(write("tiny.gguf", TinyModel().builder().bytes()));
        DigestCache cache;
        const auto digests = digestsOf(*file, cache);
        const auto where = DigestCache::defaultPath();
        QVERIFY(where.starts_with(path("cache")));
        const auto good = readFile(where, 100'000);
        QVERIFY(cachedDigests(*file, DigestCache()) == digests);
        for (const std::string& bad :
             {std::string(), std::string("{"), good.substr(0, good.size() / 2), std::string("[1]"),
              quoted("{'azimuth':'digests','version':1,'files':{'x':{'weights':'y'}}}"),
              quoted("{'azimuth':'study','version':1}"), std::string(1000, '\xff')}) {
            writeFileAtomically(where, bad);
            DigestCache again;
            QVERIFY(!cachedDigests(*file, again));
            QVERIFY(digestsOf(*file, again) == digests);
            QVERIFY(cachedDigests(*file, DigestCache()) == digests);
        }
        DigestCache nowhere("/proc/no/such/folder/digests.json"); // costs time, not the result
        QVERIFY(digestsOf(*file, nowhere) == digests);
    }

    void cancels() {
        DigestCache cache;
        const auto file = openStored(write("tiny.gguf", TinyModel().builder().bytes()));
        QCOMPARE(codeOf([&] { digestsOf(*file, cache, [](auto, auto) { return false; }); }),
                 std::string("cancelled"));
        QVERIFY(!cachedDigests(*file, cache));
    }

    void namesTheStorage() {
        const auto named = [](const std::function<void(TinyModel&)>& change) {
            TinyModel model;
            change(model);
            const auto bytes = model.builder().bytes();
            return storageName(GgufFile::parse(bytesOf(bytes), "file"));
        };
        QCOMPARE(named([](TinyModel&) {}), std::string("fp32"));
        QCOMPARE(
            named([](TinyModel& m) { m.metadata = [](GgufBuilder& b) { b.u32("general.file_type", 15); }; }),
            std::string("dequantised Q4_K_M"));
        QCOMPARE(
            named([](TinyModel& m) { m.metadata = [](GgufBuilder& b) { b.u32("general.file_type", 32); }; }),
            std::string("bf16"));
        QCOMPARE(named([](TinyModel& m) {
                     m.vocabulary = 4000;
                     m.otherTypes["token_embd.weight"] = GgufType::Q5_1;
                     m.metadata = [](GgufBuilder& b) { b.u32("general.file_type", 1024); };
                 }),
                 std::string("dequantised Q5_1"));
    }

    void findsModels() {
        const auto bytes = TinyModel().builder().bytes();
        const auto inStudy = write("study/a.gguf", bytes);
        const auto inSettings = write("settings/deep/er/b.gguf", bytes);
        const auto inCache = write("cache/azimuth/models/c.gguf", bytes);
        const auto inHub = write("cache/huggingface/hub/models--o--n/snapshots/abc/d.gguf", bytes);
        write("settings/a.gguf", bytes);
        const std::vector<std::string> folders{path("study"), path("settings")};
        QCOMPARE(locateModel("a.gguf", folders), inStudy); // the study's own folder first
        QCOMPARE(locateModel("b.gguf", folders), inSettings);
        QCOMPARE(locateModel("deep/er/b.gguf", folders), inSettings);
        QCOMPARE(locateModel("c.gguf", folders), inCache);
        QCOMPARE(locateModel("d.gguf", folders), inHub);
        QCOMPARE(locateModel(inHub, {}), inHub);
        QCOMPARE(codeOf([&] { locateModel("e.gguf", folders); }), std::string("model.missing"));
        QVERIFY(messageOf([&] { locateModel("e.gguf", folders); }).find(path("settings")) !=
                std::string::npos);
        QCOMPARE(codeOf([&] { locateModel("/no/such.gguf", folders); }), std::string("model.missing"));
        QCOMPARE(codeOf([&] { locateModel("", folders); }), std::string("model.missing"));
        write("hf/config.json", "{}");
        QCOMPARE(locateModel(path("hf"), {}), path("hf"));
        QCOMPARE(locateModel(path("study"), {}), inStudy); // the only GGUF file in it
        write("study/second.gguf", bytes);
        QCOMPARE(codeOf([&] { locateModel(path("study"), {}); }), std::string("model.folder"));
        write("empty/readme.md", "");
        QCOMPARE(codeOf([&] { locateModel(path("empty"), {}); }), std::string("model.folder"));
    }

    void findsSnapshots() {
        const std::string first(40, 'a'), second = "b" + std::string(39, 'c');
        const auto hub = [](const std::string& rest) { return "cache/huggingface/hub/models--o--n/" + rest; };
        write(hub("snapshots/" + first + "/config.json").c_str(), "{}");
        const auto only = path(hub("snapshots/" + first).c_str());
        QCOMPARE(locateModel("o/n"), only); // no refs, but only one
        write(hub("snapshots/" + second + "/config.json").c_str(), "{}");
        QCOMPARE(codeOf([&] { locateModel("o/n"); }), std::string("model.missing"));
        QVERIFY(messageOf([&] { locateModel("o/n"); }).find("more than one snapshot fits") !=
                std::string::npos);
        write(hub("refs/main").c_str(), second + "\n");
        write(hub("refs/refs/pr/1").c_str(), first);
        const auto main = path(hub("snapshots/" + second).c_str());
        QCOMPARE(locateModel("o/n"), main);
        QCOMPARE(locateModel("o/n@main"), main);
        QCOMPARE(locateModel("o/n@refs/pr/1"), only);
        QCOMPARE(locateModel("o/n@aaaaaaa"), only);
        QCOMPARE(locateModel("o/n@" + second), main);
        for (const char* name : {"o/n@aaaaaa", "o/n@v1.0", "o/n@dddddddd", "o/other", "n", "o/n@../main",
                                 "o/n@/main", "o/n@", "../o/n"})
            QCOMPARE(codeOf([&] { locateModel(name); }), std::string("model.missing"));
        write(hub("refs/evil").c_str(), "../../../../study");
        QCOMPARE(codeOf([&] { locateModel("o/n@evil"); }), std::string("model.missing"));
        write(hub("refs/gone").c_str(), std::string(40, 'e'));
        QCOMPARE(codeOf([&] { locateModel("o/n@gone"); }), std::string("model.missing"));

        write("elsewhere/models--solo/snapshots/123/config.json", "{}");
        QCOMPARE(locateModel("solo", {path("elsewhere")}), path("elsewhere/models--solo/snapshots/123"));
        qputenv("HF_HUB_CACHE", QByteArray::fromStdString(path("elsewhere")));
        QCOMPARE(locateModel("solo"), path("elsewhere/models--solo/snapshots/123"));
        qunsetenv("HF_HUB_CACHE");
        write("home/hub/models--x--y/snapshots/1/config.json", "{}");
        qputenv("HF_HOME", QByteArray::fromStdString(path("home")));
        QCOMPARE(locateModel("x/y"), path("home/hub/models--x--y/snapshots/1"));
        qunsetenv("HF_HOME");
        QCOMPARE(modelName(main), std::string("o/n@bccccccccccc"));
        QCOMPARE(modelName("/a/model/"), std::string("model"));
        QCOMPARE(modelName("/a/b.gguf"), std::string("b.gguf"));
    }

    void listsQuickly() {
        const auto gguf = TinyModel().builder().bytes();
        const auto folder = azimuth::test::tinyLlama();
        for (int i = 0; i < 100; ++i) {
            const auto number = std::to_string(i);
            write(("m/" + number + ".gguf").c_str(), gguf);
            const auto snapshot = path(("m/models--o--" + number + "/snapshots/0123456789abcdef").c_str());
            folder.write(snapshot);
            writeFileAtomically(snapshot + "/tokenizer_config.json", R"({"chat_template": "x"})");
        }
        write("m/models--o--0/snapshots/bad/config.json", R"({"model_type": "bert"})");
        write("m/models--o--0/snapshots/bad/pytorch_model.bin", "pickle");
        const DigestCache cache;
        QElapsedTimer timer;
        timer.start();
        const auto listed = listModels({path("m")}, Precision::Fp32, cache);
        const auto milliseconds = timer.elapsed();
        qInfo("201 entries in %lld ms", static_cast<long long>(milliseconds));
        QCOMPARE(listed.size(), std::size_t{201});
        std::size_t folders = 0;
        for (const auto& entry : listed)
            if (entry.model && entry.model->hasTemplate) {
                ++folders;
                QVERIFY(entry.model->name.starts_with("o/") && entry.model->name.ends_with("@0123456789ab"));
            }
        QCOMPARE(folders, std::size_t{100});
        const auto bad = std::ranges::find_if(listed, [](const auto& entry) { return !entry.model; });
        QVERIFY(bad->reason.find("Python pickle") != std::string::npos);
    }

    // Links in circles, to the folder itself, above it and between two folders, and links to themselves.
    void linksInCirclesEnd() {
        const auto bytes = TinyModel().builder().bytes();
        write("c/a/one.gguf", bytes);
        write("c/b/two.gguf", bytes);
        const auto link = [&](const std::string& target, const char* name) {
            return ::symlink(target.c_str(), path(name).c_str()) == 0;
        };
        QVERIFY(link("../b", "c/a/to-b") && link("../a", "c/b/to-a"));
        QVERIFY(link("self.gguf", "c/self.gguf") && link("gone", "c/gone.gguf") && link("dead", "c/dead"));
        for (int i = 0; i < 60; ++i) { // followed at each of four levels these would be 60^4 folders
            const auto number = std::to_string(i);
            QVERIFY(link(".", ("c/here-" + number).c_str()) && link("../..", ("c/a/up-" + number).c_str()));
        }
        const auto listed = listModels({path("c")}, Precision::Fp32, DigestCache());
        const auto real = [](const std::string& file) {
            return QFileInfo(QString::fromStdString(file)).canonicalFilePath().toStdString();
        };
        std::vector<std::string> models, broken;
        for (const auto& entry : listed)
            entry.model ? models.push_back(real(entry.path)) : broken.push_back(entry.path);
        QCOMPARE(models, (std::vector{real(path("c/a/one.gguf")), real(path("c/b/two.gguf"))})); // each once
        QCOMPARE(broken, (std::vector{path("c/gone.gguf"), path("c/self.gguf")}));
        QCOMPARE(real(locateModel("two.gguf", {path("c")})), real(path("c/b/two.gguf")));
        QCOMPARE(codeOf([&] { locateModel("three.gguf", {path("c")}); }), std::string("model.missing"));
    }

    void listsModelsWithReasons() {
        const auto bytes = TinyModel().builder().bytes();
        write("m/b.gguf", bytes);
        write("m/a/c.GGUF", bytes);
        write("m/broken.gguf", bytes.substr(0, 3000));
        write("m/text.gguf", "hello");
        write("m/readme.md", "no model");
        TinyModel strange;
        strange.family = "bert";
        write("m/strange.gguf", strange.builder().bytes());
        TinyModel quantised;
        quantised.otherTypes["blk.1.ffn_down.weight"] = GgufType{20};
        write("m/quantised.gguf", quantised.builder().bytes());
        QVERIFY(QFile::link(QString::fromStdString(path("m/b.gguf")),
                            QString::fromStdString(path("m/link.gguf"))));
        DigestCache cache;
        digestsOf(*openStored(path("m/b.gguf")), cache);
        const auto listed = listModels({path("m"), path("m"), path("none")}, Precision::Fp32, cache);
        QCOMPARE(listed.size(), std::size_t{6});
        QCOMPARE(listed[0].path, path("m/a/c.GGUF"));
        QVERIFY(listed[0].model && listed[0].model->identity.empty() && listed[0].reason.empty());
        QCOMPARE(listed[1].path, path("m/b.gguf"));
        QCOMPARE(listed[1].model->identity.size(), std::size_t{64}); // memoised
        QVERIFY(!listed[2].model && listed[2].reason.find("bytes") != std::string::npos);
        QVERIFY(!listed[3].model &&
                listed[3].reason.find("blk.1.ffn_down.weight is stored as IQ4_NL") != std::string::npos);
        QVERIFY(!listed[4].model && listed[4].reason.find("bert") != std::string::npos);
        QVERIFY(!listed[5].model && listed[5].reason.find("not a GGUF file") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestIdentity)
#include "identity_test.moc"
