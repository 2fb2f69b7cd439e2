// A model's chat template, rendered as transformers' apply_chat_template does: Jinja2 with trim_blocks,
// lstrip_blocks and loop controls, Python's tojson, raise_exception, {% generation %} ignored. The template
// sees messages, add_generation_prompt, the special tokens, tools and documents (none unless given) and the
// variables; nothing of this machine.
//
// No clock: strftime_now exists only if the variable `date` ("2024-07-26", "2024-07-26T13:05:00") pins it. A
// template that falls back on a fixed date does so; one that insists fails with text.date. So a rendering
// means the same text for ever. Limits: template 256 KiB, 10 million steps, output 16 MiB. Immutable: any
// thread may render. Errors: text.template (with the line), text.template.raised (the template's own words),
// text.variables, text.date, text.limit, text.utf8.
#pragma once

#include "core/base/json.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

struct AzimuthTemplate;

namespace azimuth {

struct ChatMessage {
    std::string role; // "system", "user", "assistant" or what the template knows
    std::string content;
    friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

class ChatTemplate {
public:
    // specialTokens: variable names to texts, e.g. {"bos_token", "<bos>"}; template variables of the same
    // name win.
    ChatTemplate(const std::string& source, const std::map<std::string, std::string>& specialTokens);

    // variables: a JSON object.
    std::string render(const std::vector<ChatMessage>& messages, bool addGenerationPrompt,
                       const Json& variables) const;

private:
    struct Close {
        void operator()(AzimuthTemplate* chatTemplate) const;
    };
    std::unique_ptr<AzimuthTemplate, Close> m_library;
    std::string m_specialTokens; // JSON
};

} // namespace azimuth
