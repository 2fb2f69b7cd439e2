// What the transfer matrix needs to be measured. Planner and matrix use this one definition. Pure.
//
// A target is steered at its own calibrated k and alpha, with its own direction and with that of each other
// model of equal width, on the evaluation prompts (role test-induce), beside the control. The row of the
// source's bank is the one at the same depth as the target's k, round(k x L_source / L_target): the same k
// where the blocks are equal, as between two precisions of the same weights. Both at the study's sweep
// position and span.
#pragma once

#include "core/study/project_view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct TransferRun { // all evaluation prompts under one arm on one model
    enum class Role { Control, Own, Foreign };
    Role role = Role::Control;
    std::string target, targetIdentity; // the study's name; 64 hex digits
    std::string source;                 // whose direction; the target's own name for Own, empty for Control
    Arm arm;
};

// The runs whose arms are known now: those of the calibrated targets. Each (target identity, arm) once.
std::vector<TransferRun> transferRuns(const ProjectView& view, const Study& study,
                                      const Concept& conceptValue);

// One cell as far as it is known before any completion: either why it cannot be run now, or its three arms.
struct TransferSetup {
    std::string source, target;
    CellKind kind = CellKind::ModelTransfer;
    std::optional<NotMeasured> notMeasured;
    const Model* sourceModel = nullptr; // null while not resolved
    const Model* targetModel = nullptr;
    std::int64_t k = 0, sourceK = 0;
    double alpha = 0;
    Arm control, own, foreign;
    double cosine =
        0; // of the foreign and the own unit direction; NaN if widths differ or a direction is missing
    double sourceRawNorm = 0, targetRawNorm = 0;
};
TransferSetup transferSetup(const ProjectView& view, const Study& study, const Concept& conceptValue,
                            const ModelReference& source, const ModelReference& target);

} // namespace azimuth
