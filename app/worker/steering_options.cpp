#include "app/worker/steering_options.h"

#include "app/worker/direction_file.h"
#include "core/container/safetensors.h"
#include "core/study/direction.h"

namespace azimuth::worker {

namespace {
template <class T> T named(const std::string& name) { // the command line has checked that there is one
    for (int i = 0; i < 8; ++i)
        if (toString(static_cast<T>(i)) == name)
            return static_cast<T>(i);
    return T{};
}
} // namespace

Error usage(const std::string& verb, const std::string& text) {
    return Error("usage", text, "See azimuth-worker " + verb + " --help.");
}

void checkSteering(const SteeringOptions& how, const std::string& verb) {
    const bool any = !how.operation.empty() || how.strength || how.kFrom || how.kTo || how.raw ||
                     !how.scope.empty() || !how.site.empty();
    if (how.direction.empty()) {
        if (any)
            throw usage(verb,
                        "--op, --strength, --k-from, --k-to, --raw, --scope and --site need --direction.");
        return;
    }
    if (how.operation.empty() || !how.kFrom || !how.kTo)
        throw usage(verb, "--direction needs --op, --k-from and --k-to.");
    if (*how.kFrom < 0 || *how.kTo < *how.kFrom)
        throw usage(verb, "--k-from " + std::to_string(*how.kFrom) + " --k-to " + std::to_string(*how.kTo) +
                              ": expected 0 <= k-from <= k-to.");
    if (how.operation == "ablate" && (how.strength || how.raw))
        throw usage(verb, "--op ablate takes neither --strength nor --raw.");
    if (how.operation != "ablate" && !how.strength)
        throw usage(verb, "--op " + how.operation + " needs --strength.");
}

Arm steeringArm(const SteeringOptions& how, const std::string& folder,
                std::map<std::string, std::string>& blobs) {
    Arm arm;
    if (how.direction.empty()) {
        arm.name = "control";
        return arm;
    }
    const auto given = readDirectionFile(how.direction);
    Intervention intervention;
    intervention.operation = named<Operation>(how.operation);
    intervention.direction = directionDigest(given.unit);
    intervention.kFrom = *how.kFrom;
    intervention.kTo = *how.kTo;
    if (!how.scope.empty())
        intervention.scope = named<TokenScope>(how.scope);
    if (!how.site.empty())
        intervention.site = named<Site>(how.site);
    if (how.strength)
        intervention.strength = how.raw ? *how.strength * given.norm : *how.strength;
    blobs[intervention.direction] = writeDirectionBlob(folder, given.unit);
    arm.name = how.operation;
    arm.interventions.push_back(intervention);
    return arm;
}

} // namespace azimuth::worker
