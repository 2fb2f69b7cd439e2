#include "core/engine/checkpoint/locate.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/engine/checkpoint/hub_cache.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sys/stat.h>

namespace azimuth {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool isGguf(const fs::path& path) {
    auto extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".gguf";
}

bool isThere(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

// config.json beside weights, of whatever kind.
bool isModelFolder(const fs::path& folder) {
    constexpr std::array weights = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                    "pytorch_model.bin.index.json"};
    return isThere(folder / "config.json") &&
           std::ranges::any_of(weights, [&](const char* name) { return isThere(folder / name); });
}

using Visit = std::function<bool(const fs::path&)>;
// Folders by device and inode, and how many levels were looked at below them: links that lead to one again,
// in circles too, lead nowhere.
using Scanned = std::map<std::pair<dev_t, ino_t>, int>;

bool eachModelBelow(const fs::path& folder, int depth, const Visit& visit, Scanned& scanned) {
    struct stat place {};
    if (::stat(folder.c_str(), &place) != 0)
        return true;
    auto& levels = scanned[{place.st_dev, place.st_ino}];
    if (levels >= depth)
        return true;
    levels = depth;
    std::error_code failed;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
         !failed && at != end; at.increment(failed))
        entries.push_back(*at);
    std::ranges::sort(entries, {}, [](const auto& entry) -> const fs::path& { return entry.path(); });
    for (const auto& entry : entries) {
        std::error_code ignored;
        const auto& path = entry.path();
        const auto name = path.filename().string();
        if (!entry.is_directory(ignored)) {
            if (isGguf(path) && !visit(path))
                return false;
            continue;
        }
        if (depth <= 1 || name.starts_with('.') || name == "blobs" || name == "refs")
            continue; // of Hugging Face's cache
        if (isModelFolder(path) && !visit(path))
            return false;
        if (!eachModelBelow(path, depth - 1, visit, scanned))
            return false;
    }
    return true;
}

// Calls visit(path) for the .gguf files below a folder, and for the model folders, in order of their names;
// stops where it returns false.
void eachModel(const fs::path& folder, int depth, const Visit& visit) {
    Scanned scanned;
    eachModelBelow(folder, depth, visit, scanned);
}

constexpr int searchDepth = 4;
constexpr std::size_t maximumFiles = 10'000;

// A file as it is; of a folder, itself or its only GGUF file.
std::string checkedModel(const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored) || isModelFolder(path))
        return path.string();
    std::vector<std::string> inside;
    eachModel(path, 1, [&](const fs::path& file) {
        inside.push_back(file.string());
        return inside.size() < 8;
    });
    if (inside.size() == 1)
        return inside.front();
    if (inside.empty() && isThere(path / "config.json"))
        return path.string(); // opening it says what is missing
    if (inside.empty())
        throw Error("model.folder",
                    path.string() + ": this folder holds neither config.json nor a GGUF file.",
                    "Give a GGUF file, or the folder that holds config.json and the weights.");
    std::string names;
    for (const auto& file : inside)
        names += (names.empty() ? "" : ", ") + fs::path(file).filename().string();
    throw Error("model.folder", path.string() + ": this folder holds several GGUF files.",
                "Give one of them: " + names + ".");
}

// A name without folders may lie anywhere below; a relative path only where it says.
std::optional<std::string> within(const std::string& folder, const std::string& find) {
    if (const auto direct = fs::path(folder) / find; isThere(direct))
        return checkedModel(direct);
    std::optional<std::string> found;
    if (find.find('/') == std::string::npos)
        eachModel(folder, searchDepth, [&](const fs::path& path) {
            if (path.filename() != find)
                return true;
            found = path.string();
            return false;
        });
    return found;
}

[[noreturn]] void refuseMissing(const std::string& find, const std::vector<std::string>& searched) {
    std::string where, there;
    std::size_t count = 0;
    for (const auto& folder : searched) {
        where += (where.empty() ? "" : ", ") + folder;
        eachModel(folder, searchDepth, [&](const fs::path& path) {
            there += (count ? ", " : "") + modelName(path.string());
            return ++count < 8;
        });
    }
    throw Error("model.missing",
                forMessage(find, 200) + ": no such model in " + (where.empty() ? "this folder" : where) +
                    "; nothing is downloaded.",
                count == 0 ? "Put the model into one of these folders, or give its path."
                           : "There are " + there + ".");
}

} // namespace

std::string cacheFolder() {
    if (const auto folder = environment("XDG_CACHE_HOME"); folder.starts_with("/"))
        return folder;
    return environment("HOME") + "/.cache";
}

std::vector<std::string> defaultModelFolders() {
    std::vector<std::string> folders{cacheFolder() + "/azimuth/models"};
    if (const auto hub = environment("HF_HUB_CACHE"); !hub.empty())
        folders.push_back(hub);
    else if (const auto home = environment("HF_HOME"); !home.empty())
        folders.push_back(home + "/hub");
    else
        folders.push_back(cacheFolder() + "/huggingface/hub");
    std::erase_if(folders, [](const std::string& folder) {
        std::error_code ignored;
        return !fs::is_directory(folder, ignored);
    });
    return folders;
}

std::string locateModel(const std::string& find, const std::vector<std::string>& folders) {
    if (find.empty())
        throw Error("model.missing", "The model has no name to find it by.",
                    "Give a GGUF file, a folder, or org/name in Hugging Face's cache.");
    if (fs::path(find).is_absolute()) {
        if (!isThere(find))
            throw Error("model.missing", forMessage(find, 200) + ": there is no such file.",
                        "Check the path.");
        return checkedModel(find);
    }
    auto searched = folders;
    for (const auto& folder : folders)
        if (const auto found = within(folder, find))
            return *found;
    if (isThere(find))
        return checkedModel(find);
    for (const auto& folder : defaultModelFolders()) {
        if (const auto found = within(folder, find))
            return *found;
        searched.push_back(folder);
    }
    if (const auto repository = repositoryOf(find))
        for (const auto& folder : searched)
            if (const auto snapshot = findSnapshot(folder, *repository))
                return checkedModel(*snapshot);
    refuseMissing(find, searched);
}

std::string modelName(const std::string& path) {
    const auto clean = fs::path(path).lexically_normal();
    const auto folder = clean.has_filename() ? clean : clean.parent_path();
    return snapshotName(folder.string()).value_or(folder.filename().string());
}

std::vector<ListedModel> listModels(const std::vector<std::string>& folders, Precision compute,
                                    const DigestCache& cache) {
    std::vector<ListedModel> listed;
    std::set<std::string> seen;
    for (const auto& folder : folders)
        eachModel(folder, searchDepth, [&](const fs::path& path) {
            std::error_code ignored;
            const auto real = fs::weakly_canonical(path, ignored).string();
            if (!seen.insert(real.empty() ? path.string() : real).second)
                return true;
            ListedModel entry{path.string(), {}, ""};
            try {
                entry.model = describeQuickly(Checkpoint::open(path.string(), compute), compute, cache);
            } catch (const Error& error) {
                entry.reason = error.message();
            }
            listed.push_back(std::move(entry));
            return listed.size() < maximumFiles;
        });
    return listed;
}

} // namespace azimuth
