#include "core/study/concept.h"

#include <set>

namespace azimuth {

const PromptSet* Concept::set(PromptRole role) const {
    const auto found = sets.find(role);
    return found == sets.end() ? nullptr : &found->second;
}

Json toJson(const Concept& value) {
    Json prompts = Json::object();
    for (const auto& [role, set] : value.sets)
        prompts[toString(role)] = toJson(set);
    return {{"name", value.name},
            {"description", value.description},
            {"prompts", prompts},
            {"outcomes", {{"induce", toJson(value.induce)}}}};
}

namespace {

void refuseShared(JsonObject& object, const Concept& value, PromptRole a, PromptRole b) {
    const auto *first = value.set(a), *second = value.set(b);
    if (!first || !second)
        return;
    std::set<std::string> ids;
    for (const auto& prompt : first->prompts)
        ids.insert(prompt.id);
    for (const auto& prompt : second->prompts)
        if (ids.count(prompt.id))
            return object.fail("prompts", "\"" + prompt.text.substr(0, 60) + "\" is in both " + toString(a) +
                                              " and " + toString(b));
}

} // namespace

Concept readConcept(JsonObject& object) {
    Concept value;
    value.name = object.text("name");
    if (value.name.empty())
        object.fail("name", "a concept needs a name");
    value.description = object.text("description", "");
    object.members("prompts", [&](const std::string& name, JsonObject& inner) {
        const auto role = promptRoleFromString(name);
        if (!role) {
            object.fail("prompts",
                        "\"" + name +
                            "\" is no role; known are positive, negative, calibration, test-induce, "
                            "test-suppress, neutral, capability");
            inner.any("prompts", false), inner.text("source", ""), inner.text("licence", "");
            return;
        }
        value.sets[*role] = readPromptSet(*role, inner);
    });
    for (const auto role : {PromptRole::Positive, PromptRole::Negative})
        if (!value.set(role))
            object.fail("prompts", "the set " + toString(role) + " is missing");
    refuseShared(object, value, PromptRole::Positive, PromptRole::Negative);
    // Calibrating on the prompts that are evaluated would make the rates look better than they are.
    refuseShared(object, value, PromptRole::Calibration, PromptRole::TestInduce);
    object.object("outcomes", [&](JsonObject& outcomes) {
        outcomes.object("induce", [&](JsonObject& judge) { value.induce = readJudge(judge); });
    });
    return value;
}

} // namespace azimuth
