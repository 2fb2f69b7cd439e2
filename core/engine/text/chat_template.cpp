#include "core/engine/text/chat_template.h"

#include "core/base/text.h"
#include "core/engine/text/text_abi.h"
#include "core/engine/text/text_failure.h"

namespace azimuth {
namespace {

void checkUtf8(const std::string& text, const std::string& what) {
    if (!isValidUtf8(text))
        throwTextError("text.utf8", what + " is not UTF-8");
}

std::string messagesJson(const std::vector<ChatMessage>& messages) {
    Json array = Json::array();
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::string name = "message " + std::to_string(i);
        checkUtf8(messages[i].role, "the role of " + name);
        checkUtf8(messages[i].content, "the content of " + name);
        array.push_back({{"role", messages[i].role}, {"content", messages[i].content}});
    }
    return array.dump();
}

} // namespace

void ChatTemplate::Close::operator()(AzimuthTemplate* chatTemplate) const {
    azimuth_template_close(chatTemplate);
}

ChatTemplate::ChatTemplate(const std::string& source,
                           const std::map<std::string, std::string>& specialTokens) {
    Json tokens = Json::object();
    for (const auto& [name, text] : specialTokens) {
        checkUtf8(text, name);
        tokens[name] = text;
    }
    m_specialTokens = tokens.dump();
    AzimuthTemplate* library = nullptr;
    AzimuthFailure failure{};
    if (!azimuth_template_open(viewOf(source), &library, &failure))
        throwTextFailure(failure);
    m_library.reset(library);
}

std::string ChatTemplate::render(const std::vector<ChatMessage>& messages, bool addGenerationPrompt,
                                 const Json& variables) const {
    if (!variables.is_object())
        throwTextError("text.variables", std::string("the template variables are ") + variables.type_name() +
                                             ", not an object");
    std::string variableText;
    try {
        variableText = variables.dump();
    } catch (const Json::exception& failure) { // the only one: text that is not UTF-8
        throwTextError("text.utf8", std::string("the template variables: ") + failure.what());
    }
    const std::string messageText = messagesJson(messages);
    AzimuthText text{};
    AzimuthFailure failure{};
    if (!azimuth_template_render(m_library.get(), viewOf(messageText), viewOf(m_specialTokens),
                                 viewOf(variableText), addGenerationPrompt, &text, &failure))
        throwTextFailure(failure);
    return takeText(text);
}

} // namespace azimuth
