// Projects by hand for the window's tests and pictures: the demo study with made-up models, directions and
// completions; labels by the real judge, calibration and transfer by core/results.
#pragma once

#include "core/study/project_view.h"

#include <memory>

namespace azimuth::sample {

enum class Stage {
    Study,      // nothing was run: no model is found
    Models,     // found, nothing extracted
    Extracted,  // banks, no completions
    Sweeping,   // half of the sweep of the first model
    Calibrated, // sweeps are there, no transfer
    Complete,
};

std::shared_ptr<const ProjectView> view(Stage stage = Stage::Complete);

// The first model with its calibrated arm, and others, on so many evaluation prompts, beside the control:
// prompts x arms completions, labelled, and those of the sweep.
std::shared_ptr<const ProjectView> largeView(int prompts, int arms = 2);

} // namespace azimuth::sample
