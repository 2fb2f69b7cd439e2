#include "core/study/rendering.h"

namespace azimuth {
namespace {
const std::vector<std::string> bosNames{"once", "none", "doubled"};
}

Json toJson(const Rendering& rendering) {
    Json json{{"variables", rendering.variables},
              {"assistant_prefix", rendering.assistantPrefix},
              {"bos", bosNames[static_cast<std::size_t>(rendering.bos)]},
              {"plain", rendering.plain}};
    if (rendering.system)
        json["system"] = *rendering.system;
    return json;
}

Rendering readRendering(JsonObject& object) {
    Rendering rendering;
    rendering.system = object.optionalText("system");
    if (object.has("variables")) {
        rendering.variables = object.any("variables");
        if (!rendering.variables.is_object()) {
            object.fail("variables", "expected an object");
            rendering.variables = Json::object();
        }
    }
    rendering.assistantPrefix = object.text("assistant_prefix", "");
    rendering.bos = static_cast<BosPolicy>(object.choice("bos", bosNames, 0));
    rendering.plain = object.boolean("plain", false);
    if (rendering.plain && rendering.system)
        object.fail("system", "a plain rendering has no place for a system text");
    for (const char* name : {"messages", "add_generation_prompt"})
        if (rendering.variables.contains(name))
            object.fail("variables", "\"" + std::string(name) + "\" is set by the prompt");
    if (const auto date = rendering.variables.find("date");
        date != rendering.variables.end() && !date->is_string())
        object.fail("variables", std::string("\"date\" is ") + date->type_name() +
                                     ", expected a text like \"2024-07-26\"");
    return rendering;
}

Rendering readRenderingFile(const std::string& path) {
    JsonReader reader(readJsonFile(path, {.maximumBytes = std::uint64_t{1} << 20}), path, "rendering", 1);
    const Rendering rendering = readRendering(reader.root());
    reader.finish();
    return rendering;
}

} // namespace azimuth
