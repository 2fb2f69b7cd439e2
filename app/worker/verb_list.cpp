#include "app/worker/verbs.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/units.h"
#include "core/container/gguf_file.h"
#include "core/protocol/search_folders.h"

#include <filesystem>

namespace azimuth::worker {

namespace {
// What a file's header says; nothing is hashed, so there is no identity here.
Json headerOf(const std::string& path) {
    Json out = {{"path", path}, {"file_name", std::filesystem::path(path).filename().string()}};
    try {
        const auto file = GgufFile::open(path);
        const auto family = file.text("general.architecture").value_or("");
        const auto number = [&](const char* key) { return file.integer(family + "." + key, 1, INT32_MAX); };
        const auto blocks = number("block_count"), width = number("embedding_length");
        const auto fileType = file.integer("general.file_type", 0, INT32_MAX);
        out["architecture"] = family;
        out["blocks"] = blocks ? Json(*blocks) : Json();
        out["width"] = width ? Json(*width) : Json();
        out["storage"] = fileType ? Json("dequantised " + ggufFileTypeName(*fileType)) : Json();
        out["has_template"] = file.find("tokenizer.chat_template") != nullptr;
        out["file_bytes"] = file.fileBytes();
    } catch (const Error& error) {
        out["problem"] = error.message();
    }
    return out;
}

std::string field(const Json& model, const char* key) {
    if (!model.contains(key) || model[key].is_null())
        return "?";
    return model[key].is_string() ? model[key].get<std::string>() : model[key].dump();
}
} // namespace

void listModels(bool asJson, int output) {
    const std::vector<std::string> folders{modelCacheFolder(), huggingFaceFolder()};
    Json models = Json::array();
    for (const auto& path : findModelFiles(folders))
        models.push_back(headerOf(path));
    if (asJson)
        return print(output, prettyJson(Json::object({{"folders", folders}, {"models", models}})));
    std::string text;
    for (const auto& model : models) {
        text += field(model, "path") + "\n    ";
        if (model.contains("problem"))
            text += field(model, "problem") + "\n";
        else
            text += field(model, "architecture") + ", L " + field(model, "blocks") + ", d " +
                    field(model, "width") + ", " + field(model, "storage") + ", " +
                    bytesText(model["file_bytes"].get<std::uint64_t>()) +
                    (model["has_template"].get<bool>() ? ", template\n" : ", no template\n");
    }
    if (models.empty())
        text = "No models in " + folders[0] + " or " + folders[1] + ".\n";
    print(output, text);
}

} // namespace azimuth::worker
