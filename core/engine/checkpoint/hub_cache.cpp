#include "core/engine/checkpoint/hub_cache.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

namespace azimuth {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view repositoryPrefix = "models--";

bool isName(std::string_view text) {
    return !text.empty() && text.size() < 200 && text.front() != '.' && std::ranges::all_of(text, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    });
}

// Names between slashes: "main", "refs/pr/1".
bool isRevision(std::string_view text) {
    while (true) {
        const auto slash = text.find('/');
        if (!isName(text.substr(0, slash)))
            return false;
        if (slash == std::string_view::npos)
            return true;
        text.remove_prefix(slash + 1);
    }
}

bool isDirectory(const std::string& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

std::vector<std::string> snapshotsOf(const std::string& repository) {
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator at(repository + "/snapshots", failed), end; !failed && at != end;
         at.increment(failed))
        if (isDirectory(at->path().string()))
            names.push_back(at->path().filename().string());
    std::ranges::sort(names);
    return names;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text += (text.empty() ? "" : ", ") + forMessage(name, 12);
    return text.empty() ? "none" : text;
}

// The commit that refs/<revision> names; empty if there is no such file.
std::string commitOf(const std::string& repository, const std::string& revision) {
    const auto path = repository + "/refs/" + revision;
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))
        return {};
    const std::string commit(trimmedView(readFile(path, 1'000)));
    if (!isName(commit))
        throw Error("model.missing", path + ": it names the commit " + forMessage(commit) + ".",
                    "Download the model again.");
    return commit;
}

} // namespace

std::optional<Repository> repositoryOf(std::string_view find) {
    const auto at = find.find('@');
    const auto name = find.substr(0, at);
    const auto slash = name.find('/');
    const bool plain = slash == std::string_view::npos;
    if (!isName(name.substr(0, slash)) || (!plain && !isName(name.substr(slash + 1))) ||
        name.find("--") != std::string_view::npos || name.ends_with(".gguf"))
        return {};
    if (at == std::string_view::npos)
        return Repository{std::string(name), ""};
    const auto revision = find.substr(at + 1);
    if (!isRevision(revision))
        return {};
    return Repository{std::string(name), std::string(revision)};
}

std::optional<std::string> findSnapshot(const std::string& cache, const Repository& repository) {
    std::string folderName(repositoryPrefix);
    for (const char c : repository.name)
        folderName += c == '/' ? "--" : std::string(1, c);
    const auto folder = cache + "/" + folderName;
    if (!isDirectory(folder))
        return {};
    const auto snapshots = snapshotsOf(folder);
    const auto wanted = repository.revision.empty() ? std::string("main") : repository.revision;
    std::vector<std::string> fitting;
    if (const auto commit = commitOf(folder, wanted); !commit.empty())
        fitting = {commit};
    else if (repository.revision.empty())
        fitting = snapshots;
    else if (wanted.size() >= 7)
        std::ranges::copy_if(snapshots, std::back_inserter(fitting),
                             [&](const std::string& name) { return name.starts_with(wanted); });
    if (fitting.size() != 1 || std::ranges::find(snapshots, fitting.front()) == snapshots.end())
        throw Error("model.missing",
                    repository.name + ": " +
                        (fitting.size() > 1 ? "more than one snapshot fits " : "there is no snapshot of ") +
                        (repository.revision.empty() ? "main" : forMessage(repository.revision)) + " in " +
                        folder + "; there are " + joined(snapshots) + ".",
                    "Give one of them as " + repository.name + "@commit, or download the model.");
    return folder + "/snapshots/" + fitting.front();
}

std::optional<std::string> snapshotName(const std::string& folder) {
    const fs::path path(folder);
    const auto repository = path.parent_path().parent_path().filename().string();
    if (path.parent_path().filename() != "snapshots" || !repository.starts_with(repositoryPrefix))
        return {};
    auto name = repository.substr(repositoryPrefix.size());
    if (const auto dashes = name.find("--"); dashes != std::string::npos)
        name.replace(dashes, 2, "/");
    return name + "@" + path.filename().string().substr(0, 12);
}

} // namespace azimuth
