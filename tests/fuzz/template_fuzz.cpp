// Chat templates: a template, "----", and the user's text, through ChatTemplate and Renderer.
#include "core/base/text.h"
#include "core/engine/text/renderer.h"
#include "tests/fuzz/fuzz.h"

using namespace azimuth;
using namespace azimuth::fuzz;

namespace {

// 256 bytes and one special token.
TokenizerSource bytes() {
    TokenizerSource source;
    source.kind = "gpt2";
    source.pre = "gpt-2";
    source.tokens = {"<|start|>"};
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        source.tokens.push_back(fromCodePoints({itself ? byte : next}));
        next += itself ? 0 : 1;
    }
    source.tokens.push_back("he");
    source.merges = {"h e"};
    source.tokenTypes.assign(source.tokens.size(), 1);
    source.tokenTypes[0] = 3;
    source.bos = 0;
    source.addBos = true;
    return source;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [source, text] = parts(textOf(data, size));
    orRefused([&, source = source, text = text] {
        const std::string user(text);
        Rendering rendering;
        rendering.variables = {{"enable_thinking", false}, {"date", "2024-07-26"}, {"number", 2.5}};
        const std::vector<std::vector<ChatMessage>> chats{
            {{"user", user}},
            {{"system", "s"}, {"user", "one"}, {"assistant", "<think>a</think>b"}, {"user", user}}};
        const ChatTemplate alone(std::string(source), {{"bos_token", "<|start|>"}});
        for (const auto& chat : chats)
            orRefused([&] {
                promise(isValidUtf8(alone.render(chat, true, rendering.variables)), "rendered text is UTF-8");
            });
        if (size % 8 != 0) // a tokenizer costs more than many templates
            return;
        TokenizerSource model = bytes();
        model.chatTemplate = std::string(source);
        const Renderer renderer(model);
        for (const auto& chat : chats)
            orRefused([&] {
                const RenderedPrompt prompt = renderer.render(chat, rendering);
                promise(!prompt.ids.empty() && !prompt.postInstruction.empty(), "ids and positions");
                for (const auto at : prompt.postInstruction)
                    promise(at >= 0 && static_cast<std::size_t>(at) < prompt.ids.size(),
                            "positions of the prompt");
            });
    });
    return 0;
}
