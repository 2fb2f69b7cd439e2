// What the study needs next, in words: one rule for the banner and the buttons.
#pragma once

#include "app/workbench/page.h"

namespace azimuth {

struct NextStep {
    QString title, line, button; // button may be empty
    bool runs = false;           // whether running the study is what it needs
};
// The transfer cells come from the ResultsCache: while they are being computed the step says so.
NextStep nextStep(const std::shared_ptr<const ProjectView>& view, const Activity& activity);

} // namespace azimuth
