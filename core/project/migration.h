// Older formats: for each step from one format version to the next (FORMAT.md), what the rows that it
// concerns are taken for. Pure functions on rows as they were read; the file itself changes only when the
// project is saved, as a new generation. Steps are carried out in order, from the version of the file to
// ours. Tables that a version brought are empty in files before it (schema::Table::optional) and need no
// step. Private to core/project.
#pragma once

#include "core/project/columns.h"

#include <vector>

namespace azimuth::h5 {

// 1 to 2: an intervention has a site. There was the residual stream only.
std::vector<InterventionRow> migrated(std::vector<InterventionRow> rows, unsigned fileVersion);
// 2 to 3: a label can be retracted. None was.
std::vector<Label> migrated(std::vector<Label> rows, unsigned fileVersion);

} // namespace azimuth::h5
