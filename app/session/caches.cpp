#include "app/session/caches.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/container/safetensors.h"
#include "core/project/side_folder.h"
#include "core/project/user_block.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unistd.h>

namespace azimuth {
namespace {
namespace fs = std::filesystem;

using Metadata = std::map<std::string, std::string>;

std::string valueOf(const Metadata& metadata, const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
}

// "positive prompts of verse"; empty if no set of the study has this digest.
std::string setName(const Study& study, const std::string& digest) {
    for (const auto& value : study.concepts)
        for (const auto& [role, set] : value.sets)
            if (set.digest() == digest)
                return toString(role) + " prompts of " + value.name;
    return {};
}

std::string modelName(const ProjectView& view, const std::string& identity) {
    for (std::size_t i = 0; i < view.modelIdentities.size() && i < view.study->models.size(); ++i)
        if (!identity.empty() && view.modelIdentities[i] == identity)
            return view.study->models[i].name;
    return {};
}

std::string sitesOf(const SafetensorsFile& file) {
    std::string sites;
    for (const auto& tensor : file.tensors()) {
        const std::string prefix = "acts/";
        if (!tensor.name.starts_with(prefix))
            continue;
        const auto site =
            tensor.name.substr(prefix.size(), tensor.name.find('/', prefix.size()) - prefix.size());
        if ((", " + sites + ",").find(", " + site + ",") == std::string::npos)
            sites += (sites.empty() ? "" : ", ") + site;
    }
    return sites;
}

bool sameRendering(const std::string& render, const Study& study) {
    try {
        const auto json = parseJson(render, "render");
        return json.is_object() && json.contains("rendering") &&
               canonicalJson(json["rendering"]) == canonicalJson(toJson(study.rendering));
    } catch (const Error&) { // not of this study, whatever it is
        return false;
    }
}

void inspectCapture(CacheFile& cache, const ProjectView& view) {
    const auto file = SafetensorsFile::open(cache.path);
    const auto& metadata = file.metadata();
    const auto identity = valueOf(metadata, "model.identity"), digest = valueOf(metadata, "prompts.digest");
    if (valueOf(metadata, "format") != "azimuth_capture" || identity.empty() || digest.empty()) {
        cache.what = "a safetensors file that does not say which model and prompts of Azimuth it is of";
        return;
    }
    const auto model = modelName(view, identity), prompts = setName(*view.study, digest);
    const bool rendered = sameRendering(valueOf(metadata, "render"), *view.study);
    cache.state =
        model.empty() || prompts.empty() || !rendered ? CacheFile::State::Unused : CacheFile::State::Used;
    cache.what =
        (model.empty() ? "a model that the study does not have (" + forMessage(identity.substr(0, 12)) + "…)"
                       : model) +
        ", " + (prompts.empty() ? "prompts that it does not have" : prompts) +
        (rendered ? "" : ", rendered in another way") + ", " +
        forMessage(valueOf(metadata, "position.rule"), 20) + " positions, " + forMessage(sitesOf(file), 60);
}

void inspectBlock(CacheFile& cache, const ProjectView& view) {
    const auto block = readUserBlock(cache.path);
    if (block.kind == FileKind::Cache && block.project == view.uuid)
        cache.state = CacheFile::State::Used;
    cache.what =
        toString(block.kind) + (block.project == view.uuid ? " of this project" : " of another project");
}

CacheFile inspect(const fs::directory_entry& entry, const ProjectView& view, bool digests) {
    CacheFile cache;
    cache.path = entry.path().string();
    cache.name = entry.path().filename().string();
    std::error_code unknown;
    if (!fs::is_regular_file(entry.symlink_status(unknown))) {
        cache.what = "not a plain file";
        return cache;
    }
    cache.bytes = entry.file_size(unknown);
    try {
        if (digests)
            cache.sha256 = toHex(sha256File(cache.path));
        if (entry.path().extension() == ".safetensors")
            inspectCapture(cache, view);
        else
            inspectBlock(cache, view);
    } catch (const Error& error) {
        cache.state = CacheFile::State::Foreign;
        cache.what = error.message();
    }
    return cache;
}

} // namespace

std::string toString(CacheFile::State state) {
    return state == CacheFile::State::Used     ? "used"
           : state == CacheFile::State::Unused ? "unused"
                                               : "foreign";
}

std::vector<CacheFile> listCaches(const ProjectView& view, const std::string& projectPath, bool digests) {
    std::vector<CacheFile> caches;
    for (const auto& entry : entriesOf(sideFolder(projectPath).cache))
        if (entry.path().filename().string().front() != '.')
            caches.push_back(inspect(entry, view, digests));
    return caches;
}

CacheRemoval removeUnusedCaches(const ProjectStore& store) {
    if (!store.readOnly().empty())
        throw Error("project.readonly", store.readOnly(), "Close it there, then remove the caches.");
    CacheRemoval removal;
    for (const auto& cache : listCaches(*store.view(), store.path(), false)) {
        if (cache.state == CacheFile::State::Foreign)
            removal.foreign.push_back(cache.name);
        if (cache.state != CacheFile::State::Unused)
            continue;
        if (::unlink(cache.path.c_str()) == 0) {
            ++removal.files;
            removal.bytes += cache.bytes;
        } else if (errno != ENOENT) {
            removal.problems.push_back(systemError("remove", cache.path, errno).message());
        }
    }
    if (removal.files > 0)
        syncFolder(sideFolder(store.path()).cache);
    return removal;
}

std::string removalText(const CacheRemoval& removal) {
    std::string text = removal.files == 0
                           ? std::string("There is no activation cache that the study does not need.")
                           : "Removed " + std::to_string(removal.files) +
                                 (removal.files == 1 ? " activation cache" : " activation caches") +
                                 " that the study does not need: " + bytesText(removal.bytes) +
                                 " are free again.";
    if (!removal.foreign.empty()) {
        text += " Left alone, because it is not known whose they are:";
        for (std::size_t i = 0; i < removal.foreign.size() && i < 5; ++i)
            text += (i ? ", " : " ") + forMessage(removal.foreign[i], 60);
        text += removal.foreign.size() > 5 ? " and " + std::to_string(removal.foreign.size() - 5) + " more."
                                           : ".";
    }
    for (const auto& problem : removal.problems)
        text += " " + problem;
    return text;
}

} // namespace azimuth
