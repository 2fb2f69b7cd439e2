// Tokenizers of every family, read from Hugging Face folders, against tokenizers and transformers: ids,
// spans, texts put together again, chats with their ids and the positions after the instruction; and read
// from GGUF metadata, against llama.cpp. Asked of the peers now: tests/peers/text_families.py.
#include "core/base/text.h"
#include "core/container/gguf_file.h"
#include "core/engine/checkpoint/folder_tokenizer_reader.h"
#include "core/engine/checkpoint/tokenizer_source_reader.h"
#include "core/engine/text/renderer.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"
#include "tests/core/engine/text/text_peers.h"

#include <QTemporaryDir>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

std::string about(const std::string& text) { return "\"" + forMessage(text, 200) + "\": "; }

const char* const families[] = {"gpt2", "gpt_neox", "llama3", "qwen",    "smollm", "olmo2",
                                "phi4", "tekken",   "llama2", "mistral", "phi3",   "gemma"};

} // namespace

class FamiliesPeersTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    Json m_answers;

    const Json& of(const char* family) const { return m_answers.at("families").at(family); }

    TokenizerSource sourceOf(const char* family) const {
        return readTokenizerSource(m_folder.filePath(QString::fromLatin1(family)).toStdString(),
                                   of(family).at("rows").get<std::int64_t>());
    }

    static void rows() {
        QTest::addColumn<QByteArray>("family");
        for (const char* family : families)
            QTest::newRow(family) << QByteArray(family);
    }

private Q_SLOTS:
    void initTestCase() {
        const QString python = peerInterpreter("AZIMUTH_PEER_BASE", "base");
        if (python.isEmpty())
            QSKIP("the peer environment \"base\" is not set up");
        QProcess process;
        process.start(python,
                      {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/text_families.py"), m_folder.path()});
        QVERIFY2(process.waitForFinished(400'000) && process.exitCode() == 0,
                 process.readAllStandardError().constData());
        m_answers = readJsonFile(m_folder.filePath(QStringLiteral("answers.json")).toStdString());
        QCOMPARE(m_answers.at("families").size(), std::size(families));
        qInfo("peers: %s", m_answers.at("peers").dump().c_str());
    }

    void specials_data() { rows(); }
    void specials() {
        QFETCH(QByteArray, family);
        const Tokenizer tokenizer = Tokenizer::from(sourceOf(family));
        const Json& theirs = of(family).at("special");
        const std::pair<const char*, std::optional<std::int32_t>> ours[] = {{"bos", tokenizer.bos()},
                                                                            {"eos", tokenizer.eos()},
                                                                            {"unk", tokenizer.unknown()},
                                                                            {"pad", tokenizer.padding()}};
        for (const auto& [key, id] : ours) {
            const Json expected = theirs.at(key).is_null() ? Json(-1) : theirs.at(key);
            QVERIFY2(id.value_or(-1) == expected,
                     (std::string(key) + " is " + std::to_string(id.value_or(-1)) + ", expected " +
                      expected.dump())
                         .c_str());
        }
        QCOMPARE(tokenizer.vocabularySize(), of(family).at("rows").get<std::int64_t>());
    }

    void texts_data() { rows(); }
    void texts() {
        QFETCH(QByteArray, family);
        const Tokenizer tokenizer = Tokenizer::from(sourceOf(family));
        const auto texts = m_answers.at("texts").get<std::vector<std::string>>();
        const Json& cases = of(family).at("cases");
        QVERIFY(texts.size() > 350);
        QCOMPARE(cases.size(), texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const Json& theirs = cases.at(i);
            const std::string name = about(texts[i]);
            const Encoding bare = tokenizer.encodeWithSpans(texts[i], false);
            QVERIFY2(bare.ids == idsOf(theirs.at("ids")),
                     (name + shown(bare.ids) + " expected " + shown(idsOf(theirs.at("ids")))).c_str());
            const auto whole = tokenizer.encode(texts[i], true);
            QVERIFY2(whole == idsOf(theirs.at("whole")), (name + shown(whole)).c_str());
            QVERIFY2(tokenizer.decode(bare.ids, false) == theirs.at("decoded").get<std::string>(),
                     name.c_str());
            QVERIFY2(tokenizer.decode(whole, true) == theirs.at("skipped").get<std::string>(), name.c_str());
            if (!theirs.contains("spans"))
                continue;
            for (std::size_t at = 0; at < bare.spans.size(); ++at) {
                const Json& span = theirs.at("spans").at(at);
                QVERIFY2(bare.spans[at].begin == span.at(0) && bare.spans[at].end == span.at(1),
                         (name + "token " + std::to_string(at) + " is [" +
                          std::to_string(bare.spans[at].begin) + ", " + std::to_string(bare.spans[at].end) +
                          "), expected " + span.dump())
                             .c_str());
            }
        }
    }

    // Vocabularies without weights, as GGUF files hold them: SentencePiece, and ways of cutting for byte
    // pairs.
    void metadata() {
        const QString python = peerInterpreter("AZIMUTH_PEER_LLAMA", "llama");
        if (python.isEmpty())
            QSKIP("the peer environment \"llama\" is not set up");
        const auto pathOf = [&](const std::string& name) {
            return m_folder.filePath(QString::fromStdString(name + ".gguf")).toStdString();
        };
        const Json& vocabularies = m_answers.at("vocabularies");
        Json models;
        for (const auto& [name, row] : vocabularies.items())
            if (row.at("peer") != "transformers")
                models[name] = pathOf(name);
        const Json llama = askPeer(QStringLiteral("llama"), python,
                                   {{"texts", m_answers.at("texts")},
                                    {"models", models},
                                    {"normalised", m_answers.at("normalised")}});
        std::string findings;
        int compared = 0;
        for (const auto& [name, row] : vocabularies.items()) {
            const GgufFile file = GgufFile::open(pathOf(name));
            const Tokenizer tokenizer = Tokenizer::from(readTokenizerSource(file, 1 << 20));
            if (row.at("peer") != "llama") {
                const Json& cases = of(row.at("family").get<std::string>().c_str()).at("cases");
                findings += differences(name + ", transformers", tokenizer, false,
                                        [&](std::size_t i) { return idsOf(cases.at(i).at("ids")); });
                ++compared;
            }
            for (const auto& [key, ends] : {std::pair{name, false}, std::pair{name + "_plain", true}})
                if (llama.contains(key)) {
                    const Json& ids = llama.at(key);
                    findings += differences(name + ", llama.cpp", tokenizer, ends,
                                            [&](std::size_t i) { return idsOf(ids.at(i)); });
                    ++compared;
                }
        }
        QVERIFY(compared >= 25);
        QVERIFY2(findings.empty(), findings.c_str());
    }

    std::string differences(const std::string& name, const Tokenizer& tokenizer, bool ends,
                            const std::function<std::vector<std::int32_t>(std::size_t)>& expected) const {
        const auto texts = m_answers.at("texts").get<std::vector<std::string>>();
        std::size_t count = 0;
        std::string first;
        for (std::size_t i = 0; i < texts.size(); ++i)
            if (const auto ours = tokenizer.encode(texts[i], ends), theirs = expected(i); ours != theirs) {
                if (count++ == 0)
                    first = about(texts[i]) + shown(ours) + " expected " + shown(theirs);
            }
        return count == 0 ? std::string() : name + ": " + std::to_string(count) + " texts, " + first + "\n";
    }

    void chats_data() { rows(); }
    void chats() {
        QFETCH(QByteArray, family);
        TokenizerSource source = sourceOf(family);
        const Json& theirs = of(family);
        QCOMPARE(source.chatTemplate.has_value(), !theirs.at("default_template").is_null());
        if (source.chatTemplate)
            QCOMPARE(*source.chatTemplate, theirs.at("default_template").get<std::string>());
        int rendered = 0, refused = 0, located = 0;
        for (const auto& [name, text] : theirs.at("templates").items()) {
            source.chatTemplate = text.get<std::string>();
            const Renderer renderer(source);
            for (const Json& chat : theirs.at("chats"))
                if (chat.at("template") == name)
                    compare(renderer, chat, rendered, refused, located);
        }
        QVERIFY(theirs.at("templates").empty() || (rendered >= 6 && located >= 4));
        qInfo("%d chats equal, %d refused as by the peer, %d with positions", rendered, refused, located);
    }

    void compare(const Renderer& renderer, const Json& chat, int& rendered, int& refused, int& located) {
        Rendering rendering;
        rendering.variables = chat.at("variables");
        rendering.variables["date"] = m_answers.at("date");
        const auto messages = messagesOf(chat.at("messages"));
        const std::string name = chat.at("template").get<std::string>() + " " + chat.at("messages").dump();
        if (chat.contains("error")) {
            const std::string ours = messageOf([&] { renderer.render(messages, rendering); });
            const auto words = chat.at("error").get<std::string>();
            QVERIFY2(chat.at("kind") == "TemplateError" ? ours.ends_with(": " + words)
                                                        : ours != "nothing was thrown",
                     (name + ": " + ours + ", expected " + chat.at("error").get<std::string>()).c_str());
            ++refused;
            return;
        }
        const RenderedPrompt prompt = renderer.render(messages, rendering);
        QVERIFY2(*prompt.text == chat.at("text").get<std::string>(),
                 (name + ": \"" + *prompt.text + "\" expected \"" + chat.at("text").get<std::string>() + "\"")
                     .c_str());
        // BOS once, also where the template writes none; transformers leaves it out there.
        auto ids = idsOf(chat.at("ids"));
        const bool bosAdded =
            renderer.tokenizer().addsBos() && (ids.empty() || ids[0] != *renderer.tokenizer().bos());
        if (bosAdded)
            ids.insert(ids.begin(), *renderer.tokenizer().bos());
        QVERIFY2(prompt.ids == ids, (name + ": " + shown(prompt.ids) + " expected " + shown(ids)).c_str());
        ++rendered;
        if (!chat.contains("after") || chat.at("after").empty())
            return;
        auto after = idsOf(chat.at("after"));
        for (std::int32_t& index : after)
            index += bosAdded;
        QVERIFY2(prompt.postInstruction == after,
                 (name + ": " + shown(prompt.postInstruction) + " expected " + shown(after)).c_str());
        ++located;
    }

    // Templates that write BOS on tokenizers that add it: once, whatever is asked of whom.
    void bosOnce_data() {
        QTest::addColumn<QByteArray>("family");
        for (const char* family : {"llama3", "gemma", "llama2", "mistral", "tekken"})
            QTest::newRow(family) << QByteArray(family);
    }
    void bosOnce() {
        QFETCH(QByteArray, family);
        const Renderer renderer(sourceOf(family));
        QVERIFY(renderer.tokenizer().addsBos());
        const std::int32_t bos = *renderer.tokenizer().bos();
        const auto count = [&](BosPolicy policy, bool plain) {
            Rendering rendering;
            rendering.bos = policy;
            rendering.plain = plain;
            return std::ranges::count(renderer.render(std::string("A question?"), rendering).ids, bos);
        };
        for (const bool plain : {false, true}) {
            QCOMPARE(count(BosPolicy::Once, plain), 1);
            QCOMPARE(count(BosPolicy::None, plain), 0);
            QCOMPARE(count(BosPolicy::Doubled, plain), 2);
        }
    }

    void rowsAndTokens() {
        const Tokenizer gemma = Tokenizer::from(sourceOf("gemma"));
        QCOMPARE(of("gemma").at("beyond").get<std::string>(), std::string("<image_soft_token>"));
        QCOMPARE(messageOf([&] { gemma.encode("a <image_soft_token> b", false); }),
                 "the text holds the token \"<image_soft_token>\" with the id " +
                     std::to_string(gemma.vocabularySize()) + ", the model has " +
                     std::to_string(gemma.vocabularySize()) + " rows");
        TokenizerSource padded = sourceOf("gpt2");
        padded.rows += 100; // rows without a token
        const Tokenizer tokenizer = Tokenizer::from(padded);
        const auto last = static_cast<std::int32_t>(padded.rows - 1);
        QCOMPARE(tokenizer.decode(std::vector<std::int32_t>{last}, true), std::string());
        QCOMPARE(tokenizer.tokenText(last), std::string());
        QCOMPARE(codeOf([&] { tokenizer.tokenText(last + 1); }), std::string("text.id"));
    }

    void stops() {
        const Tokenizer llama = Tokenizer::from(sourceOf("llama3"));
        std::vector<std::int32_t> expected{*llama.tokenId("<|end_of_text|>"), *llama.tokenId("<|eom_id|>"),
                                           *llama.tokenId("<|eot_id|>")};
        std::ranges::sort(expected);
        QCOMPARE(llama.stopIds(), expected);
        const Tokenizer gemma = Tokenizer::from(sourceOf("gemma"));
        QCOMPARE(gemma.stopIds(), (std::vector<std::int32_t>{*gemma.eos(), *gemma.tokenId("<end_of_turn>")}));
    }
};

QTEST_GUILESS_MAIN(FamiliesPeersTest)
#include "families_peers_test.moc"
