#include "core/engine/text/renderer.h"

#include "core/base/text.h"
#include "core/engine/text/text_failure.h"

#include <algorithm>

namespace azimuth {
namespace {

std::map<std::string, std::string> specialTokens(const Tokenizer& tokenizer) {
    std::map<std::string, std::string> texts;
    const std::pair<const char*, std::optional<std::int32_t>> named[] = {{"bos_token", tokenizer.bos()},
                                                                         {"eos_token", tokenizer.eos()},
                                                                         {"unk_token", tokenizer.unknown()},
                                                                         {"pad_token", tokenizer.padding()}};
    for (const auto& [name, id] : named)
        if (id)
            texts[name] = tokenizer.tokenText(*id);
    return texts;
}

// A text that occurs nowhere in the messages.
std::string markerFor(const std::vector<ChatMessage>& messages) {
    for (int number = 0;; ++number) {
        std::string marker = "azimuth-content-" + std::to_string(number) + "-end";
        const bool free = std::ranges::none_of(messages, [&](const ChatMessage& message) {
            return message.content.find(marker) != std::string::npos ||
                   message.role.find(marker) != std::string::npos;
        });
        if (free)
            return marker;
    }
}

std::size_t lastUser(const std::vector<ChatMessage>& messages) {
    for (std::size_t i = messages.size(); i-- > 0;)
        if (messages[i].role == "user")
            return i;
    return messages.size();
}

RenderedPrompt lastOnly(std::optional<std::string> text, std::vector<std::int32_t> ids) {
    if (ids.empty())
        throwTextError("text.rendering", "the prompt has no tokens");
    const auto last = static_cast<std::int32_t>(ids.size() - 1);
    return {std::move(text), std::move(ids), {last}};
}

} // namespace

Renderer::Renderer(const TokenizerSource& source) : m_tokenizer(Tokenizer::from(source)) {
    m_usesBos = m_tokenizer.bos() && m_tokenizer.addsBos();
    if (!source.chatTemplate)
        return;
    m_template.emplace(*source.chatTemplate, specialTokens(m_tokenizer));
    if (m_tokenizer.bos() && source.chatTemplate->find("bos_token") != std::string::npos)
        m_usesBos = true;
}

RenderedPrompt Renderer::given(std::span<const std::int32_t> ids, std::int64_t vocabulary) {
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (ids[i] < 0 || ids[i] >= vocabulary)
            throwTextError("text.id", "id " + std::to_string(i) + " of the prompt is " +
                                          std::to_string(ids[i]) + ", the vocabulary has " +
                                          std::to_string(vocabulary) + " tokens");
    return lastOnly(std::nullopt, {ids.begin(), ids.end()});
}

RenderedPrompt Renderer::render(const std::string& text, const Rendering& rendering) const {
    if (!m_template || rendering.plain)
        return renderPlain(text, rendering);
    return render(std::vector<ChatMessage>{{"user", text}}, rendering);
}

RenderedPrompt Renderer::renderPlain(const std::string& text, const Rendering& rendering) const {
    if (rendering.system)
        throwTextError("text.rendering",
                       rendering.plain
                           ? "a plain rendering has no place for a system text"
                           : "the model has no chat template, so there is no place for a system text");
    std::string whole = text + rendering.assistantPrefix;
    Encoding encoding = m_tokenizer.encodeWithSpans(whole, true);
    applyBos(rendering.bos, encoding, whole);
    return lastOnly(std::move(whole), std::move(encoding.ids));
}

std::string Renderer::templateText(const std::vector<ChatMessage>& messages,
                                   const Rendering& rendering) const {
    return m_template->render(messages, true, rendering.variables) + rendering.assistantPrefix;
}

// The template is rendered again with a marker as the content: what follows the marker follows the content.
// Searching for the content itself would be wrong where the template's own text repeats it ("user", "a", an
// empty prompt).
std::optional<std::size_t> Renderer::contentEnd(const std::vector<ChatMessage>& messages,
                                                const std::string& text, const Rendering& rendering) const {
    const std::size_t at = lastUser(messages);
    if (at == messages.size())
        return std::nullopt;
    std::vector<ChatMessage> marked = messages;
    const std::string marker = markerFor(messages);
    marked[at].content = marker;
    const std::string probe = templateText(marked, rendering);
    if (const std::size_t found = probe.rfind(marker); found != std::string::npos) {
        const std::string_view before = std::string_view(probe).substr(0, found);
        const std::string_view after = std::string_view(probe).substr(found + marker.size());
        if (before.size() + after.size() <= text.size() && text.starts_with(before) && text.ends_with(after))
            return text.size() - after.size();
    }
    // A template whose own text depends on the content.
    const std::string_view content = trimmedView(messages[at].content);
    if (const std::size_t found = text.rfind(content); !content.empty() && found != std::string::npos)
        return found + content.size();
    throwTextError("text.rendering", "the chat template changes the user's text \"" +
                                         forMessage(messages[at].content) +
                                         "\", so the end of the instruction cannot be located");
}

RenderedPrompt Renderer::render(const std::vector<ChatMessage>& messages, const Rendering& rendering) const {
    if (messages.empty())
        throwTextError("text.rendering", "the prompt has no messages");
    if (!m_template || rendering.plain) {
        if (messages.size() != 1 || messages.front().role != "user")
            throwTextError("text.rendering",
                           std::string(m_template ? "a plain rendering" : "a model without a chat template") +
                               " takes one user message, the prompt has " + std::to_string(messages.size()) +
                               ", the first of role \"" + forMessage(messages.front().role) + "\"");
        return renderPlain(messages.front().content, rendering);
    }
    std::vector<ChatMessage> conversation = messages;
    if (rendering.system) {
        if (messages.front().role == "system")
            throwTextError("text.rendering",
                           "the rendering has a system text \"" + forMessage(*rendering.system) +
                               "\" and the prompt its own \"" + forMessage(messages.front().content) + "\"");
        conversation.insert(conversation.begin(), ChatMessage{"system", *rendering.system});
    }
    std::string text = templateText(conversation, rendering);
    const std::optional<std::size_t> end = contentEnd(conversation, text, rendering);
    Encoding encoding = m_tokenizer.encodeWithSpans(text, false);
    applyBos(rendering.bos, encoding, text);

    RenderedPrompt prompt = lastOnly(std::move(text), std::move(encoding.ids));
    if (!end)
        return prompt;
    std::vector<std::int32_t> after;
    for (std::size_t i = 0; i < encoding.spans.size(); ++i)
        if (encoding.spans[i].begin >= *end)
            after.push_back(static_cast<std::int32_t>(i));
    if (!after.empty())
        prompt.postInstruction = std::move(after);
    return prompt;
}

// Spans keep counting bytes of the text before the cut.
void Renderer::applyBos(BosPolicy policy, Encoding& encoding, std::string& text) const {
    if (!m_usesBos) {
        if (policy == BosPolicy::Doubled)
            throwTextError("text.rendering", "the model uses no BOS token, so it cannot be doubled");
        return;
    }
    const std::int32_t bos = *m_tokenizer.bos();
    const auto firstOther = std::ranges::find_if(encoding.ids, [bos](std::int32_t id) { return id != bos; });
    const auto present = static_cast<std::size_t>(firstOther - encoding.ids.begin());
    std::size_t wanted = 0;
    if (policy == BosPolicy::Doubled)
        wanted = 2;
    if (policy == BosPolicy::Once)
        wanted = m_tokenizer.addsBos() ? 1 : std::min<std::size_t>(present, 1);
    if (present > wanted) {
        const std::size_t dropped = present - wanted;
        std::size_t bytes =
            0; // of the text that stood for the dropped ones; tokens added by the tokenizer have none
        for (std::size_t i = 0; i < dropped; ++i)
            bytes += encoding.spans[i].end - encoding.spans[i].begin;
        encoding.ids.erase(encoding.ids.begin(), encoding.ids.begin() + static_cast<std::ptrdiff_t>(dropped));
        encoding.spans.erase(encoding.spans.begin(),
                             encoding.spans.begin() + static_cast<std::ptrdiff_t>(dropped));
        text.erase(0, bytes);
    } else if (present < wanted) {
        encoding.ids.insert(encoding.ids.begin(), wanted - present, bos);
        encoding.spans.insert(encoding.spans.begin(), wanted - present, TokenSpan{0, 0});
    }
}

} // namespace azimuth
