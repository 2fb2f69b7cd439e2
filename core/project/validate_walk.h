// Walks every link and object of a file and compares it with the profile of FORMAT.md. Private to
// core/project.
#pragma once

#include "core/project/read_file.h"
#include "core/project/validate.h"

namespace azimuth::h5 {

void walkObjects(const ReadFile& file, Validation& validation);
// The same for one object of the file and what is below it.
void walkObject(const ReadFile& file, const std::string& path, Validation& validation);

} // namespace azimuth::h5
