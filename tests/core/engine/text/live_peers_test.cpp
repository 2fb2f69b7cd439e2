// Ids of generated texts, asked of transformers and llama.cpp now. The same texts in every run.
#include "core/base/text.h"
#include "tests/core/engine/text/text_checks.h"

#include <QFileInfo>
#include <QProcess>
#include <QtTest>

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

Json ask(const QString& peer, const QString& python, const Json& request) {
    const QString script = QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/make_token_fixtures.py");
    QProcess process;
    process.start(python, {script, QStringLiteral("--peer"), peer});
    process.write(QByteArray::fromStdString(request.dump()));
    process.closeWriteChannel();
    if (!process.waitForFinished(240'000) || process.exitCode() != 0)
        qFatal("%s: %s", qPrintable(peer), process.readAllStandardError().constData());
    const QByteArray answer = process.readAllStandardOutput();
    return parseJson(std::string_view(answer.constData(), static_cast<std::size_t>(answer.size())), "peer");
}

QString interpreter(const char* variable, const QString& environment) {
    const QString given = qEnvironmentVariable(variable);
    return given.isEmpty()
               ? QStringLiteral(AZIMUTH_CACHE_DIR "/peers/") + environment + QStringLiteral("/bin/python")
               : given;
}

void compareAll(const Tokenizer& tokenizer, bool addSpecial, const std::vector<std::string>& texts,
                const Json& theirs) {
    QCOMPARE(theirs.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto ours = tokenizer.encode(texts[i], addSpecial);
        QVERIFY2(ours == idsOf(theirs.at(i)), ("\"" + forMessage(texts[i], 400) + "\": " + shown(ours) +
                                               " expected " + shown(idsOf(theirs.at(i))))
                                                  .c_str());
    }
}

} // namespace

class LivePeersTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void transformers() {
        const QString python = interpreter("AZIMUTH_PEER_BASE", QStringLiteral("base"));
        if (!QFileInfo::exists(python))
            QSKIP("the peer environment \"base\" is not set up");
        const auto texts = generatedTexts(1000);
        const Json answer = ask(QStringLiteral("transformers"), python, {{"texts", texts}});
        compareAll(smolTokenizer(), false, texts, answer.at("ids"));
    }

    void llama() {
        const QString python = interpreter("AZIMUTH_PEER_LLAMA", QStringLiteral("llama"));
        if (!QFileInfo::exists(python))
            QSKIP("the peer environment \"llama\" is not set up");
        const auto texts = generatedTexts(1000);
        const Json answer = ask(QStringLiteral("llama"), python, {{"texts", texts}});
        compareAll(smolTokenizer(), false, texts, answer.at("smollm2"));
        compareAll(gemmaTokenizer(), false, texts, answer.at("gemma3"));
        compareAll(gemmaTokenizer(), true, texts, answer.at("gemma3_plain"));
    }
};

QTEST_GUILESS_MAIN(LivePeersTest)
#include "live_peers_test.moc"
