// How a prompt becomes token ids; data, part of every result key. A model without a chat template is always read plain.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <optional>
#include <string>

namespace azimuth {

enum class BosPolicy { Once, None, Doubled }; // doubled only to reproduce what others did

struct Rendering {
    std::optional<std::string> system; // system text; nothing: the template's own default
    Json variables = Json::object(); // template variables, e.g. {"enable_thinking": false, "date_string": "26 Jul 2024"}
    std::string assistantPrefix; // appended after the generation prompt
    BosPolicy bos = BosPolicy::Once;
    bool plain = false; // no template even where the model has one

    friend bool operator==(const Rendering&, const Rendering&) = default;
};

Json toJson(const Rendering& rendering);
Rendering readRendering(JsonObject& object);

} // namespace azimuth
