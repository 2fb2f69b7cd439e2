#include "core/study/prompt_set.h"

#include "core/base/sha256.h"
#include "core/study/names.h"

#include <set>

namespace azimuth {

const std::vector<std::string>& promptRoleNames() {
    static const std::vector<std::string> names{"positive",      "negative", "calibration", "test-induce",
                                                "test-suppress", "neutral",  "capability"};
    return names;
}

std::string toString(PromptRole role) { return names::of(promptRoleNames(), role); }

std::optional<PromptRole> promptRoleFromString(std::string_view name) {
    return names::find<PromptRole>(promptRoleNames(), name);
}

Prompt Prompt::of(std::string text, std::string category) {
    Prompt prompt;
    prompt.id = toHex(sha256(text));
    prompt.text = std::move(text);
    prompt.category = std::move(category);
    return prompt;
}

std::string PromptSet::digest() const {
    Sha256 hash;
    for (const auto& prompt : prompts)
        hash.update(prompt.id);
    return toHex(hash.finish());
}

Json toJson(const PromptSet& set) {
    Json prompts = Json::array();
    for (const auto& prompt : set.prompts) {
        if (prompt.category.empty())
            prompts.push_back(prompt.text);
        else
            prompts.push_back({{"text", prompt.text}, {"category", prompt.category}});
    }
    return {{"source", set.source}, {"licence", set.licence}, {"prompts", prompts}};
}

PromptSet readPromptSet(PromptRole role, JsonObject& object) {
    PromptSet set;
    set.role = role;
    set.source = object.text("source", "");
    set.licence = object.text("licence", "");
    const Json list = object.any("prompts");
    if (!list.is_array() || list.empty()) {
        object.fail("prompts", "expected a list of at least one prompt");
        return set;
    }
    std::set<std::string> ids;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto& entry = list[i];
        const bool structured =
            entry.is_object() && entry.contains("text") && entry["text"].is_string() &&
            entry.size() == (entry.contains("category") && entry["category"].is_string() ? 2u : 1u);
        if (!entry.is_string() && !structured) {
            object.fail("prompts",
                        "element " + std::to_string(i) + " is neither a text nor {text, category}");
            continue;
        }
        auto prompt = entry.is_string()
                          ? Prompt::of(entry.get<std::string>())
                          : Prompt::of(entry["text"].get<std::string>(), entry.value("category", ""));
        if (prompt.text.empty())
            object.fail("prompts", "element " + std::to_string(i) + " is empty");
        else if (!ids.insert(prompt.id).second)
            object.fail("prompts", "element " + std::to_string(i) + " stands twice");
        else
            set.prompts.push_back(std::move(prompt));
    }
    return set;
}

} // namespace azimuth
