#include "core/protocol/search_folders.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

namespace azimuth {

namespace {
namespace fs = std::filesystem;
constexpr std::size_t mostFiles = 10000;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string homeCache() {
    const auto cache = variable("XDG_CACHE_HOME");
    return !cache.empty() && cache.front() == '/' ? cache : variable("HOME") + "/.cache";
}
} // namespace

std::string cacheFolder() { return homeCache() + "/azimuth"; }

std::string modelCacheFolder() { return cacheFolder() + "/models"; }

std::string huggingFaceFolder() {
    if (const auto hub = variable("HF_HUB_CACHE"); !hub.empty())
        return hub;
    if (const auto home = variable("HF_HOME"); !home.empty())
        return home + "/hub";
    return homeCache() + "/huggingface/hub";
}

std::vector<std::string> findModelFiles(const std::vector<std::string>& folders, int depth) {
    std::vector<std::string> files;
    std::set<std::string> seen;
    for (const auto& folder : folders) {
        std::error_code failure;
        fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, failure),
            end;
        for (; !failure && it != end && files.size() < mostFiles; it.increment(failure)) {
            if (it.depth() >= depth)
                it.disable_recursion_pending();
            std::error_code ignored;
            if (it->path().extension() != ".gguf" || !it->is_regular_file(ignored))
                continue;
            const auto real = fs::canonical(it->path(), ignored);
            if (!ignored && seen.insert(real.string()).second)
                files.push_back(it->path().string());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace azimuth
