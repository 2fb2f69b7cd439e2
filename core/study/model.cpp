#include "core/study/model.h"

#include "core/base/sha256.h"

namespace azimuth {

std::string modelIdentity(const Model& model) {
    return toHex(sha256(canonicalJson({{"weights", model.weightsSha256},
                                       {"config", model.configSha256},
                                       {"tokenizer", model.tokenizerSha256},
                                       {"template", model.templateSha256},
                                       {"storage", model.storage},
                                       {"compute", toString(model.compute)}})));
}

std::string weightsDigest(const Model& model) {
    const auto& files = model.weightsSha256;
    if (files.size() <= 1)
        return files.empty() ? std::string() : files.front();
    Sha256 hash;
    for (const auto& file : files)
        hash.update(file);
    return toHex(hash.finish());
}

Json toJson(const ModelReference& reference) {
    Json json{
        {"name", reference.name}, {"find", reference.find}, {"precision", toString(reference.precision)}};
    if (reference.sha256)
        json["sha256"] = *reference.sha256;
    if (!reference.calibrate)
        json["calibrate"] = false;
    return json;
}

ModelReference readModelReference(JsonObject& object) {
    ModelReference reference;
    reference.name = object.text("name");
    reference.find = object.text("find");
    if (reference.name.empty())
        object.fail("name", "a model needs a name");
    if (reference.find.empty())
        object.fail("find", "a model needs a file or org/name to find it by");
    reference.sha256 = object.optionalText("sha256");
    if (reference.sha256 && reference.sha256->size() != 64)
        object.fail("sha256", "expected 64 hexadecimal digits");
    reference.precision = static_cast<Precision>(object.choice("precision", precisionNames()));
    reference.calibrate = object.boolean("calibrate", true);
    return reference;
}

Json toJson(const Model& model) {
    return {{"identity", model.identity},
            {"name", model.name},
            {"family", model.family},
            {"blocks", model.blocks},
            {"width", model.width},
            {"vocabulary", model.vocabulary},
            {"parameters", model.parameters},
            {"storage", model.storage},
            {"compute", toString(model.compute)},
            {"has_template", model.hasTemplate},
            {"context_length", model.contextLength},
            {"file_bytes", model.fileBytes},
            {"memory_bytes", model.memoryBytes},
            {"weights_sha256", model.weightsSha256},
            {"config_sha256", model.configSha256},
            {"tokenizer_sha256", model.tokenizerSha256},
            {"template_sha256", model.templateSha256},
            {"file_name", model.fileName}};
}

Model readModel(JsonObject& object) {
    constexpr std::int64_t many = std::int64_t{1} << 53;
    Model model;
    model.identity = object.text("identity");
    model.name = object.text("name");
    model.family = object.text("family");
    model.blocks = object.integer("blocks", 1, 1024);
    model.width = object.integer("width", 1, 65536);
    model.vocabulary = object.integer("vocabulary", 1, 1 << 24);
    model.parameters = object.integer("parameters", 0, many);
    model.storage = object.text("storage");
    model.compute = static_cast<Precision>(object.choice("compute", precisionNames()));
    model.hasTemplate = object.boolean("has_template");
    model.contextLength = object.integer("context_length", 0, many);
    model.fileBytes = static_cast<std::uint64_t>(object.integer("file_bytes", 0, many));
    model.memoryBytes = static_cast<std::uint64_t>(object.integer("memory_bytes", 0, many));
    model.weightsSha256 = object.texts("weights_sha256");
    model.configSha256 = object.text("config_sha256");
    model.tokenizerSha256 = object.text("tokenizer_sha256");
    model.templateSha256 = object.text("template_sha256");
    model.fileName = object.text("file_name");
    return model;
}

} // namespace azimuth
