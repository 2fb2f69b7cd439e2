#include "core/study/intervention.h"

#include "core/base/sha256.h"
#include "core/study/names.h"

#include <algorithm>

namespace azimuth {
namespace {
const std::vector<std::string> operationNames{"add", "ablate", "affine"};
const std::vector<std::string> scopeNames{"all", "prompt", "generated", "last-prompt-token-on"};
const std::vector<std::string> siteNames{"resid", "resid_mid", "attn_out", "mlp_out"};
} // namespace

std::string toString(Operation operation) { return names::of(operationNames, operation); }
std::string toString(TokenScope scope) { return names::of(scopeNames, scope); }
std::string toString(Site site) { return names::of(siteNames, site); }

std::optional<Site> siteFromText(std::string_view text) {
    const auto found = std::ranges::find(siteNames, text);
    if (found == siteNames.end())
        return std::nullopt;
    return static_cast<Site>(found - siteNames.begin());
}

std::string knownSites() {
    std::string list;
    for (const auto& name : siteNames)
        list += (list.empty() ? "" : ", ") + name;
    return list;
}

Json toJson(const Intervention& intervention) {
    Json json{{"operation", toString(intervention.operation)},
              {"direction", intervention.direction},
              {"k_from", intervention.kFrom},
              {"k_to", intervention.kTo},
              {"scope", toString(intervention.scope)},
              {"site", toString(intervention.site)}};
    if (intervention.operation != Operation::Ablate)
        json["strength"] = intervention.strength;
    return json;
}

Intervention readIntervention(JsonObject& object) {
    Intervention intervention;
    intervention.operation = static_cast<Operation>(object.choice("operation", operationNames));
    intervention.direction = object.text("direction");
    if (intervention.direction.size() != 64)
        object.fail("direction", "expected a digest of 64 hexadecimal digits");
    intervention.kFrom = object.integer("k_from", 0, 1024);
    intervention.kTo = object.integer("k_to", 0, 1024);
    if (intervention.kTo < intervention.kFrom)
        object.fail("k_to", "is below k_from: " + std::to_string(intervention.kTo) + " < " +
                                std::to_string(intervention.kFrom));
    intervention.scope = static_cast<TokenScope>(object.choice("scope", scopeNames, 0));
    intervention.site = static_cast<Site>(object.choice("site", siteNames, 0));
    if (intervention.operation == Operation::Ablate) {
        if (object.has("strength"))
            object.fail("strength", "ablate has no strength");
        object.any("strength", false);
    } else {
        intervention.strength = object.number("strength");
    }
    return intervention;
}

namespace {
Json interventionsJson(const Arm& arm) {
    Json list = Json::array();
    for (const auto& intervention : arm.interventions)
        list.push_back(toJson(intervention));
    return list;
}
} // namespace

std::string Arm::digest() const { return toHex(sha256(canonicalJson(interventionsJson(*this)))); }

Json toJson(const Arm& arm) { return {{"name", arm.name}, {"interventions", interventionsJson(arm)}}; }

Arm readArm(JsonObject& object) {
    Arm arm;
    arm.name = object.text("name");
    object.each("interventions",
                [&](JsonObject& inner) { arm.interventions.push_back(readIntervention(inner)); });
    return arm;
}

} // namespace azimuth
