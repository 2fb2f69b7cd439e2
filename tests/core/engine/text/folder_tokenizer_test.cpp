// TokenizerSource from folders written here: which file says what, and files that lie.
#include "core/base/atomic_file.h"
#include "core/engine/checkpoint/folder_tokenizer_reader.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"

#include <QTemporaryDir>
#include <QtTest>

#include <filesystem>
#include <random>
#include <sys/stat.h>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

// a 0, b 1, ab 2; <s> 3 and </s> 4 behind them.
Json tokenizerJson() {
    return Json::parse(R"({"added_tokens":[
        {"id":3,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
        {"id":4,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
        "normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}})");
}

class Folder {
public:
    Folder() { put("tokenizer.json", tokenizerJson().dump()); }
    void put(const std::string& name, const std::string& content) {
        writeFileAtomically(path() + "/" + name, content);
    }
    void put(const std::string& name, const Json& content) { put(name, content.dump()); }
    void remove(const std::string& name) { std::filesystem::remove_all(path() + "/" + name); }
    std::string path() const { return m_folder.path().toStdString(); }
    TokenizerSource read(std::int64_t rows = 5) const { return readTokenizerSource(path(), rows); }
    void refused(const std::string& code, const std::string& words, std::int64_t rows = 5) const {
        QCOMPARE(codeOf([&] { read(rows); }), code);
        const std::string ours = messageOf([&] { read(rows); });
        QVERIFY2(ours.find(words) != std::string::npos, ours.c_str());
    }

private:
    QTemporaryDir m_folder;
};

} // namespace

class FolderTokenizerTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void tokenizerAlone() {
        const Folder folder;
        const TokenizerSource source = folder.read();
        QCOMPARE(source.bos, -1);
        QCOMPARE(source.rows, 5);
        QVERIFY(!source.chatTemplate && !source.addBos && source.stops.empty());
        QCOMPARE(Tokenizer::from(source).encode("ab</s>b", true), (std::vector<std::int32_t>{2, 4, 1}));
    }

    void whoSaysTheSpecialTokens() {
        Folder folder;
        folder.put("tokenizer_config.json", Json{{"bos_token", {{"content", "<s>"}, {"lstrip", false}}},
                                                 {"eos_token", "</s>"},
                                                 {"unk_token", nullptr},
                                                 {"pad_token", "<none>"},
                                                 {"add_bos_token", true}});
        TokenizerSource source = folder.read();
        QCOMPARE(source.bos, 3);
        QCOMPARE(source.eos, 4);
        QCOMPARE(source.unknown, -1);
        QCOMPARE(source.padding, -1); // its text is no token
        QCOMPARE(source.addBos, std::optional(true));
        folder.put("special_tokens_map.json", Json{{"bos_token", "b"}, {"pad_token", {{"content", "a"}}}});
        source = folder.read();
        QCOMPARE(source.bos, 1);
        QCOMPARE(source.padding, 0);
        folder.put("tokenizer_config.json",
                   Json{{"bos_token", "<s>"}, {"added_tokens_decoder", Json::object()}});
        QCOMPARE(folder.read().bos, 3); // then the map is not asked, as in transformers
        folder.remove("special_tokens_map.json");
        folder.put("tokenizer_config.json", Json{{"tokenizer_class", "LlamaTokenizerFast"}});
        QCOMPARE(folder.read().eos, 4);
        folder.put("tokenizer_config.json", Json::object());
        folder.put("config.json", Json{{"model_type", "mistral"}});
        QCOMPARE(folder.read().eos, 4);
        folder.put("tokenizer_config.json", Json{{"tokenizer_class", "PreTrainedTokenizerFast"}});
        QCOMPARE(folder.read().eos, -1);
    }

    void whoSaysTheTemplate() {
        Folder folder;
        folder.put("chat_template.json", Json{{"chat_template", "third"}});
        QCOMPARE(folder.read().chatTemplate, std::optional<std::string>("third"));
        folder.put("tokenizer_config.json", Json{{"chat_template", nullptr}});
        QCOMPARE(folder.read().chatTemplate, std::optional<std::string>("third"));
        folder.put("tokenizer_config.json", Json{{"chat_template", "second"}});
        QCOMPARE(folder.read().chatTemplate, std::optional<std::string>("second"));
        const auto named = [](const char* name, const char* text) {
            return Json{{"name", name}, {"template", text}};
        };
        folder.put("tokenizer_config.json",
                   Json{{"chat_template", Json::array({named("tool_use", "x"), named("default", "named")})}});
        QCOMPARE(folder.read().chatTemplate, std::optional<std::string>("named"));
        folder.put("chat_template.jinja", std::string("first\n"));
        QCOMPARE(folder.read().chatTemplate, std::optional<std::string>("first\n"));
        folder.remove("chat_template.jinja");
        folder.put("tokenizer_config.json",
                   Json{{"chat_template", Json::array({named("tool_use", "x"), named("rag", "y")})}});
        folder.refused("checkpoint.tokenizer", "there is: tool_use, rag");
        folder.put("tokenizer_config.json",
                   Json{{"chat_template", Json::array({Json{{"name", "default"}}})}});
        folder.refused("checkpoint.tokenizer", "\"name\" and \"template\"");
        folder.put("tokenizer_config.json", Json{{"chat_template", 7}});
        folder.refused("checkpoint.tokenizer", "chat_template is number");
        folder.put("tokenizer_config.json", Json{{"chat_template", std::string((256 << 10) + 1, 'x')}});
        folder.refused("checkpoint.tokenizer", "the chat template has");
        folder.put("tokenizer_config.json", Json::object());
        folder.put("chat_template.jinja", std::string((256 << 10) + 1, 'x'));
        folder.refused("checkpoint.tokenizer", "chat_template.jinja");
        folder.put("chat_template.jinja", std::string("\xff"));
        folder.refused("checkpoint.tokenizer", "not UTF-8");
    }

    void stops() {
        Folder folder;
        folder.put("config.json", Json{{"eos_token_id", 1}});
        QCOMPARE(folder.read().stops, std::vector<std::int64_t>{1});
        folder.put("generation_config.json",
                   Json{{"eos_token_id", Json::array({4, 0, 50256})}}); // 50256 has no row
        QCOMPARE(folder.read().stops, (std::vector<std::int64_t>{4, 0}));
        QCOMPARE(Tokenizer::from(folder.read()).stopIds(), (std::vector<std::int32_t>{0, 4}));
        for (const Json& wrong : {Json(-1), Json(1.5), Json("2"), Json::array({1, Json::array()})}) {
            folder.put("generation_config.json", Json{{"eos_token_id", wrong}});
            folder.refused("checkpoint.tokenizer", "eos_token_id holds");
        }
        folder.put("generation_config.json", Json{{"eos_token_id", nullptr}});
        QVERIFY(folder.read().stops.empty());
    }

    void filesThatLie() {
        Folder folder;
        folder.refused("checkpoint.tokenizer", "the piece \"ab\" has the id 2, the embedding has 2 rows", 2);
        QCOMPARE(folder.read(3).rows, 3); // added tokens may lie behind the embedding
        folder.put("tokenizer_config.json", Json{{"add_bos_token", "yes"}});
        folder.refused("checkpoint.tokenizer", "add_bos_token is string");
        folder.put("tokenizer_config.json", Json{{"bos_token", 3}});
        folder.refused("checkpoint.tokenizer", "bos_token is number");
        folder.put("tokenizer_config.json", Json{{"bos_token", {{"text", "<s>"}}}});
        folder.refused("checkpoint.tokenizer", "without \"content\"");
        folder.put("tokenizer_config.json", Json::array());
        folder.refused("checkpoint.tokenizer", "is array, expected an object");
        folder.put("tokenizer_config.json", std::string("{"));
        folder.refused("json.syntax", "tokenizer_config.json");
        folder.put("tokenizer_config.json", "{\"a\":" + std::string(200'000, '['));
        folder.refused("json.depth", "tokenizer_config.json");
        folder.remove("tokenizer_config.json");
        std::filesystem::create_directory(folder.path() + "/tokenizer_config.json");
        folder.refused("file.kind", "tokenizer_config.json");
        folder.remove("tokenizer_config.json");
        QCOMPARE(::mkfifo((folder.path() + "/tokenizer_config.json").c_str(), 0600), 0);
        folder.refused("file.kind", "tokenizer_config.json"); // does not wait for a writer
        folder.remove("tokenizer_config.json");
        std::filesystem::resize_file(folder.path() + "/tokenizer.json", std::uintmax_t{129} << 20);
        folder.refused("checkpoint.tokenizer", "the limit is 134 MB");
        folder.remove("tokenizer.json");
        folder.refused("checkpoint.tokenizer", "tokenizer.json: is missing.");
        folder.put("tokenizer.model", std::string("x"));
        folder.refused("checkpoint.tokenizer", "there is tokenizer.model");
    }

    void idsThatLie() {
        Folder folder;
        const auto with = [&](const char* pointer, const Json& value) {
            Json json = tokenizerJson();
            json[Json::json_pointer(pointer)] = value;
            folder.put("tokenizer.json", json);
        };
        with("/model/vocab/a", -1);
        folder.refused("checkpoint.tokenizer", "the id of \"a\" is -1");
        with("/model/vocab/a", std::uint64_t{1} << 60);
        folder.refused("checkpoint.tokenizer", "above 2147483647");
        with("/model/vocab/a", 0.5);
        folder.refused("checkpoint.tokenizer", "the id of \"a\" is 0.5");
        with("/added_tokens/0/id", -3);
        folder.refused("checkpoint.tokenizer", "is -3");
        with("/added_tokens/0/id", nullptr);
        folder.refused("checkpoint.tokenizer", "has no id");
        folder.put("tokenizer.json", std::string(100'000, '['));
        folder.refused("json.depth", "tokenizer.json");
        folder.put("tokenizer.json", std::string("{\"a\":\"\xff\"}"));
        folder.refused("checkpoint.tokenizer", "not UTF-8");
    }

    // Cut and changed files of every name: a source or an Error; what is read then works or is refused.
    void damage() {
        const std::map<std::string, std::string> good{
            {"tokenizer.json", tokenizerJson().dump()},
            {"tokenizer_config.json", Json{{"bos_token", {{"content", "<s>"}}},
                                           {"eos_token", "</s>"},
                                           {"chat_template", "{{ bos_token }}"}}
                                          .dump()},
            {"generation_config.json", Json{{"eos_token_id", Json::array({4, 0})}}.dump()}};
        std::mt19937 random(3);
        int read = 0, refused = 0;
        Folder folder;
        for (int round = 0; round < 400; ++round) {
            for (const auto& [name, content] : good)
                folder.put(name, content);
            auto victim = std::next(good.begin(), static_cast<long>(random() % good.size()));
            std::string content = victim->second;
            if (round % 2 == 0)
                content.resize(random() % content.size());
            else
                content[random() % content.size()] = static_cast<char>(random());
            folder.put(victim->first, content);
            try {
                Tokenizer::from(folder.read()).encode("ab</s>", true);
                ++read;
            } catch (const Error& error) {
                QVERIFY2(error.code() != "text.internal" && !error.message().empty(), error.what());
                ++refused;
            }
        }
        QVERIFY(read > 20 && refused > 200);
    }
};

QTEST_GUILESS_MAIN(FolderTokenizerTest)
#include "folder_tokenizer_test.moc"
