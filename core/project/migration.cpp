#include "core/project/migration.h"

namespace azimuth::h5 {

std::vector<InterventionRow> migrated(std::vector<InterventionRow> rows, unsigned fileVersion) {
    if (fileVersion < 2)
        for (auto& row : rows)
            row.intervention.site = Site::Resid;
    return rows;
}

std::vector<Label> migrated(std::vector<Label> rows, unsigned fileVersion) {
    if (fileVersion < 3)
        for (auto& row : rows)
            row.retracted = false;
    return rows;
}

} // namespace azimuth::h5
