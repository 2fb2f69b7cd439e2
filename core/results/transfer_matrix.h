// The transfer matrix of one concept: every model of the study as source (rows) and as target (columns).
// Pure.
//
// TE = p_foreign / p_own; excess TE = (p_foreign - p_control) / (p_own - p_control), of coherent rates on the
// evaluation prompts. Intervals of foreign - control and foreign - own are Newcombe's for paired proportions.
// Not measured when the interval of p_own - p_control includes 0 or p_own < 20 %: the own direction does not
// steer. The diagonal is the own rate. A cell between two precisions of the same weights is precision
// transfer and never counted as model transfer.
#pragma once

#include "core/study/project_view.h"

#include <string>
#include <vector>

namespace azimuth {

struct TransferMatrix {
    std::string conceptName;
    std::vector<std::string> models; // names, of the rows and of the columns
    std::vector<TransferCell> cells; // row-major: source, then target

    const TransferCell& at(std::size_t source, std::size_t target) const {
        return cells.at(source * models.size() + target);
    }
};

TransferMatrix transferMatrix(const ProjectView& view, const Study& study, const Concept& conceptValue);

// Cells that compare two models (not the diagonal, not two precisions) and are measured.
std::size_t measuredModelTransfers(const TransferMatrix& matrix);

} // namespace azimuth
