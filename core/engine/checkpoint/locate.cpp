#include "core/engine/checkpoint/locate.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>

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

// Calls visit(path) for the .gguf files below a folder in order of their names; stops where it returns false.
bool eachGguf(const fs::path& folder, int depth, const std::function<bool(const fs::path&)>& visit) {
    std::error_code failed;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
         !failed && at != end; at.increment(failed))
        entries.push_back(at->path());
    std::ranges::sort(entries);
    for (const auto& entry : entries) {
        std::error_code ignored;
        if (fs::is_directory(entry, ignored)) {
            if (depth > 1 && !eachGguf(entry, depth - 1, visit))
                return false;
        } else if (isGguf(entry) && !visit(entry))
            return false;
    }
    return true;
}

constexpr int searchDepth = 4;
constexpr std::size_t maximumFiles = 10'000;

std::string checkedFile(const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored))
        return path.string();
    if (fs::exists(path / "config.json", ignored))
        return path.string();
    throw Error("model.folder",
                path.string() + ": this folder has no config.json; expected is a GGUF file or a Hugging "
                                "Face folder.",
                "Give the file itself, or the folder that holds config.json and the weights.");
}

// A name without folders may lie anywhere below; a relative path only where it says.
std::optional<std::string> within(const std::string& folder, const std::string& find) {
    std::error_code ignored;
    if (const auto direct = fs::path(folder) / find; fs::exists(direct, ignored))
        return checkedFile(direct);
    std::optional<std::string> found;
    if (find.find('/') == std::string::npos)
        eachGguf(folder, searchDepth, [&](const fs::path& path) {
            if (path.filename() != find)
                return true;
            found = path.string();
            return false;
        });
    return found;
}

// org/name or org/name@revision
bool isRepository(std::string_view find) {
    const auto name = find.substr(0, find.find('@'));
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
    const auto slash = name.find('/');
    return find.size() < 300 && !isGguf(find) && slash != 0 && slash != std::string_view::npos &&
           slash + 1 < name.size() && name.front() != '.' && std::ranges::count(name, '/') == 1 &&
           std::ranges::all_of(name,
                               [&](char c) { return c == '/' || allowed(static_cast<unsigned char>(c)); });
}

[[noreturn]] void refuseMissing(const std::string& find, const std::vector<std::string>& searched) {
    std::string where, there;
    std::size_t count = 0;
    for (const auto& folder : searched) {
        where += (where.empty() ? "" : ", ") + folder;
        eachGguf(folder, searchDepth, [&](const fs::path& path) {
            there += (count ? ", " : "") + path.filename().string();
            return ++count < 8;
        });
    }
    throw Error("model.missing",
                forMessage(find) + ": no such model file in " + (where.empty() ? "this folder" : where) + ".",
                count == 0 ? "Put the GGUF file into one of these folders, or give its path."
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
        throw Error("model.missing", "The model has no name to find it by.", "Give a GGUF file.");
    std::error_code ignored;
    if (fs::path(find).is_absolute()) {
        if (!fs::exists(find, ignored))
            throw Error("model.missing", forMessage(find, 200) + ": there is no such file.",
                        "Check the path.");
        return checkedFile(find);
    }
    auto searched = folders;
    for (const auto& folder : folders)
        if (const auto found = within(folder, find))
            return *found;
    if (fs::exists(find, ignored))
        return checkedFile(find);
    for (const auto& folder : defaultModelFolders()) {
        if (const auto found = within(folder, find))
            return *found;
        searched.push_back(folder);
    }
    if (isRepository(find))
        throw Error("model.folder", find + ": models by repository name cannot be loaded yet.",
                    "Give a GGUF file of the same model.");
    refuseMissing(find, searched);
}

std::vector<ListedModel> listModels(const std::vector<std::string>& folders, Precision compute,
                                    const DigestCache& cache) {
    std::vector<ListedModel> listed;
    std::set<std::string> seen;
    for (const auto& folder : folders)
        eachGguf(folder, searchDepth, [&](const fs::path& path) {
            std::error_code ignored;
            const auto real = fs::weakly_canonical(path, ignored).string();
            if (!seen.insert(real.empty() ? path.string() : real).second)
                return true;
            ListedModel entry{path.string(), {}, ""};
            try {
                entry.model = describeQuickly(Checkpoint::open(path.string()), compute, cache);
            } catch (const Error& error) {
                entry.reason = error.message();
            }
            listed.push_back(std::move(entry));
            return listed.size() < maximumFiles;
        });
    return listed;
}

} // namespace azimuth
