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
    return rendering;
}

} // namespace azimuth
