#include "core/study/project_view.h"

#include "core/study/names.h"

namespace azimuth {
namespace {
const std::vector<std::string> stateNames{"done", "failed", "cancelled"};
}

std::string toString(JobState state) { return names::of(stateNames, state); }
std::optional<JobState> jobStateFromString(std::string_view name) {
    return names::find<JobState>(stateNames, name);
}

const Model* ProjectView::model(const std::string& name) const {
    for (std::size_t i = 0; i < study->models.size() && i < modelIdentities.size(); ++i)
        if (study->models[i].name == name)
            return modelByIdentity(modelIdentities[i]);
    return nullptr;
}

const Model* ProjectView::modelByIdentity(const std::string& identity) const {
    for (const auto& model : models)
        if (model->identity == identity)
            return model.get();
    return nullptr;
}

const DirectionBank* ProjectView::bank(const std::string& modelIdentity, const std::string& conceptName,
                                       Method method) const {
    for (auto it = banks.rbegin(); it != banks.rend(); ++it)
        if ((*it)->modelIdentity == modelIdentity && (*it)->conceptName == conceptName &&
            (*it)->method == method)
            return it->get();
    return nullptr;
}

const Arm* ProjectView::arm(const std::string& digest) const {
    for (const auto& arm : arms)
        if (arm->digest() == digest)
            return arm.get();
    return nullptr;
}

const Calibration* ProjectView::calibration(const std::string& modelIdentity,
                                            const std::string& conceptName) const {
    for (auto it = calibrations.rbegin(); it != calibrations.rend(); ++it)
        if ((*it)->modelIdentity == modelIdentity && (*it)->conceptName == conceptName)
            return it->get();
    return nullptr;
}

const Note* ProjectView::note(NoteSubject subject, const std::string& object) const {
    for (auto it = notes.rbegin(); it != notes.rend(); ++it)
        if ((*it)->subject == subject && (*it)->object == object)
            return (*it)->text.empty() ? nullptr : it->get();
    return nullptr;
}

const Prompt* ProjectView::prompt(const std::string& id) const {
    for (const auto& value : study->concepts)
        for (const auto& [role, set] : value.sets)
            for (const auto& prompt : set.prompts)
                if (prompt.id == id)
                    return &prompt;
    return nullptr;
}

} // namespace azimuth
