// The arms of a sweep: k x strength on a Model's own Direction. The one definition of how a grid's numbers
// become alpha, a span of k and a dose; planner and calibration both use it. Pure functions.
//   alpha = strength | strength x raw norm of R[k]'s direction | strength x median norm of R[k]
//   dose  = alpha x edited k / median norm of R[L]
#pragma once

#include "core/study/calibration.h"
#include "core/study/direction.h"
#include "core/study/intervention.h"
#include "core/study/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct SweepSetting {
    std::int64_t k = 0;
    double gridStrength = 0; // in the grid's unit
    double alpha = 0;
    double dose = 0;
    Arm arm;
};

Arm controlArm();

// One unit direction added with strength alpha from R[k]: at R[k] only, or to R[L].
Arm addingArm(const Direction& direction, std::int64_t k, double alpha, SpanPolicy span, std::int64_t blocks);

// Whether the two classes differ at a site: the raw norm is finite and more than 1e-9 of the median norm. At
// R[0] the last token of a chat template is the same in every prompt, and what is left is rounding.
bool pointsSomewhere(const DirectionBank& bank, std::int32_t position, std::int64_t k);

// Error direction.* of directionAt; direction.norm if a norm that the unit needs is missing or 0; sweep.model
// if model and bank do not belong together.
SweepSetting sweepSetting(const Model& model, const DirectionBank& bank, const SweepGrid& grid,
                          std::int64_t k, double gridStrength);
Arm sweepArm(const Model& model, const DirectionBank& bank, const SweepGrid& grid, std::int64_t k,
             double gridStrength);

// Every setting of the grid on this model, k ascending, strengths in the grid's order. Without the k at which
// the classes do not differ.
std::vector<SweepSetting> sweepSettings(const Model& model, const DirectionBank& bank, const SweepGrid& grid);

// "52.1 (0.8 × raw norm)"; only the number where the unit is alpha.
std::string strengthText(double alpha, double gridStrength, StrengthUnit unit);

} // namespace azimuth
