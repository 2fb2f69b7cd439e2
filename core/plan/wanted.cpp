#include "core/plan/wanted.h"

#include "core/base/error.h"
#include "core/results/sweep.h"
#include "core/results/transfer_plan.h"

#include <cstring>

namespace azimuth {

void findDirections(std::map<std::string, Direction>& directions, const ProjectView& view,
                    const std::vector<Arm>& arms) {
    std::map<std::string, bool> open;
    for (const auto& arm : arms)
        for (const auto& intervention : arm.interventions)
            if (!directions.count(intervention.direction))
                open[intervention.direction] = true;
    const auto position = view.study->sweep.position;
    for (const auto& bank : view.banks) {
        for (std::int64_t k = 0; k < bank->ks && !open.empty(); ++k) {
            if (!pointsSomewhere(*bank, position, k))
                continue;
            auto direction = directionAt(*bank, position, k);
            if (open.erase(direction.digest))
                directions.emplace(direction.digest, std::move(direction));
        }
    }
    if (!open.empty())
        throw Error("plan.direction",
                    "No bank of the project holds the direction " + open.begin()->first + ".",
                    "Extract the directions again.");
}

std::size_t DigestHash::operator()(const Digest& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

void WantedRows::add(const CompletionKeys& keys, const std::string& modelIdentity, const PromptSet& set,
                     const std::vector<Arm>& armsOfSet) {
    std::vector<std::pair<std::size_t, std::string>> places; // index and digest
    for (const auto& arm : armsOfSet) {
        const auto digest = arm.digest();
        std::size_t place = 0;
        while (place < arms.size() && arms[place].digest() != digest)
            ++place;
        if (place == arms.size())
            arms.push_back(arm);
        places.emplace_back(place, digest);
    }
    for (const auto& prompt : set.prompts) {
        for (const auto& [place, digest] : places) {
            const auto key = keys.of(modelIdentity, prompt.id, digest);
            if (index.emplace(key, rows.size()).second)
                rows.push_back({key, &prompt, place});
        }
    }
}

void addSweep(WantedRows& wanted, const ProjectView& view, const CompletionKeys& keys, const Model& model,
              const Concept& conceptValue) {
    const auto* set = conceptValue.set(PromptRole::Calibration);
    const auto* bank = view.bank(model.identity, conceptValue.name, Method::Dim);
    if (!set || !bank)
        return;
    std::vector<Arm> arms{controlArm()};
    for (auto& setting : sweepSettings(model, *bank, view.study->sweep))
        arms.push_back(std::move(setting.arm));
    findDirections(wanted.directions, view, arms);
    wanted.add(keys, model.identity, *set, arms);
}

void addEvaluation(WantedRows& wanted, const ProjectView& view, const CompletionKeys& keys,
                   const Model& model, const Concept& conceptValue) {
    const auto* set = conceptValue.set(PromptRole::TestInduce);
    if (!set)
        return;
    std::vector<Arm> arms;
    for (auto& run : transferRuns(view, *view.study, conceptValue))
        if (run.targetIdentity == model.identity)
            arms.push_back(std::move(run.arm));
    findDirections(wanted.directions, view, arms);
    wanted.add(keys, model.identity, *set, arms);
}

} // namespace azimuth
