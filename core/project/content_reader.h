// Reads the tables of FORMAT.md back into the nouns of core/study. Error project.content. Private to
// core/project.
#pragma once

#include "core/project/read_file.h"
#include "core/study/project_view.h"

#include <string>

namespace azimuth::h5 {

// Root attributes agree with the user block and the format.
void checkRoot(const ReadFile& file);

JobResult readJobResult(const ReadFile& file);

// Tensors are read if all of them together have at most maximumTensorBytes.
ProjectView readProjectView(const ReadFile& file, std::uint64_t maximumTensorBytes);

// The tensor of the bank with this key. Error project.content if there is none.
ArrayF readTensor(const ReadFile& file, const std::string& bankKey);

} // namespace azimuth::h5
