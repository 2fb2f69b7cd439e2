#include "core/engine/checkpoint/tokenizer_source_reader.h"

#include "core/base/error.h"
#include "core/base/text.h"

namespace azimuth {
namespace {

constexpr std::size_t maximumTemplateBytes = 256 * 1024;
const std::string prefix = "tokenizer.ggml.";

class Reader {
public:
    Reader(const GgufFile& file, std::int64_t maximumTokens) : m_file(file), m_maximumTokens(maximumTokens) {}

    TokenizerSource read() {
        TokenizerSource source;
        source.rows = m_maximumTokens;
        const auto kind = m_file.text(prefix + "model");
        if (!kind || kind->empty())
            refuse("model", "is missing: the file holds no tokenizer.");
        source.kind = *kind;
        source.pre = m_file.text(prefix + "pre").value_or("");
        source.tokens = texts("tokens");
        source.merges = texts("merges");
        source.json = m_file.text("tokenizer.huggingface.json").value_or("");
        if (source.tokens.empty())
            refuse("tokens", "is missing or empty.");
        m_tokens = static_cast<std::int64_t>(source.tokens.size());
        if (m_tokens > m_maximumTokens)
            refuse("tokens", "has " + std::to_string(m_tokens) + " tokens, the embedding has " +
                                 std::to_string(m_maximumTokens) + " rows.");
        source.scores = m_file.floats(prefix + "scores").value_or(std::vector<float>{});
        checkLength("scores", source.scores.size());
        readTypes(source);
        readIds(source);
        readFlags(source);
        source.chatTemplate = m_file.text("tokenizer.chat_template");
        if (source.chatTemplate && source.chatTemplate->size() > maximumTemplateBytes)
            throw Error("checkpoint.tokenizer",
                        m_file.origin() + ": the chat template has " +
                            std::to_string(source.chatTemplate->size()) + " bytes, allowed are " +
                            std::to_string(maximumTemplateBytes) + ".",
                        "Choose another file.");
        return source;
    }

private:
    [[noreturn]] void refuse(const std::string& name, const std::string& finding) const {
        throw Error("checkpoint.tokenizer", m_file.origin() + ": " + prefix + name + " " + finding,
                    "Convert the model again.");
    }

    std::vector<std::string> texts(const std::string& name) const {
        std::vector<std::string> values;
        const auto views = m_file.texts(prefix + name);
        if (!views)
            return values;
        values.reserve(views->size());
        for (const auto view : *views) {
            if (!isValidUtf8(view))
                refuse(name, "is not UTF-8 in element " + std::to_string(values.size()) + ".");
            values.emplace_back(view);
        }
        return values;
    }

    void checkLength(const std::string& name, std::size_t length) const {
        if (length != 0 && static_cast<std::int64_t>(length) != m_tokens)
            refuse(name, "has " + std::to_string(length) + " elements, expected is one for each of " +
                             std::to_string(m_tokens) + " tokens.");
    }

    void readTypes(TokenizerSource& source) const {
        const auto types = m_file.integers(prefix + "token_type");
        if (!types)
            return;
        checkLength("token_type", types->size());
        source.tokenTypes.reserve(types->size());
        for (const auto type : *types) {
            if (type < 0 || type > 6)
                refuse("token_type", "is " + std::to_string(type) + " in element " +
                                         std::to_string(source.tokenTypes.size()) + ", allowed are 0 to 6.");
            source.tokenTypes.push_back(static_cast<std::int32_t>(type));
        }
    }

    std::int64_t id(const std::string& name) const {
        const auto key = prefix + name + "_token_id";
        // Converters write -1 or 2^32 - 1 for "none".
        const auto value = m_file.integer(key, -1, std::int64_t{0xffffffff});
        if (!value || *value == -1 || *value == std::int64_t{0xffffffff})
            return -1;
        if (*value >= m_tokens)
            refuse(name + "_token_id",
                   "is " + std::to_string(*value) + ", there are " + std::to_string(m_tokens) + " tokens.");
        return *value;
    }

    void readIds(TokenizerSource& source) const {
        source.bos = id("bos");
        source.eos = id("eos");
        source.eot = id("eot");
        source.eom = id("eom");
        source.unknown = id("unknown");
        source.padding = id("padding");
    }

    void readFlags(TokenizerSource& source) const {
        source.addBos = m_file.boolean(prefix + "add_bos_token");
        source.addEos = m_file.boolean(prefix + "add_eos_token");
        source.addSpacePrefix = m_file.boolean(prefix + "add_space_prefix");
        if (source.addBos.value_or(false) && source.bos < 0)
            refuse("add_bos_token", "is true, but there is no bos_token_id.");
    }

    const GgufFile& m_file;
    std::int64_t m_maximumTokens;
    std::int64_t m_tokens = 0;
};

} // namespace

TokenizerSource readTokenizerSource(const GgufFile& file, std::int64_t maximumTokens) {
    return Reader(file, maximumTokens).read();
}

} // namespace azimuth
