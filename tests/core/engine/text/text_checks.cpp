#include "tests/core/engine/text/text_checks.h"

#include "core/container/gguf_file.h"
#include "core/engine/checkpoint/tokenizer_source_reader.h"

namespace azimuth::checks {
namespace {

TokenizerSource sourceOf(const std::string& file) {
    const GgufFile gguf = GgufFile::open(std::string(AZIMUTH_CACHE_DIR) + "/models/" + file);
    TokenizerSource source = readTokenizerSource(gguf, 1 << 20);
    source.rows = static_cast<std::int64_t>(source.tokens.size());
    return source;
}

// GPT-2's letters for bytes: printable ones stand for themselves, the others follow from U+0100.
std::vector<std::string> byteLetters() {
    std::vector<std::string> letters;
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        const unsigned code = itself ? byte : next++;
        if (code < 0x80)
            letters.emplace_back(1, static_cast<char>(code));
        else
            letters.push_back(
                {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))});
    }
    return letters;
}

} // namespace

const Json& tokenFixtures() {
    static const Json fixtures =
        readJsonFile(std::string(AZIMUTH_SOURCE_DIR) + "/tests/core/engine/text/token_fixtures.json");
    return fixtures;
}

const TokenizerSource& smolSource() {
    static const TokenizerSource source = sourceOf("SmolLM2-135M-Instruct.Q4_1.gguf");
    return source;
}

const TokenizerSource& gemmaSource() {
    static const TokenizerSource source = sourceOf("gemma-3-270m.Q4_K_M.gguf");
    return source;
}

const Tokenizer& smolTokenizer() {
    static const Tokenizer tokenizer = Tokenizer::from(smolSource());
    return tokenizer;
}

const Tokenizer& gemmaTokenizer() {
    static const Tokenizer tokenizer = Tokenizer::from(gemmaSource());
    return tokenizer;
}

TokenizerSource smallByteSource() {
    TokenizerSource source;
    source.kind = "gpt2";
    source.pre = "gpt-2";
    source.tokens = {"<|start|>", "<|end|>"};
    for (const std::string& letter : byteLetters())
        source.tokens.push_back(letter);
    source.tokens.insert(source.tokens.end(), {"he", "ll", "llo", "hello", "Ġhello"});
    source.merges = {"h e", "l l", "ll o", "he llo", "Ġ hello"};
    source.tokenTypes.assign(source.tokens.size(), 1);
    source.tokenTypes[0] = source.tokenTypes[1] = 3;
    source.bos = 0;
    source.eos = 1;
    return source;
}

TokenizerSource smallPieceSource() {
    TokenizerSource source;
    source.kind = "llama";
    source.tokens = {"<unk>", "<s>", "</s>"};
    source.scores = {0, 0, 0};
    source.tokenTypes = {2, 3, 3};
    const char* digits = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte) {
        source.tokens.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
        source.scores.push_back(0);
        source.tokenTypes.push_back(6);
    }
    const std::pair<const char*, float> pieces[] = {{"▁", -10},  {"a", -11}, {"b", -12}, {"aa", -1},
                                                    {"aaa", -2}, {"ab", -3}, {"▁a", -4}, {"ba", -3}};
    for (const auto& [piece, score] : pieces) {
        source.tokens.emplace_back(piece);
        source.scores.push_back(score);
        source.tokenTypes.push_back(1);
    }
    source.unknown = 0;
    source.bos = 1;
    source.eos = 2;
    return source;
}

std::vector<ChatMessage> messagesOf(const Json& pairs) {
    std::vector<ChatMessage> messages;
    for (const Json& pair : pairs)
        messages.push_back({pair.at(0).get<std::string>(), pair.at(1).get<std::string>()});
    return messages;
}

std::vector<std::int32_t> idsOf(const Json& array) { return array.get<std::vector<std::int32_t>>(); }

std::string shown(const std::vector<std::int32_t>& ids) {
    std::string text;
    for (std::size_t i = 0; i < ids.size() && i < 24; ++i)
        text += std::to_string(ids[i]) + " ";
    return text + "(" + std::to_string(ids.size()) + ")";
}

} // namespace azimuth::checks
