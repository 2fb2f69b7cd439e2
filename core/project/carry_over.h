// What another program, a newer Azimuth above all, put into a project and this one does not know goes along
// when this one saves it. Private to core/project.
//
// Into a file whose known tables are written already are copied, from the generation that it replaces:
//   - objects that the format does not have here, as they are;
//   - attributes of groups that the new file lacks;
//   - columns of known tables, row by row: a row of the base is found again by its key
//     (schema::rowKey), else by the bytes of its known columns. Rows that the base did not have get zero, the
//     first name of an enumeration, an empty text or list; floats NaN.
// A table keeps its newer table_version with its columns. If rows can have changed, so that nobody knows
// which one a value belonged to, the table's unknown columns are dropped and it gets this program's
// version; so is whatever lies outside the profile of FORMAT.md.
#pragma once

#include "core/project/publication.h"
#include "core/project/read_file.h"

#include <string>
#include <vector>

namespace azimuth::h5 {

struct Dropped {
    std::string place, reason; // "/labels/colour", one sentence without its full stop
};

// Everything but the table `except`, which is written later; and one table.
std::vector<Dropped> carryOver(H5Publication& file, const ReadFile& base, const std::string& except);
std::vector<Dropped> carryOverTable(H5Publication& file, const ReadFile& base, const std::string& table);

} // namespace azimuth::h5
