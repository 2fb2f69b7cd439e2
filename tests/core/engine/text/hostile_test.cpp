// Vocabularies that are wrong in every way a file can make them: always one Error with both values, never a
// crash.
#include "core/base/text.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"

#include <QtTest>

#include <cmath>
#include <random>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

void refused(const TokenizerSource& source, const std::string& code, const std::string& part) {
    std::string seenCode = "nothing was thrown", seenMessage;
    try {
        Tokenizer::from(source);
    } catch (const Error& error) {
        seenCode = error.code();
        seenMessage = error.message();
        QVERIFY(!error.remedy().empty());
    }
    QVERIFY2(seenCode == code && seenMessage.find(part) != std::string::npos,
             (seenCode + ": " + seenMessage).c_str());
}

} // namespace

class HostileTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void kindsAndPre() {
        TokenizerSource source = smallByteSource();
        source.pre = "frobnicate-9";
        refused(source, "text.pre", "\"frobnicate-9\"");
        source.pre = "";
        refused(source, "text.pre", "\"\"");
        source.kind = "bert";
        refused(source, "text.kind", "\"bert\"");
        source.tokens.clear();
        refused(source, "text.vocabulary", "tokenizer.ggml.tokens");
    }

    void lengths() {
        TokenizerSource source = smallPieceSource();
        source.scores.pop_back();
        refused(source, "text.vocabulary", "scores has 266 entries, tokenizer.ggml.tokens has 267");
        source = smallPieceSource();
        source.scores.clear();
        refused(source, "text.vocabulary", "scores has 0 entries");
        source = smallByteSource();
        source.tokenTypes.push_back(1);
        refused(source, "text.vocabulary", "token_type has 264 entries, tokenizer.ggml.tokens has 263");
    }

    void merges() {
        TokenizerSource source = smallByteSource();
        source.merges.push_back("he zz");
        refused(source, "text.vocabulary", "merge 5 \"he zz\" needs the token \"zz\"");
        source.merges.back() = "he he";
        refused(source, "text.vocabulary", "needs the token \"hehe\"");
        source.merges.back() = "hehe";
        refused(source, "text.vocabulary", "merge 5 \"hehe\" is not two pieces");
        source.merges.back() = "";
        refused(source, "text.vocabulary", "merge 5");
        source.merges.back() = "\xff x";
        refused(source, "text.utf8", "tokenizer.ggml.merges[5]");
        source.merges.clear();
        refused(source, "text.vocabulary", "merges is empty");
    }

    void tokens() {
        TokenizerSource source = smallByteSource();
        source.tokens[1] = "<|start|>";
        refused(source, "text.vocabulary", "tokens 0 and 1 are both \"<|start|>\"");
        source.tokens[1] = "\xc3";
        refused(source, "text.utf8", "tokenizer.ggml.tokens[1]");
        source.tokens[1] = "";
        source.tokens[0] = ""; // padding of some files: allowed, never found in text
        QCOMPARE(Tokenizer::from(source).encode("he", false), std::vector<std::int32_t>{258});
        source = smallPieceSource();
        source.scores[5] = NAN;
        refused(source, "text.vocabulary", "scores[5] is not a number");
        source = smallPieceSource();
        source.tokens[3 + 0xA9] = "not a byte";
        source.unknown = -1;
        refused(source, "text.vocabulary", "<0xA9>");
        source.unknown = 0;
        QCOMPARE(Tokenizer::from(source).encode("\u00e9", false).back(), 0);
    }

    void ids() {
        TokenizerSource source = smallByteSource();
        source.eos = 263;
        refused(source, "text.vocabulary", "the eos token has the id 263, the vocabulary has 263 tokens");
        source.eos = -7;
        refused(source, "text.vocabulary", "-7");
        source.eos = std::int64_t{1} << 40;
        refused(source, "text.vocabulary", "1099511627776");
        source = smallByteSource();
        source.bos = -1;
        source.addBos = true;
        refused(source, "text.vocabulary", "add_bos_token is true");
        const Tokenizer tokenizer = Tokenizer::from(smallByteSource());
        for (std::int32_t id :
             {-1, 263, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
            QCOMPARE(codeOf([&] {
                         tokenizer.decode(std::vector<std::int32_t>{5, id}, true);
                     }),
                     std::string("text.id"));
            QCOMPARE(codeOf([&] { tokenizer.tokenText(id); }), std::string("text.id"));
        }
    }

    void texts() {
        const Tokenizer tokenizer = Tokenizer::from(smallByteSource());
        for (const char* wrong : {"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"})
            QCOMPARE(codeOf([&] { tokenizer.encode(wrong, false); }), std::string("text.utf8"));
        QCOMPARE(codeOf([&] { tokenizer.encode(std::string((16 << 20) + 1, 'a'), false); }),
                 std::string("text.limit"));
    }

    // tokenizer.json of others: damaged in every way, and one whose pattern never ends.
    void damagedTokenizerJson() {
        const std::string good =
            R"({"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Split","pattern":
            {"Regex":"\\s+"},"behavior":"Isolated","invert":false},"post_processor":null,"decoder":null,
            "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}})";
        TokenizerSource source;
        source.json = good;
        QCOMPARE(Tokenizer::from(source).encode("ab", false), std::vector<std::int32_t>{2});
        std::mt19937 random(7);
        for (int round = 0; round < 300; ++round) {
            source.json = good;
            if (round % 2 == 0)
                source.json.resize(1 + random() % (good.size() - 1));
            else
                source.json[random() % good.size()] = static_cast<char>(32 + random() % 95);
            try {
                Tokenizer::from(source).encode("ab a\nb", true);
            } catch (const Error& error) {
                QVERIFY2(error.code().starts_with("text."), error.what());
            }
        }
        source.json =
            R"({"added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
            "model":{"type":"BPE","vocab":{"a":0,"ab":1},"merges":[["a","b"]]}})";
        QCOMPARE(codeOf([&] { Tokenizer::from(source); }), std::string("text.json"));
        source.json = std::string(200'000, '[');
        QCOMPARE(codeOf([&] { Tokenizer::from(source); }), std::string("text.json"));
        // A post-processor that names a token it does not list makes the library panic when it encodes.
        source.json = R"({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []},
            "post_processor": {"type": "TemplateProcessing", "pair": [], "special_tokens": {},
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]}})";
        QCOMPARE(codeOf([&] { Tokenizer::from(source); }), std::string("text.json"));
    }

    // Random edits of a small vocabulary: a tokenizer that works or an Error of ours.
    void editedVocabularies() {
        std::mt19937 random(11);
        int built = 0, failed = 0;
        for (int round = 0; round < 400; ++round) {
            TokenizerSource source = round % 2 ? smallByteSource() : smallPieceSource();
            for (int edits = 0; edits < 3; ++edits) {
                std::string& token = source.tokens[random() % source.tokens.size()];
                switch (random() % 6) {
                case 0:
                    token.assign(random() % 4, static_cast<char>(random()));
                    break;
                case 1:
                    source.tokenTypes[random() % source.tokenTypes.size()] =
                        static_cast<int>(random() % 9) - 1;
                    break;
                case 2:
                    if (!source.merges.empty())
                        source.merges[random() % source.merges.size()] = token + " " + token;
                    break;
                case 3:
                    if (!source.scores.empty())
                        source.scores[random() % source.scores.size()] = -INFINITY;
                    break;
                case 4:
                    source.unknown = static_cast<int>(random() % 300) - 1;
                    break;
                default:
                    token += "é";
                    break;
                }
            }
            try {
                const Tokenizer tokenizer = Tokenizer::from(source);
                const auto ids = tokenizer.encode("hello aaab é\n😀 <s>", true);
                QVERIFY(isValidUtf8(tokenizer.decode(ids, round % 3 == 0)));
                ++built;
            } catch (const Error& error) {
                QVERIFY2(error.code().starts_with("text.") && error.code() != "text.internal", error.what());
                ++failed;
            }
        }
        QVERIFY2(built > 50 && failed > 50,
                 (std::to_string(built) + " built, " + std::to_string(failed) + " refused").c_str());
    }
};

QTEST_GUILESS_MAIN(HostileTest)
#include "hostile_test.moc"
