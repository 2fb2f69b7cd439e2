// What a project holds and what was found, for `azimuth show`: as text for people and as JSON for programs.
// Pure.
#pragma once

#include "core/base/json.h"
#include "core/study/project_view.h"

#include <string>

namespace azimuth {

std::string reportText(const ProjectView& view);
// {"azimuth": "report", "version": 1, models, calibrations, rates, transfer, counts}
Json reportJson(const ProjectView& view);

} // namespace azimuth
