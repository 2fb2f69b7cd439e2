// What the study needs next, in words: one rule for the banner and the buttons. Pure.
#pragma once

#include "app/workbench/page.h"

namespace azimuth {

struct NextStep {
    QString title, line, button; // button may be empty
    bool runs = false;           // whether running the study is what it needs
};
NextStep nextStep(const ProjectView& view, const Activity& activity);

} // namespace azimuth
