// From what a study calls a model (`find`) to a file, and the list of models on this machine.
#pragma once

#include "core/engine/checkpoint/identity.h"
#include "core/study/model.h"

#include <optional>
#include <string>
#include <vector>

namespace azimuth {

std::string cacheFolder(); // $XDG_CACHE_HOME, else ~/.cache

// Azimuth's models and the snapshots of Hugging Face's cache ($HF_HUB_CACHE, $HF_HOME/hub,
// <cache>/huggingface/hub); those that exist, in the order in which they are searched.
std::vector<std::string> defaultModelFolders();

// The path of the file. An absolute path is taken as it is; another is looked for in `folders`, then in the
// working folder, then in the default folders. Errors: model.missing (says where it looked, and what is
// there), model.folder (a Hugging Face folder or org/name: loading these is not built yet), file.kind.
std::string locateModel(const std::string& find, const std::vector<std::string>& folders = {});

struct ListedModel {
    std::string path;
    std::optional<Model> model; // identity only where it is memoised
    std::string reason;         // why there is no model: one sentence
};

// Every .gguf file in the folders (four levels deep, at most 10,000 files), once, in order of folder and
// name. Reads headers only.
std::vector<ListedModel> listModels(const std::vector<std::string>& folders, Precision compute,
                                    const DigestCache& cache);

} // namespace azimuth
