// Writes the nouns of core/study into an open publication as the tables of FORMAT.md. Error project.value for
// a value that the format cannot hold, naming it. Private to core/project.
#pragma once

#include "core/project/publication.h"
#include "core/project/read_file.h"
#include "core/study/project_view.h"

#include <functional>
#include <string>

namespace azimuth::h5 {

// The generation that is on disk already, opened when it is first asked for; null if there is none. Tensors
// that the view does not hold come from it, and parts of completions that did not change are copied from it
// without decoding them.
using Earlier = std::function<const ReadFile*()>;

struct RootAttributes {
    std::string projectUuid, title, created, saved, parentSha256;
    std::uint64_t generation = 0;
    std::uint32_t format = formatVersion, minimumReader = minimumReaderVersion;
};

void writeRootAttributes(H5Publication& file, FileKind kind, const RootAttributes& attributes);
void writeJobResult(H5Publication& file, const JobResult& result);
// Everything but the provenance, which may have to tell what happened to the rest.
void writeProjectView(H5Publication& file, const ProjectView& view, const Earlier& earlier);
void writeProvenance(H5Publication& file, const std::vector<ProvenanceRecord>& records);

// About how many bytes the file will have; for the check of free space.
std::uint64_t estimatedBytes(const ProjectView& view);
std::uint64_t estimatedBytes(const JobResult& result);

// What a part of completions holds, as the attribute rows_sha256 of its group has it: 64 hex digits.
std::string rowsDigest(const std::vector<const Completion*>& rows);

std::string creatorName(); // "Azimuth 0.1.0"

} // namespace azimuth::h5
