#include "core/engine/checkpoint/folder_identity.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/engine/checkpoint/folder_tokenizer_reader.h"

#include <array>
#include <filesystem>

namespace azimuth {
namespace {

constexpr std::array files = {"config.json",
                              "tokenizer.json",
                              "tokenizer_config.json",
                              "special_tokens_map.json",
                              "generation_config.json",
                              "chat_template.jinja",
                              "chat_template.json"};

// Notes, training, other heads, other modalities, and ids that are in the digest of the tokenizer.
constexpr std::array withoutEffect = {"_name_or_path",
                                      "architectures",
                                      "attention_dropout",
                                      "attn_pdrop",
                                      "auto_map",
                                      "boi_token_index",
                                      "bos_token_id",
                                      "classifier_dropout",
                                      "dtype",
                                      "embd_pdrop",
                                      "eoi_token_index",
                                      "eos_token_id",
                                      "hidden_dropout",
                                      "id2label",
                                      "image_token_index",
                                      "initializer_range",
                                      "label2id",
                                      "mm_tokens_per_image",
                                      "pad_token_id",
                                      "pretraining_tp",
                                      "resid_pdrop",
                                      "summary_activation",
                                      "summary_first_dropout",
                                      "summary_proj_to_labels",
                                      "summary_type",
                                      "summary_use_proj",
                                      "task_specific_params",
                                      "torch_dtype",
                                      "transformers_version",
                                      "use_cache",
                                      "vision_config"};

std::string digestOf(const Json& value) { return toHex(sha256(canonicalJson(value))); }

bool exists(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

Json idsOf(const std::vector<std::int64_t>& ids) {
    Json list = Json::array();
    for (const auto id : ids)
        list.push_back(id);
    return list;
}

} // namespace

Json configForIdentity(const Json& config) {
    Json kept = config;
    for (const char* key : withoutEffect)
        kept.erase(key);
    if (const auto inner = kept.find("text_config"); inner != kept.end() && inner->is_object())
        for (const char* key : withoutEffect)
            inner->erase(key);
    return kept;
}

MetadataDigests folderDigests(const std::string& folder, const Json& config, std::int64_t vocabulary) {
    MetadataDigests digests;
    digests.config = digestOf(configForIdentity(config));
    Json tokenizer = Json::object(), chatTemplate = Json::object();
    if (exists(folder + "/tokenizer.json")) {
        const auto source = readTokenizerSource(folder, vocabulary);
        tokenizer = {{"tokenizer.json", toHex(sha256(source.json))},
                     {"bos", source.bos},
                     {"eos", source.eos},
                     {"eot", source.eot},
                     {"eom", source.eom},
                     {"unknown", source.unknown},
                     {"padding", source.padding},
                     {"stops", idsOf(source.stops)}};
        if (source.chatTemplate)
            chatTemplate["chat_template"] = *source.chatTemplate;
    }
    digests.tokenizer = digestOf(tokenizer);
    digests.chatTemplate = digestOf(chatTemplate);
    return digests;
}

std::vector<FileStamp> folderStamps(const std::string& folder) {
    std::vector<FileStamp> stamps;
    for (const char* name : files) {
        const auto path = folder + "/" + name;
        stamps.push_back(exists(path) ? stampOf(path) : FileStamp{});
    }
    return stamps;
}

bool folderHasTemplate(const std::string& folder) {
    constexpr std::uint64_t maximumBytes = 16 << 20;
    if (exists(folder + "/chat_template.jinja") || exists(folder + "/chat_template.json"))
        return true;
    const auto path = folder + "/tokenizer_config.json";
    try {
        if (!exists(path) || stampOf(path).bytes > maximumBytes)
            return false;
        const auto text = readFile(path, maximumBytes);
        if (text.find("\"chat_template\"") == std::string::npos)
            return false;
        const auto config = parseJson(text, path, {maximumBytes, 64});
        return config.is_object() && config.contains("chat_template") && !config["chat_template"].is_null();
    } catch (const Error&) {
        return false;
    }
}

} // namespace azimuth
