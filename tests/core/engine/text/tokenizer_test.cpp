// Ids of the real models against transformers' and llama.cpp's on hard texts, and small vocabularies worked
// out by hand.
#include "core/base/text.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"

#include <QElapsedTimer>
#include <QtTest>

#include <thread>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

// A number right after white space of two characters, or a number outside ASCII: where a tokenizer that does
// not cut digits apart first can differ.
bool digitsMatter(const std::string& text) {
    const std::vector<char32_t> points = toCodePoints(text);
    for (std::size_t i = 0; i < points.size(); ++i) {
        const bool ascii = points[i] >= U'0' && points[i] <= U'9';
        const bool other = points[i] > 127 && isAlphanumeric(points[i]);
        if (other || (ascii && i >= 2 && isSpace(points[i - 1]) && isSpace(points[i - 2])))
            return true;
    }
    return false;
}

void compare(const std::vector<std::int32_t>& ours, const std::vector<std::int32_t>& theirs,
             const std::string& what, const std::string& text) {
    QVERIFY2(ours == theirs, (what + " differs on \"" + forMessage(text) + "\": " + shown(ours) +
                              " expected " + shown(theirs))
                                 .c_str());
}

// The spans of all tokens in order, without repeats, are the whole text.
void coverText(const Tokenizer& tokenizer, const std::string& text) {
    const Encoding encoding = tokenizer.encodeWithSpans(text, false);
    QCOMPARE(encoding.spans.size(), encoding.ids.size());
    std::size_t reached = 0;
    for (const TokenSpan& span : encoding.spans) {
        QVERIFY2(span.begin <= reached && span.begin <= span.end && span.end >= reached &&
                     span.end <= text.size(),
                 forMessage(text).c_str());
        reached = span.end;
    }
    QVERIFY2(reached == text.size(), (forMessage(text) + ": " + std::to_string(reached)).c_str());
}

} // namespace

class TokenizerTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void smolEqualsTransformers() {
        int cases = 0, onlyAsLoaded = 0;
        for (const Json& fixture : tokenFixtures().at("texts")) {
            const auto text = fixture.at("text").get<std::string>();
            const Json& peers = fixture.at("smollm2");
            const auto ours = smolTokenizer().encode(text, false);
            compare(ours, idsOf(peers.at("transformers")), "SmolLM2, transformers with its own pre-tokenizer",
                    text);
            if (!digitsMatter(text))
                compare(ours, idsOf(peers.at("as_loaded")), "SmolLM2, transformers as loaded from GGUF",
                        text);
            onlyAsLoaded += !digitsMatter(text);
            ++cases;
        }
        QVERIFY(cases >= 80 && onlyAsLoaded >= 30);
    }

    // Bytes in no token: llama.cpp leaves them out, transformers and Azimuth write the unknown token.
    void smolEqualsLlama() {
        for (const Json& fixture : tokenFixtures().at("texts")) {
            const auto text = fixture.at("text").get<std::string>();
            const bool missing = text.find_first_of("\x04\x06\x13\x14\x16\x1d") != std::string::npos;
            auto ours = smolTokenizer().encode(text, false);
            if (missing)
                std::erase(ours, 0);
            compare(ours, idsOf(fixture.at("smollm2").at("llama")), "SmolLM2, llama.cpp", text);
        }
    }

    void gemmaEqualsLlama() {
        for (const Json& fixture : tokenFixtures().at("texts")) {
            const auto text = fixture.at("text").get<std::string>();
            compare(gemmaTokenizer().encode(text, false), idsOf(fixture.at("gemma3").at("llama")),
                    "Gemma, llama.cpp", text);
            compare(gemmaTokenizer().encode(text, true), idsOf(fixture.at("gemma3").at("plain")),
                    "Gemma, llama.cpp, BOS", text);
        }
    }

    void specialsOfRealModels() {
        const Tokenizer& smol = smolTokenizer();
        QCOMPARE(smol.vocabularySize(), std::int64_t{49152});
        QCOMPARE(smol.stopIds(), std::vector<std::int32_t>{2});
        QCOMPARE(smol.eot().value_or(-1), 2); // derived from <|im_end|>
        QVERIFY(!smol.eom() && !smol.addsBos() && !smol.addsEos());
        const Tokenizer& gemma = gemmaTokenizer();
        QCOMPARE(gemma.vocabularySize(), std::int64_t{262144});
        QCOMPARE(gemma.stopIds(), (std::vector<std::int32_t>{1, 106})); // <eos>, <end_of_turn>
        QVERIFY(gemma.addsBos() && gemma.bos() == 2);
        QCOMPARE(smol.tokenText(28120), std::string("hello"));
        QCOMPARE(gemma.tokenId("<end_of_turn>").value_or(-1), 106);
        QVERIFY(!gemma.tokenId("no such token"));
    }

    void decodeGivesTheTextBack() {
        for (const Json& fixture : tokenFixtures().at("texts")) {
            const auto text = fixture.at("text").get<std::string>();
            if (text.find_first_of("\x04\x06\x13\x14\x16\x1d") == std::string::npos)
                QCOMPARE(smolTokenizer().decode(smolTokenizer().encode(text, false), false), text);
            if (text.find("▁") == std::string::npos) // stands for a blank in SentencePiece
                QCOMPARE(gemmaTokenizer().decode(gemmaTokenizer().encode(text, false), false), text);
        }
        const std::vector<std::int32_t> ids = smolTokenizer().encode("<|im_start|>user\nhi<|im_end|>", false);
        QCOMPARE(smolTokenizer().decode(ids, true), std::string("user\nhi"));
        QCOMPARE(smolTokenizer().decode({}, true), std::string());
    }

    void spansCoverTheText() {
        for (const Json& fixture : tokenFixtures().at("texts")) {
            const auto text = fixture.at("text").get<std::string>();
            coverText(smolTokenizer(), text);
            coverText(gemmaTokenizer(), text);
        }
    }

    void spansAreBytes() {
        const Encoding encoding = smolTokenizer().encodeWithSpans("é<|im_end|> b", false);
        const std::vector<TokenSpan> expected{{0, 2}, {2, 12}, {12, 14}};
        QCOMPARE(encoding.spans.size(), expected.size());
        QVERIFY(encoding.spans == expected);
    }

    void halfACharacterIsRepaired() {
        const auto ids = gemmaTokenizer().encode("\U000E0041", false); // four byte tokens
        QCOMPARE(ids.size(), std::size_t{4});
        const std::string text = gemmaTokenizer().decode(std::span(ids).first(2), true);
        QVERIFY(isValidUtf8(text));
        QVERIFY(text.find("\uFFFD") != std::string::npos);
    }

    // By hand: joins go by the piece's score, the leftmost first among equals.
    void piecesJoinByScore() {
        TokenizerSource source = smallPieceSource();
        source.addSpacePrefix = false;
        const Tokenizer bare = Tokenizer::from(source);
        const auto texts = [](const Tokenizer& tokenizer, const std::string& text) {
            std::string joined;
            for (std::int32_t id : tokenizer.encode(text, false))
                joined += tokenizer.tokenText(id) + "|";
            return joined;
        };
        QCOMPARE(texts(bare, "aaaaa"), std::string("aa|aaa|"));
        QCOMPARE(texts(bare, "aba"), std::string("ab|a|")); // ab and ba score the same
        QCOMPARE(texts(bare, "bab"), std::string("ba|b|"));
        QCOMPARE(texts(bare, "b é"), std::string("b|▁|<0xC3>|<0xA9>|"));
        QCOMPARE(texts(bare, "a</s>a"), std::string("a|</s>|a|"));
        const Tokenizer prefixed = Tokenizer::from(smallPieceSource()); // the kind's default
        QCOMPARE(texts(prefixed, "a</s>a"), std::string("▁a|</s>|▁a|"));
        QCOMPARE(prefixed.encode("b", true), (std::vector<std::int32_t>{1, 259, 261}));
        QCOMPARE(prefixed.decode(prefixed.encode("b a", true), true), std::string("b a"));
    }

    void byteMergesByHand() {
        const Tokenizer tokenizer = Tokenizer::from(smallByteSource());
        const std::int32_t hello = 2 + 256 + 3;
        QCOMPARE(tokenizer.encode("hello hello", false), (std::vector<std::int32_t>{hello, hello + 1}));
        QCOMPARE(tokenizer.encode("<|end|>", true), std::vector<std::int32_t>{1});
        const std::string nul("\0h", 2);
        QCOMPARE(tokenizer.encode(nul, false), (std::vector<std::int32_t>{2, 2 + 'h'}));
        QCOMPARE(tokenizer.decode(tokenizer.encode(nul, false), true), nul);
    }

    void endsAsTheFileSays() {
        TokenizerSource source = smallByteSource();
        source.addBos = source.addEos = true;
        const Tokenizer both = Tokenizer::from(source);
        QCOMPARE(both.encode("h", true), (std::vector<std::int32_t>{0, 2 + 'h', 1}));
        QCOMPARE(both.encode("h", false), std::vector<std::int32_t>{2 + 'h'});
        source.addBos.reset();
        source.pre = "llama-bpe"; // adds a BOS unless told otherwise
        QVERIFY(Tokenizer::from(source).addsBos());
        source.addBos = false;
        QVERIFY(!Tokenizer::from(source).addsBos());
    }

    void stopIdsFromTexts() {
        TokenizerSource source = smallByteSource();
        source.tokens.insert(source.tokens.end(), {"<|endoftext|>", "<|eom_id|>", "<|im_end|>"});
        source.tokenTypes.insert(source.tokenTypes.end(), {3, 3, 3});
        const auto last = static_cast<std::int32_t>(source.tokens.size() - 1);
        QCOMPARE(Tokenizer::from(source).stopIds(), (std::vector<std::int32_t>{1, last - 1, last}));
        source.eot = last - 2;
        QCOMPARE(Tokenizer::from(source).stopIds(), (std::vector<std::int32_t>{1, last - 2, last - 1}));
    }

    // Letters of the pattern families: what one piece may hold shows in whether the whole-piece token is
    // found.
    void familiesCutDifferently() {
        const auto pieces = [](const std::string& pre, const std::string& text) {
            TokenizerSource source = smallByteSource();
            source.pre = pre;
            source.tokens.insert(source.tokens.end(), {"12", "123", "Ġ1", "ĊĊ", "'S", "!Ċ"});
            source.merges.insert(source.merges.end(), {"1 2", "12 3", "Ġ 1", "Ċ Ċ", "' S", "! Ċ"});
            source.tokenTypes.resize(source.tokens.size(), 1);
            const Tokenizer tokenizer = Tokenizer::from(source);
            std::string joined;
            for (std::int32_t id : tokenizer.encode(text, false))
                joined += tokenizer.tokenText(id) + "|";
            return joined;
        };
        QCOMPARE(pieces("gpt-2", "123"), std::string("123|"));
        QCOMPARE(pieces("smollm", "123"), std::string("1|2|3|"));
        QCOMPARE(pieces("qwen2", "123"), std::string("1|2|3|"));
        QCOMPARE(pieces("llama-bpe", "1231"), std::string("123|1|"));
        QCOMPARE(pieces("gpt-2", " 1"), std::string("Ġ1|"));
        QCOMPARE(pieces("smollm", " 1"), std::string("Ġ|1|"));
        QCOMPARE(pieces("llama-bpe", "a\n\nb"), std::string("a|ĊĊ|b|"));
        QCOMPARE(pieces("gpt-2", "a\n\nb"), std::string("a|Ċ|Ċ|b|"));
        QCOMPARE(pieces("smollm", "\n\n1"), std::string("ĊĊ|1|"));
        QCOMPARE(pieces("gpt-2", "\n\n1"), std::string("Ċ|Ċ|1|"));
        QCOMPARE(pieces("llama-bpe", "IT'S"), std::string("I|T|'S|"));
        QCOMPARE(pieces("gpt-2", "IT'S"), std::string("I|T|'|S|"));
        QCOMPARE(pieces("qwen2", "!\n"), std::string("!Ċ|"));
        QCOMPARE(pieces("gpt-2", "!\n"), std::string("!|Ċ|"));
        QCOMPARE(pieces("qwen2", "e\u0301"), pieces("qwen2", "\u00e9")); // NFC
        QVERIFY(pieces("llama-bpe", "e\u0301") != pieces("llama-bpe", "\u00e9"));
    }

    void manyThreads() {
        const Tokenizer& tokenizer = gemmaTokenizer();
        const auto expected = tokenizer.encode("The sea, the sea! 海", true);
        std::vector<std::thread> threads;
        std::atomic<int> equal = 0;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int j = 0; j < 50; ++j)
                    equal += tokenizer.encode("The sea, the sea! 海", true) == expected;
            });
        for (std::thread& thread : threads)
            thread.join();
        QCOMPARE(equal.load(), 200);
    }

    void tokenizerJson() {
        TokenizerSource source;
        source.json =
            R"({"version":"1.0","truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0},
            "padding":null,"added_tokens":[{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,
            "normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
            "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
            {"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]}}},
            "decoder":null,"model":{"type":"WordLevel","vocab":{"<s>":0,"a":1,"b":2,"<unk>":3},"unk_token":"<unk>"}})";
        source.bos = 0;
        source.tokens = {"<s>", "a", "b", "<unk>"};
        const Tokenizer tokenizer = Tokenizer::from(source);
        QVERIFY(tokenizer.addsBos());
        QCOMPARE(tokenizer.vocabularySize(), std::int64_t{4});
        QCOMPARE(tokenizer.encode("a b a b", true),
                 (std::vector<std::int32_t>{0, 1, 2, 1, 2})); // not truncated
        QCOMPARE(tokenizer.encode("a b", false), (std::vector<std::int32_t>{1, 2}));
        source.tokens[2] = "c";
        const std::string message = messageOf([&] { Tokenizer::from(source); });
        QVERIFY2(message.find("token 2 is \"b\"") != std::string::npos, message.c_str());
        source.json = "{\"model\": 3}";
        QCOMPARE(codeOf([&] { Tokenizer::from(source); }), std::string("text.json"));
    }

    void buildsQuickly() {
        const TokenizerSource& gemma = gemmaSource();
        QElapsedTimer timer;
        timer.start();
        const Tokenizer tokenizer = Tokenizer::from(gemma);
        qInfo("Gemma's 262,144 pieces: built in %lld ms", static_cast<long long>(timer.restart()));
        const Tokenizer smol = Tokenizer::from(smolSource());
        qInfo("SmolLM2's 49,152 tokens: built in %lld ms", static_cast<long long>(timer.restart()));
        std::string text;
        while (text.size() < 1'000'000)
            text += "The quick brown fox jumps over the lazy dog, then rests. ";
        const auto count = smol.encode(text, false).size();
        qInfo("SmolLM2: 1 MB, %zu tokens in %lld ms", count, static_cast<long long>(timer.restart()));
        const auto pieces = tokenizer.encode(text, false).size();
        qInfo("Gemma: 1 MB, %zu tokens in %lld ms", pieces, static_cast<long long>(timer.restart()));
    }
};

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tokenizer_test.moc"
