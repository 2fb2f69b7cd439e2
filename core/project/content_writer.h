// Writes the nouns of core/study into an open publication as the tables of FORMAT.md. Error project.value for a value that the
// format cannot hold, naming it. Private to core/project.
#pragma once

#include "core/project/publication.h"
#include "core/study/project_view.h"

#include <functional>
#include <string>

namespace azimuth::h5 {

// Gives the tensor of a bank whose own is empty. Throws if it cannot.
using TensorSource = std::function<ArrayF(const DirectionBank& bank)>;

struct RootAttributes {
    std::string projectUuid, title, created, saved, parentSha256;
    std::uint64_t generation = 0;
};

void writeRootAttributes(H5Publication& file, FileKind kind, const RootAttributes& attributes);
void writeJobResult(H5Publication& file, const JobResult& result);
void writeProjectView(H5Publication& file, const ProjectView& view, const TensorSource& tensorOf);

// About how many bytes the file will have; for the check of free space.
std::uint64_t estimatedBytes(const ProjectView& view);
std::uint64_t estimatedBytes(const JobResult& result);

std::string creatorName(); // "Azimuth 0.1.0"

} // namespace azimuth::h5
