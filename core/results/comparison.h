// Completions of one arm beside the control, prompt by prompt. Pure. Pointers live as long as the view's
// tables do.
#pragma once

#include "core/study/project_view.h"

#include <cstdint>
#include <vector>

namespace azimuth {

struct ComparisonRow {
    PromptRole role = PromptRole::TestInduce;
    const Prompt* prompt = nullptr;
    std::int64_t control = -1, steered = -1; // rows of view.completions; -1: not there yet
    const Label* controlLabel = nullptr;     // the label that counts, or null
    const Label* steeredLabel = nullptr;
};

// One row per calibration and evaluation prompt of which at least one of the two completions is there, in the
// concept's order, evaluation first.
std::vector<ComparisonRow> completionsFor(const ProjectView& view, const Study& study,
                                          const Concept& conceptValue, const Model& model, const Arm& arm);

} // namespace azimuth
