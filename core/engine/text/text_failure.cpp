#include "core/engine/text/text_failure.h"

#include "core/base/error.h"

#include <array>
#include <utility>

namespace azimuth {
namespace {

std::string remedyFor(std::string_view code) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> remedies{{
        {"text.kind",
         "Use a model with a byte-level or SentencePiece BPE tokenizer, or give its tokenizer.json."},
        {"text.pre", "Give the model's tokenizer.json, or convert the model again under a known name."},
        {"text.vocabulary",
         "The file is damaged or was converted wrongly: fetch or convert the model again."},
        {"text.json", "Use the tokenizer.json that belongs to this model."},
        {"text.utf8", "Give the text as UTF-8."},
        {"text.id", "Use ids of this model's vocabulary."},
        {"text.limit", "Shorten the text, or use another chat template."},
        {"text.date", "Pin the date in the rendering's variables, e.g. {\"date\": \"2024-07-26\"}."},
        {"text.variables", "Correct the rendering's variables or the messages."},
        {"text.template.raised", "Change the messages or the rendering as the chat template asks."},
        {"text.template", "Use plain text, or a model with another chat template."},
        {"text.rendering", "Change the rendering or the prompt."},
    }};
    for (const auto& [known, remedy] : remedies)
        if (known == code)
            return std::string(remedy);
    return "Report this as a defect, with the text and the model.";
}

} // namespace

std::string takeText(AzimuthText text) {
    struct Owner {
        AzimuthText text;
        ~Owner() { azimuth_text_free(text); }
    } owner{text};
    return std::string(owner.text.data, owner.text.size);
}

void throwTextError(const std::string& code, const std::string& message) {
    throw Error(code, message, remedyFor(code));
}

void throwTextFailure(AzimuthFailure failure) {
    std::string code, message;
    try {
        code = takeText(failure.code);
    } catch (...) {
        azimuth_text_free(failure.text);
        throw;
    }
    message = takeText(failure.text);
    if (code == "text.template.raised")
        message = "The chat template refuses the messages: " + message;
    throwTextError(code, message);
}

} // namespace azimuth
