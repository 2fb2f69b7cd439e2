// The layout of Hugging Face's cache: models--<org>--<name>/{refs/<revision>, snapshots/<commit>/}. Files are
// the words of another program: a revision and a commit must be plain names, so nothing outside is reached.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace azimuth {

struct Repository {
    std::string name;     // org/name, or name
    std::string revision; // empty: not given
};
// org/name[@revision] or name[@revision]; nothing if it cannot be one (a path, a .gguf name).
std::optional<Repository> repositoryOf(std::string_view find);

// The folder of the snapshot in this cache; nothing if the cache does not hold the repository. Error
// model.missing if it holds other revisions only, or several commits fit (says which there are).
std::optional<std::string> findSnapshot(const std::string& cache, const Repository& repository);

// "org/name@0123456789ab" for the folder of a snapshot.
std::optional<std::string> snapshotName(const std::string& folder);

} // namespace azimuth
