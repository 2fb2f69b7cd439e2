// Tokenizers from metadata that lies, and texts. The input is a tokenizer.json, or a vocabulary of lines
// ("gpt2 pre", tokens, "--", merges or scores), then "----", then a text.
#include "core/base/text.h"
#include "core/engine/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

#include <cstring>

using namespace azimuth;
using namespace azimuth::fuzz;

namespace {

std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        all.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

TokenizerSource sourceOf(std::string_view text) {
    TokenizerSource source;
    if (text.starts_with('{')) {
        source.json = text;
        source.bos = 0;
        return source;
    }
    const auto all = lines(text);
    std::size_t at = 0;
    if (!all.empty()) {
        const auto blank = std::min(all[0].find(' '), all[0].size());
        source.kind = all[0].substr(0, blank);
        source.pre = all[0].substr(std::min(blank + 1, all[0].size()));
    }
    for (at = 1; at < all.size() && all[at] != "--"; ++at) {
        source.tokens.push_back(all[at]);
        const bool special = all[at].starts_with("<|") || all[at] == "<s>";
        const bool byte = all[at].starts_with("<0x");
        source.tokenTypes.push_back(special ? 3 : byte ? 6 : all[at].starts_with("<unk") ? 2 : 1);
    }
    for (++at; at < all.size(); ++at)
        source.merges.push_back(all[at]);
    if (source.kind == "llama") {
        source.unknown = 0;
        for (std::size_t i = 0; i < source.tokens.size(); ++i)
            source.scores.push_back(i < source.merges.size() ? std::strtof(source.merges[i].c_str(), nullptr)
                                                             : -static_cast<float>(i));
        source.merges.clear();
    }
    source.addBos = source.tokens.size() % 2 == 0;
    source.bos = source.tokens.empty() ? -1 : 0;
    return source;
}

void check(const Tokenizer& tokenizer, std::string_view text) {
    for (const bool special : {false, true}) {
        const Encoding encoding = tokenizer.encodeWithSpans(text, special);
        promise(encoding.ids.size() == encoding.spans.size(), "a span for each id");
        for (const auto id : encoding.ids)
            promise(id >= 0 && id < tokenizer.vocabularySize(), "ids of the vocabulary");
        for (const auto& span : encoding.spans)
            promise(span.begin <= span.end && span.end <= text.size(), "spans of the text");
        promise(isValidUtf8(tokenizer.decode(encoding.ids, special)), "decoded text is UTF-8");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [vocabulary, text] = parts(textOf(data, size));
    orRefused([&, vocabulary = vocabulary, text = text] {
        const Tokenizer tokenizer = Tokenizer::from(sourceOf(vocabulary));
        orRefused([&] { check(tokenizer, text); });
        orRefused([&] { check(tokenizer, "a \n<s> é"); });
    });
    return 0;
}
