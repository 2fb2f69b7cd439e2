// From what a study calls a model (`find`) to a file or folder, and the list of models on this machine.
// Nothing is ever downloaded.
#pragma once

#include "core/engine/checkpoint/identity.h"
#include "core/study/model.h"

#include <optional>
#include <string>
#include <vector>

namespace azimuth {

std::string cacheFolder(); // $XDG_CACHE_HOME, else ~/.cache

// Azimuth's models and Hugging Face's cache ($HF_HUB_CACHE, $HF_HOME/hub, <cache>/huggingface/hub); those that
// exist, in the order in which they are searched.
std::vector<std::string> defaultModelFolders();

// The path of a GGUF file or a Hugging Face folder. An absolute path is taken as it is; another is looked for
// in `folders`, then in the working folder, then in the default folders. Then as org/name[@revision] (or
// name[@revision]) in those that are a cache of Hugging Face: a revision is a branch or tag (refs/), a commit
// or its first digits (at least 7); without one it is main, or the only snapshot there is. Of a snapshot
// without config.json, its only GGUF file. Errors: model.missing (says where it looked, and what is there),
// model.folder (a folder that holds no model, or several).
std::string locateModel(const std::string& find, const std::vector<std::string>& folders = {});

// What a model at this path is called: the name of the file or folder, for a snapshot of the cache
// "org/name@<12 digits>".
std::string modelName(const std::string& path);

struct ListedModel {
    std::string path;
    std::optional<Model> model; // identity only where it is memoised
    std::string reason;         // why there is no model: one sentence
};

// Every .gguf file and every Hugging Face folder (config.json beside weights) in the folders, four levels deep
// and at most 10,000, once, in order of folder and name. Reads headers and configurations only.
std::vector<ListedModel> listModels(const std::vector<std::string>& folders, Precision compute,
                                    const DigestCache& cache);

} // namespace azimuth
