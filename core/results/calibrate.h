// Chooses k and strength from a sweep on the calibration prompts. Pure.
//
// Default rule: among the settings with at most garbledLimit garbled, the highest coherent - control is the
// optimum; if its paired interval includes 0, nothing steers. Of the settings within one standard error of
// that difference, the smallest dose is chosen (then the more coherent, then the smaller k). The choice is
// "not bracketed" when the optimum or the choice lies on an edge of the grid beyond which more could be
// measured: the lowest or highest strength, the first or last k. No edge: an axis with one value; a k beyond
// which the model has no other that points somewhere; the highest strength where every completion is coherent
// already.
//
// study-2026: least garbled, then most coherent, then the smallest dose, among the settings where the
// behaviour has not collapsed. The published text leaves "collapsed" open; our reading: its rate (garbled or
// not) is at least half the sweep's highest.
#pragma once

#include "core/study/project_view.h"

#include <string>

namespace azimuth {

// Incomplete while the bank, a completion or a label is missing (the reason counts them). id and inputDigest
// are set; `created` is taken as given. Error results.prompts if the concept has no calibration prompts,
// sweep.model if the model has no bank of its own width.
Calibration calibrate(const ProjectView& view, const Study& study, const Concept& conceptValue,
                      const Model& model, const std::string& created = {});

// Whether the choice that counts for this model and concept was made from other completions or labels than
// calibrate() would use now. False if there is none.
bool calibrationOutOfDate(const ProjectView& view, const Study& study, const Concept& conceptValue,
                          const Model& model);

} // namespace azimuth
