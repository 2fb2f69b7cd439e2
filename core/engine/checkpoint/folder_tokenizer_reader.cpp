#include "core/engine/checkpoint/folder_tokenizer_reader.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/container/mapped_file.h"
#include "core/engine/checkpoint/tokenizer_json_scan.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace azimuth {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t maximumTokenizerBytes = 128 * mebibyte, maximumConfigBytes = 16 * mebibyte,
                        maximumTemplateBytes = 256 << 10;

// Defaults of the tokenizer classes of transformers; empty: none.
struct ClassDefaults {
    std::string_view tokenizerClass;
    std::array<std::string_view, 8> modelTypes; // that use the class where no class is named
    std::string_view bos, eos, unknown, padding;
};
constexpr std::string_view endOfText = "<|endoftext|>";
constexpr ClassDefaults classes[] = {
    {"GPT2Tokenizer", {"gpt2"}, endOfText, endOfText, endOfText, ""},
    {"GPTNeoXTokenizer", {"gpt_neox"}, endOfText, endOfText, endOfText, "<|padding|>"},
    {"Qwen2Tokenizer", {"qwen2", "qwen3"}, "", endOfText, endOfText, endOfText},
    {"LlamaTokenizer", {"llama", "mistral", "phi3"}, "<s>", "</s>", "<unk>", ""},
    {"GemmaTokenizer", {"gemma", "gemma2", "gemma3", "gemma3_text"}, "<bos>", "<eos>", "<unk>", "<pad>"},
};

class Reader {
public:
    Reader(const std::string& folder, std::int64_t rows) : m_folder(folder), m_rows(rows) {}

    TokenizerSource read() {
        TokenizerSource source;
        source.rows = m_rows;
        source.json = tokenizerJson();
        m_config = object("tokenizer_config.json", maximumConfigBytes).value_or(Json::object());
        m_modelConfig = object("config.json", maximumConfigBytes).value_or(Json::object());
        readSpecials(source);
        source.addBos = flag("add_bos_token");
        source.addEos = flag("add_eos_token");
        source.chatTemplate = chatTemplate();
        source.stops = stops();
        return source;
    }

private:
    std::string path(const std::string& name) const { return m_folder + "/" + name; }

    [[noreturn]] void refuse(const std::string& name, const std::string& finding,
                             const std::string& remedy = "Fetch the model again.") const {
        throw Error("checkpoint.tokenizer", path(name) + ": " + finding, remedy);
    }

    std::optional<std::string> text(const std::string& name, std::uint64_t maximumBytes) const {
        std::error_code ignored;
        if (!std::filesystem::exists(path(name), ignored))
            return std::nullopt;
        const auto bytes = stampOf(path(name)).bytes; // refuses what is no regular file
        if (bytes > maximumBytes)
            refuse(name, "has " + bytesText(bytes) + ", the limit is " + bytesText(maximumBytes) + ".");
        return readFile(path(name), maximumBytes);
    }

    std::optional<Json> object(const std::string& name, std::uint64_t maximumBytes) const {
        const auto content = text(name, maximumBytes);
        if (!content)
            return std::nullopt;
        JsonLimits limits;
        limits.maximumBytes = maximumBytes;
        Json value = parseJson(*content, path(name), limits);
        if (!value.is_object())
            refuse(name, std::string("is ") + value.type_name() + ", expected an object.");
        return value;
    }

    std::string tokenizerJson() const {
        auto content = text("tokenizer.json", maximumTokenizerBytes);
        if (content)
            return std::move(*content);
        std::string found;
        for (const char* other :
             {"tokenizer.model", "spiece.model", "vocab.json", "merges.txt", "tekken.json"})
            if (std::error_code ignored; std::filesystem::exists(path(other), ignored))
                found += (found.empty() ? "" : ", ") + std::string(other);
        refuse("tokenizer.json", found.empty() ? "is missing." : "is missing; there is " + found + ".",
               "Save the tokenizer with transformers (save_pretrained), which writes tokenizer.json.");
    }

    // A text, an object with "content" (an added token), or null.
    std::optional<std::string> specialText(const std::string& file, const std::string& key,
                                           const Json& value) const {
        if (value.is_null())
            return std::nullopt;
        const Json* content = &value;
        if (value.is_object()) {
            const auto member = value.find("content");
            if (member == value.end())
                refuse(file, key + " is an object without \"content\".");
            content = &*member;
        }
        if (!content->is_string())
            refuse(file, key + " is " + content->type_name() + ", expected a text.");
        return content->get<std::string>();
    }

    const ClassDefaults* classDefaults() const {
        const auto named = m_config.find("tokenizer_class");
        const auto modelType = m_modelConfig.find("model_type");
        for (const ClassDefaults& candidate : classes) {
            if (named != m_config.end() && named->is_string()) {
                std::string name = named->get<std::string>();
                if (name.ends_with("Fast"))
                    name.resize(name.size() - 4);
                if (name == candidate.tokenizerClass)
                    return &candidate;
            } else if (modelType != m_modelConfig.end() && modelType->is_string() &&
                       std::ranges::count(candidate.modelTypes, modelType->get<std::string>()) > 0) {
                return &candidate;
            }
        }
        return nullptr;
    }

    void readSpecials(TokenizerSource& source) const {
        const auto map = object("special_tokens_map.json", maximumConfigBytes);
        const bool overridden = map && !m_config.contains("added_tokens_decoder");
        const ClassDefaults* defaults = classDefaults();
        struct Special {
            const char* key;
            std::int64_t* id;
            std::string_view ClassDefaults::*otherwise;
        };
        const Special specials[] = {{"bos_token", &source.bos, &ClassDefaults::bos},
                                    {"eos_token", &source.eos, &ClassDefaults::eos},
                                    {"unk_token", &source.unknown, &ClassDefaults::unknown},
                                    {"pad_token", &source.padding, &ClassDefaults::padding}};
        std::map<std::string, std::string> texts;
        std::set<std::string> wanted;
        for (const Special& special : specials) {
            std::optional<std::string> said;
            if (overridden && map->contains(special.key))
                said = specialText("special_tokens_map.json", special.key, map->at(special.key));
            else if (m_config.contains(special.key))
                said = specialText("tokenizer_config.json", special.key, m_config.at(special.key));
            else if (defaults)
                said = std::string(defaults->*special.otherwise);
            if (!said || said->empty())
                continue;
            texts[special.key] = *said;
            wanted.insert(*said);
        }
        const TokenizerJsonScan scan = scanTokenizerJson(source.json, path("tokenizer.json"), wanted);
        if (scan.highestPiece >= m_rows)
            refuse("tokenizer.json",
                   "the piece \"" + forMessage(scan.highestPieceText) + "\" has the id " +
                       std::to_string(scan.highestPiece) + ", the embedding has " + std::to_string(m_rows) +
                       " rows.",
                   "Use the tokenizer.json that belongs to this model.");
        for (const Special& special : specials) {
            const auto said = texts.find(special.key);
            if (said == texts.end())
                continue;
            const auto found = scan.ids.find(said->second);
            if (found != scan.ids.end())
                *special.id = found->second;
        }
    }

    std::optional<bool> flag(const char* key) const {
        const auto member = m_config.find(key);
        if (member == m_config.end() || member->is_null())
            return std::nullopt;
        if (!member->is_boolean())
            refuse("tokenizer_config.json",
                   std::string(key) + " is " + member->type_name() + ", expected true or false.");
        return member->get<bool>();
    }

    std::optional<std::string> checkedTemplate(const std::string& name, std::string source) const {
        if (source.size() > maximumTemplateBytes)
            refuse(name, "the chat template has " + bytesText(source.size()) + ", the limit is " +
                             bytesText(maximumTemplateBytes) + ".");
        if (!isValidUtf8(source))
            refuse(name, "the chat template is not UTF-8.");
        if (source.empty())
            return std::nullopt;
        return source;
    }

    std::optional<std::string> templateOf(const std::string& name, const Json& config) const {
        const auto member = config.find("chat_template");
        if (member == config.end() || member->is_null())
            return std::nullopt;
        if (member->is_string())
            return checkedTemplate(name, member->get<std::string>());
        if (!member->is_array())
            refuse(name, std::string("chat_template is ") + member->type_name() +
                             ", expected a text or a list of named ones.");
        std::string names;
        for (const Json& entry : *member) {
            if (!entry.is_object() || !entry.contains("name") || !entry.at("name").is_string() ||
                !entry.contains("template") || !entry.at("template").is_string())
                refuse(name, "an entry of chat_template has no texts \"name\" and \"template\".");
            const std::string own = entry.at("name").get<std::string>();
            if (own == "default")
                return checkedTemplate(name, entry.at("template").get<std::string>());
            names += (names.empty() ? "" : ", ") + forMessage(own);
        }
        refuse(name,
               "no chat template is named \"default\"; there is: " + (names.empty() ? "none" : names) + ".",
               "Write the one to use into chat_template.jinja beside it.");
    }

    std::optional<std::string> chatTemplate() const {
        if (auto source = text("chat_template.jinja", maximumTemplateBytes))
            return checkedTemplate("chat_template.jinja", std::move(*source));
        if (auto source = templateOf("tokenizer_config.json", m_config))
            return source;
        const auto processor = object("chat_template.json", maximumConfigBytes);
        return processor ? templateOf("chat_template.json", *processor) : std::nullopt;
    }

    std::vector<std::int64_t> stops() const {
        const auto generation = object("generation_config.json", maximumConfigBytes);
        const std::string name = generation ? "generation_config.json" : "config.json";
        const Json& config = generation ? *generation : m_modelConfig;
        const auto member = config.find("eos_token_id");
        std::vector<std::int64_t> ids;
        if (member == config.end() || member->is_null())
            return ids;
        const Json list = member->is_array() ? *member : Json::array({*member});
        for (const Json& entry : list) {
            if (!entry.is_number_integer() || entry < 0)
                refuse(name, "eos_token_id holds " + forMessage(entry.dump()) + ", expected ids from 0.");
            if (entry < m_rows)
                ids.push_back(entry.get<std::int64_t>());
        }
        return ids;
    }

    std::string m_folder;
    std::int64_t m_rows;
    Json m_config, m_modelConfig;
};

} // namespace

TokenizerSource readTokenizerSource(const std::string& folder, std::int64_t maximumTokens) {
    return Reader(folder, maximumTokens).read();
}

} // namespace azimuth
