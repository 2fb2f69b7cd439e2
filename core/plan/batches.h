// Cuts what is missing of one model and stage into jobs; private to core/plan.
#pragma once

#include "core/plan/plan.h"
#include "core/plan/wanted.h"

namespace azimuth {

// At most 256 rows, and so many whole batches of decoding.rows as the reference machine computes in
// referenceSeconds, one at least. The reference machine is slow: a batch that is lost to a kill costs no user
// more than a minute.
inline constexpr std::size_t maximumJobRows = 256;
inline constexpr double referenceSeconds = 20;

// Jobs in the order of the first missing row of each: recorded batches whole, the rest in new ones.
std::vector<PlannedJob> batchesOf(const ProjectView& view, const Model& model,
                                  const ModelReference& reference, Stage stage, const WantedRows& wanted,
                                  const RecordedJobs& recorded);

} // namespace azimuth
