// azimuth caches: the activation caches beside a project, and the removal of those that are not needed.
#include "app/session/caches.h"
#include "app/workbench/verbs/table.h"
#include "app/workbench/verbs/verbs.h"
#include "core/base/units.h"

#include <cstdio>

namespace azimuth {
namespace {

std::string listText(const std::vector<CacheFile>& caches) {
    if (caches.empty())
        return "The project has no activation caches.\n";
    std::vector<std::vector<std::string>> rows;
    std::uint64_t unused = 0;
    for (const auto& cache : caches) {
        rows.push_back({cache.name, bytesText(cache.bytes), cache.sha256.substr(0, 12), toString(cache.state),
                        cache.what});
        unused += cache.state == CacheFile::State::Unused ? cache.bytes : 0;
    }
    return textTable({{"Cache"}, {"Size", true}, {"SHA-256"}, {"State"}, {"What"}}, rows) +
           (unused > 0 ? bytesText(unused) + " are not needed (--remove-unused).\n" : "");
}

Json toJson(const std::vector<CacheFile>& caches) {
    Json list = Json::array();
    for (const auto& cache : caches)
        list.push_back({{"name", cache.name},
                        {"bytes", cache.bytes},
                        {"sha256", cache.sha256},
                        {"state", toString(cache.state)},
                        {"what", cache.what}});
    return list;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int removeUnused(const std::string& project, bool json) {
    const auto removal = removeUnusedCaches(ProjectStore::open(project));
    print(json ? prettyJson({{"azimuth", "caches removed"},
                             {"version", 1},
                             {"files", removal.files},
                             {"bytes", removal.bytes},
                             {"foreign", removal.foreign},
                             {"problems", removal.problems}})
               : removalText(removal) + "\n");
    return removal.problems.empty() ? 0 : 1;
}

} // namespace

int showCaches(const std::string& project, bool remove, bool json) {
    if (remove)
        return removeUnused(project, json);
    const auto caches = listCaches(*viewOf(project), project, true);
    print(json ? prettyJson({{"azimuth", "caches"}, {"version", 1}, {"caches", toJson(caches)}})
               : listText(caches));
    return 0;
}

} // namespace azimuth
