// Ids of generated and of hard texts (every script, every control character, runs of 10,000 characters),
// asked of transformers and llama.cpp now. The same texts in every run.
#include "core/base/text.h"
#include "tests/core/engine/text/text_checks.h"
#include "tests/core/engine/text/text_peers.h"

#include <random>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

// Pieces that tokenizers treat differently, mixed at random.
std::vector<std::string> generatedTexts(int count) {
    // clang-format off
    static const std::vector<std::string> parts{
        " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufe0f", "\u0301",
        "a", "the", " The", "ing", "'s", "'LL", "don't", "x1", "2024", "3.14", " 7", "aaaa", "----", "        ", "word",
        "Word", "WORD", "camelCase", "snake_case", "http://", "é", "e\u0301", "ß", "İ", "ж", "Ж", "λ", "ا", "ש", "क", "क्ष",
        "ไทย", "字", "漢字", "か", "カ", "한", "ㅋ", "😀", "👍🏽", "👩‍💻", "🇩🇪", "½", "²", "Ⅷ", "١", "𝔘", "𠮷",
        ".", ",", "...", "!", "?!", "(", ")", "[", "{", "\"", "'", "`", "$", "%", "+", "=", "==", "->", "_", "__", "/", "//",
        "\\", "#", "##", "*", "**", "-", "--", "<", ">", "<b>", "</b>", "<|im_end|>", "<end_of_turn>", "<bos>", "<0x41>",
        "▁", "\x01", "\x1b", "\x7f", "\u0085"};
    // clang-format on
    std::mt19937 random(2026);
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) {
        std::string text;
        for (auto partsLeft = 1 + random() % 30; partsLeft > 0; --partsLeft) {
            const std::string& part = parts[random() % parts.size()];
            const auto repeats = random() % 12 == 0 ? 1 + random() % 40 : 1;
            for (std::size_t repeat = 0; repeat < repeats; ++repeat)
                text += part;
        }
        texts.push_back(std::move(text));
    }
    return texts;
}

// unknown: an id that says nothing here, because the peer leaves out what it stands for.
void compareAll(const Tokenizer& tokenizer, bool addSpecial, const Json& answer, const char* key,
                std::int32_t unknown = -1) {
    const auto texts = answer.at("texts").get<std::vector<std::string>>();
    const Json& theirs = answer.at(key);
    QVERIFY(texts.size() > 1150);
    QCOMPARE(theirs.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto ours = tokenizer.encode(texts[i], addSpecial), expected = idsOf(theirs.at(i));
        std::erase(ours, unknown);
        std::erase(expected, unknown);
        QVERIFY2(ours == expected,
                 ("\"" + forMessage(texts[i], 400) + "\": " + shown(ours) + " expected " + shown(expected))
                     .c_str());
    }
}

} // namespace

class LivePeersTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void transformers() {
        const QString python = peerInterpreter("AZIMUTH_PEER_BASE", "base");
        if (python.isEmpty())
            QSKIP("the peer environment \"base\" is not set up");
        const Json answer = askPeer(QStringLiteral("transformers"), python,
                                    {{"texts", generatedTexts(1000)}, {"hard", true}});
        compareAll(smolTokenizer(), false, answer, "ids");
    }

    void llama() {
        const QString python = peerInterpreter("AZIMUTH_PEER_LLAMA", "llama");
        if (python.isEmpty())
            QSKIP("the peer environment \"llama\" is not set up");
        const Json answer =
            askPeer(QStringLiteral("llama"), python, {{"texts", generatedTexts(1000)}, {"hard", true}});
        // Bytes in no token of SmolLM2: llama.cpp leaves them out, Azimuth writes the unknown token.
        compareAll(smolTokenizer(), false, answer, "smollm2", *smolTokenizer().unknown());
        compareAll(gemmaTokenizer(), false, answer, "gemma3");
        compareAll(gemmaTokenizer(), true, answer, "gemma3_plain");
    }
};

QTEST_GUILESS_MAIN(LivePeersTest)
#include "live_peers_test.moc"
