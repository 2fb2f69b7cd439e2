// From a prompt to the token ids that a model reads, by a Rendering (contracts: worker verbs).
//
// With a chat template: system text of the rendering, the messages, the generation prompt, the assistant
// prefix. Without one, or with rendering.plain: the text itself with the BOS and EOS that the model adds.
//
// BOS, for a model that uses one: Once gives exactly one in front, whether the template writes it or not;
// None gives none; Doubled gives two, as tools do that add one to rendered text. A model uses BOS if its
// tokenizer adds it or its template writes it; others have none to double (error), and nothing is changed for
// them.
//
// postInstruction: absolute indices of the tokens that start at or after the end of the last user content in
// the rendered text, so they are the template's own, ascending. Only the last token for plain text and for
// given ids.
//
// Immutable: any thread may render. Errors: text.rendering for what cannot be rendered together, and those of
// Tokenizer and ChatTemplate.
#pragma once

#include "core/engine/text/chat_template.h"
#include "core/engine/text/tokenizer.h"
#include "core/study/rendering.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace azimuth {

struct RenderedPrompt {
    // What ids encode, without the tokens added at the ends; nothing for given ids.
    std::optional<std::string> text;
    std::vector<std::int32_t> ids;             // never empty
    std::vector<std::int32_t> postInstruction; // never empty
};

class Renderer {
public:
    explicit Renderer(const TokenizerSource& source);

    const Tokenizer& tokenizer() const { return m_tokenizer; }
    bool hasTemplate() const { return m_template.has_value(); }

    // One user message, or plain.
    RenderedPrompt render(const std::string& text, const Rendering& rendering) const;
    // Plain only if it is one user message.
    RenderedPrompt render(const std::vector<ChatMessage>& messages, const Rendering& rendering) const;
    // Used untouched. vocabulary: rows of the model's embedding; ids are 0 .. vocabulary - 1.
    static RenderedPrompt given(std::span<const std::int32_t> ids, std::int64_t vocabulary);

private:
    RenderedPrompt renderPlain(const std::string& text, const Rendering& rendering) const;
    // End of the last user content in `text`, which is the template's rendering of messages; nothing without
    // a user message.
    std::optional<std::size_t> contentEnd(const std::vector<ChatMessage>& messages, const std::string& text,
                                          const Rendering& rendering) const;
    std::string templateText(const std::vector<ChatMessage>& messages, const Rendering& rendering) const;
    void applyBos(BosPolicy policy, Encoding& encoding, std::string& text) const;

    Tokenizer m_tokenizer;
    std::optional<ChatTemplate> m_template;
    bool m_usesBos = false;
};

} // namespace azimuth
