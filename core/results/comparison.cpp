#include "core/results/comparison.h"

#include "core/results/study_rows.h"
#include "core/results/sweep.h"

namespace azimuth {

std::vector<ComparisonRow> completionsFor(const ProjectView& view, const Study& study,
                                          const Concept& conceptValue, const Model& model, const Arm& arm) {
    const StudyRows rows(view, study, conceptValue.induce.digest());
    const auto control = controlArm().digest(), steered = arm.digest();
    std::vector<ComparisonRow> out;
    for (const auto role : {PromptRole::TestInduce, PromptRole::Calibration}) {
        const auto* set = conceptValue.set(role);
        if (!set)
            continue;
        for (const auto& prompt : set->prompts) {
            const auto left = rows.find(model.identity, prompt.id, control);
            const auto right = rows.find(model.identity, prompt.id, steered);
            if (left.row >= 0 || right.row >= 0)
                out.push_back({role, &prompt, left.row, right.row, left.label, right.label});
        }
    }
    return out;
}

} // namespace azimuth
