// How a prompt becomes token ids; data, part of every result key. A model without a chat template is always
// read plain. Reading refuses what could never be rendered: a system text in plain text, variables that the
// prompt itself sets, a date that is no text.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <optional>
#include <string>

namespace azimuth {

enum class BosPolicy { Once, None, Doubled }; // doubled only to reproduce what others did

struct Rendering {
    std::optional<std::string> system; // system text; nothing: the template's own default
    // Template variables, e.g. {"enable_thinking": false, "date_string": "26 Jul 2024"}. "date" ("2024-07-26")
    // pins what a template that asks for today gets.
    Json variables = Json::object();
    std::string assistantPrefix; // appended after the generation prompt
    BosPolicy bos = BosPolicy::Once;
    bool plain = false; // no template even where the model has one

    friend bool operator==(const Rendering&, const Rendering&) = default;
};

Json toJson(const Rendering& rendering);
Rendering readRendering(JsonObject& object);
// A file {"azimuth": "rendering", "version": 1, ...} with the members of a study's rendering. Error json.*,
// file.*.
Rendering readRenderingFile(const std::string& path);

} // namespace azimuth
