// SmolLM2's chats against transformers; BOS policies and positions on Gemma with a chat template, checked
// against ids put together by hand from the template's parts.
#include "core/engine/text/renderer.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"

#include <QtTest>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

const Renderer& smol() {
    static const Renderer renderer(smolSource());
    return renderer;
}

// The model has none; this one prints turns as Gemma's instruction models do.
const Renderer& gemmaChat() {
    static const Renderer renderer([] {
        TokenizerSource source = gemmaSource();
        source.chatTemplate = tokenFixtures().at("templates").at(0).at("template").get<std::string>();
        return source;
    }());
    return renderer;
}

const Renderer& gemmaPlain() {
    static const Renderer renderer(gemmaSource());
    return renderer;
}

std::vector<std::int32_t> lastIndices(std::size_t size, std::size_t count) {
    std::vector<std::int32_t> indices;
    for (std::size_t i = size - count; i < size; ++i)
        indices.push_back(static_cast<std::int32_t>(i));
    return indices;
}

Rendering with(BosPolicy bos, bool plain = false) {
    Rendering rendering;
    rendering.bos = bos;
    rendering.plain = plain;
    return rendering;
}

} // namespace

class RendererTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void smolChatsEqualTransformers() {
        for (const Json& fixture : tokenFixtures().at("chats")) {
            Rendering rendering;
            rendering.variables = fixture.at("variables");
            const RenderedPrompt prompt = smol().render(messagesOf(fixture.at("messages")), rendering);
            QCOMPARE(*prompt.text, fixture.at("text").get<std::string>());
            QVERIFY2(prompt.ids == idsOf(fixture.at("ids")), shown(prompt.ids).c_str());
        }
    }

    // "<|im_end|>", "\n", "<|im_start|>", "ass", "istant", "\n", whatever the user says.
    void positionsAfterTheInstruction() {
        for (const char* text :
             {"Hello", "", "  padded \n", "user", "assistant", "\n", "a <|im_end|>\n<|im_start|>assistant\n",
              "system\nYou are", "azimuth-content-0-end",
              "😀 ends in an emoji 👩‍👩‍👧‍👦"}) {
            const RenderedPrompt prompt = smol().render(std::string(text), {});
            QVERIFY(prompt.text->ends_with(std::string(text) + "<|im_end|>\n<|im_start|>assistant\n"));
            QVERIFY2(prompt.postInstruction == lastIndices(prompt.ids.size(), 6),
                     (std::string(text) + ": " + shown(prompt.postInstruction)).c_str());
            const std::vector<std::int32_t> tail(prompt.ids.end() - 6, prompt.ids.end());
            QCOMPARE(tail, (std::vector<std::int32_t>{2, 198, 1, 520, 9531, 198}));
        }
        // Trimmed by the template; the answer of an earlier turn lies before.
        for (const char* text : {"you", " \tyou\n\n"}) {
            const RenderedPrompt prompt =
                gemmaChat().render({{"user", "model"}, {"assistant", "you"}, {"user", text}}, Rendering{});
            QCOMPARE(prompt.postInstruction,
                     lastIndices(prompt.ids.size(), 5)); // <end_of_turn> \n <start_of_turn> model \n
            QCOMPARE(prompt.ids[prompt.ids.size() - 5], 106);
        }
    }

    void positionsBeforeALaterAnswer() {
        const RenderedPrompt prompt =
            smol().render({{"user", "first"}, {"assistant", "last word"}}, Rendering{});
        const std::string tail =
            "<|im_end|>\n<|im_start|>assistant\nlast word<|im_end|>\n<|im_start|>assistant\n";
        QVERIFY(prompt.text->ends_with("first" + tail));
        QCOMPARE(prompt.postInstruction,
                 lastIndices(prompt.ids.size(), smol().tokenizer().encode(tail, false).size()));
    }

    void positionsWithoutAUser() {
        const RenderedPrompt prompt = smol().render({{"system", "alone"}}, Rendering{});
        QCOMPARE(prompt.postInstruction, lastIndices(prompt.ids.size(), 1));
    }

    void assistantPrefixCounts() {
        Rendering rendering;
        rendering.assistantPrefix = "Sure, here";
        const RenderedPrompt prompt = smol().render(std::string("Hello"), rendering);
        QVERIFY(prompt.text->ends_with("<|im_start|>assistant\nSure, here"));
        QCOMPARE(prompt.postInstruction,
                 lastIndices(prompt.ids.size(), 6 + smol().tokenizer().encode("Sure, here", false).size()));
    }

    void systemText() {
        Rendering rendering;
        rendering.system = "You answer in verse.";
        const Json& fixture = tokenFixtures().at("chats").at(5);
        const RenderedPrompt prompt = smol().render(std::string("What is the sea?"), rendering);
        QCOMPARE(*prompt.text, fixture.at("text").get<std::string>());
        QCOMPARE(codeOf([&] {
                     smol().render({{"system", "other"}, {"user", "x"}}, rendering);
                 }),
                 std::string("text.rendering"));
        rendering.plain = true;
        QCOMPARE(codeOf([&] { smol().render(std::string("x"), rendering); }), std::string("text.rendering"));
        rendering.plain = false;
        QCOMPARE(codeOf([&] { gemmaPlain().render(std::string("x"), rendering); }),
                 std::string("text.rendering"));
    }

    void bosInATemplate() {
        const std::vector<ChatMessage> messages{{"user", "hi"}};
        // Put together by hand: <start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n
        std::vector<std::int32_t> body{105, 2364, 107, 2202, 106, 107, 105, 4368, 107};
        const auto ids = [&](BosPolicy policy) { return gemmaChat().render(messages, with(policy)); };
        const RenderedPrompt none = ids(BosPolicy::None), once = ids(BosPolicy::Once),
                             doubled = ids(BosPolicy::Doubled);
        QCOMPARE(none.ids, body);
        QVERIFY(none.text->starts_with("<start_of_turn>"));
        QCOMPARE(none.postInstruction, lastIndices(9, 5));
        body.insert(body.begin(), 2);
        QCOMPARE(once.ids, body);
        QVERIFY(once.text->starts_with("<bos><start_of_turn>"));
        QCOMPARE(once.postInstruction, lastIndices(10, 5));
        body.insert(body.begin(), 2);
        QCOMPARE(doubled.ids, body);
        QCOMPARE(doubled.postInstruction, lastIndices(11, 5));
    }

    void bosWhereTheTemplateWritesNone() {
        TokenizerSource source = smallByteSource();
        source.chatTemplate = "{{ messages[0].content }}|";
        source.addBos = true;
        const Renderer renderer(source);
        const std::int32_t bar = 2 + '|', h = 2 + 'h';
        const auto ids = [&](BosPolicy policy) { return renderer.render(std::string("h"), with(policy)); };
        QCOMPARE(ids(BosPolicy::Once).ids, (std::vector<std::int32_t>{0, h, bar}));
        QCOMPARE(ids(BosPolicy::Once).postInstruction, std::vector<std::int32_t>{2});
        QCOMPARE(ids(BosPolicy::None).ids, (std::vector<std::int32_t>{h, bar}));
        QCOMPARE(ids(BosPolicy::Doubled).ids, (std::vector<std::int32_t>{0, 0, h, bar}));
        // A user who writes the token gets it once, too.
        QCOMPARE(renderer.render(std::string("<|start|>h"), {}).ids, (std::vector<std::int32_t>{0, h, bar}));
    }

    // SmolLM2 adds no BOS; its bos_token_id is <|im_start|>, which must stay where the template writes it.
    void aModelWithoutBos() {
        const RenderedPrompt once = smol().render(std::string("Hello"), {});
        QCOMPARE(smol().render(std::string("Hello"), with(BosPolicy::None)).ids, once.ids);
        QCOMPARE(codeOf([] { smol().render(std::string("Hello"), with(BosPolicy::Doubled)); }),
                 std::string("text.rendering"));
    }

    void plainText() {
        const RenderedPrompt gemma = gemmaPlain().render(std::string("hello"), {});
        QCOMPARE(gemma.ids, (std::vector<std::int32_t>{2, 23391}));
        QCOMPARE(*gemma.text, std::string("hello"));
        QCOMPARE(gemma.postInstruction, std::vector<std::int32_t>{1});
        QCOMPARE(gemmaPlain().render(std::string("hello"), with(BosPolicy::None)).ids,
                 std::vector<std::int32_t>{23391});
        QCOMPARE(gemmaPlain().render(std::string("hello"), with(BosPolicy::Doubled)).ids,
                 (std::vector<std::int32_t>{2, 2, 23391}));
        QCOMPARE(gemmaPlain().render({{"user", "hello"}}, Rendering{}).ids, gemma.ids);
        QCOMPARE(gemmaPlain().render(std::string(), {}).ids, std::vector<std::int32_t>{2});
        QCOMPARE(smol().render(std::string("hello"), with(BosPolicy::Once, true)).ids,
                 std::vector<std::int32_t>{28120});
        QCOMPARE(codeOf([] { smol().render(std::string(), with(BosPolicy::Once, true)); }),
                 std::string("text.rendering"));
        QCOMPARE(codeOf([] {
                     gemmaPlain().render({{"user", "a"}, {"user", "b"}}, Rendering{});
                 }),
                 std::string("text.rendering"));
        QCOMPARE(codeOf([] {
                     gemmaPlain().render({{"system", "a"}}, Rendering{});
                 }),
                 std::string("text.rendering"));
        QCOMPARE(codeOf([] { smol().render(std::vector<ChatMessage>{}, Rendering{}); }),
                 std::string("text.rendering"));
    }

    void givenIds() {
        const std::vector<std::int32_t> ids{5, 0, 9};
        const RenderedPrompt prompt = Renderer::given(ids, 10);
        QVERIFY(!prompt.text);
        QCOMPARE(prompt.ids, ids);
        QCOMPARE(prompt.postInstruction, std::vector<std::int32_t>{2});
        QCOMPARE(messageOf([&] { Renderer::given(ids, 9); }),
                 std::string("id 2 of the prompt is 9, the vocabulary has 9 tokens"));
        QCOMPARE(codeOf([] { Renderer::given(std::vector<std::int32_t>{-1}, 9); }), std::string("text.id"));
        QCOMPARE(codeOf([] { Renderer::given({}, 9); }), std::string("text.rendering"));
    }

    // Templates whose text depends on the content, or that print it twice.
    void awkwardTemplates() {
        TokenizerSource source = smallByteSource();
        source.chatTemplate = "{{ messages[0].content | length }}:{{ messages[0].content }}#";
        QCOMPARE(Renderer(source).render(std::string("abc"), {}).postInstruction,
                 std::vector<std::int32_t>{5});
        source.chatTemplate = "{{ messages[0].content }}-{{ messages[0].content }}##";
        QCOMPARE(Renderer(source).render(std::string("ab"), {}).postInstruction,
                 (std::vector<std::int32_t>{5, 6}));
        source.chatTemplate = "{{ messages[0].content | length }}:{{ messages[0].content | upper }}#";
        QCOMPARE(codeOf([&] { Renderer(source).render(std::string("abc"), {}); }),
                 std::string("text.rendering"));
        source.chatTemplate = "{{ messages[0].content }}"; // nothing after the content: the last token
        QCOMPARE(Renderer(source).render(std::string("ab"), {}).postInstruction,
                 std::vector<std::int32_t>{1});
    }
};

QTEST_GUILESS_MAIN(RendererTest)
#include "renderer_test.moc"
