// Where models are looked for by default; shared by the worker's verbs and the window.
#pragma once

#include <string>
#include <vector>

namespace azimuth {

std::string cacheFolder();      // $XDG_CACHE_HOME/azimuth, else ~/.cache/azimuth
std::string modelCacheFolder(); // where installer/ and Azimuth keep models: cacheFolder()/models
// $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub
std::string huggingFaceFolder();

// `.gguf` files below the folders, at most `depth` levels deep, sorted, each real file once; unreadable
// folders are skipped.
std::vector<std::string> findModelFiles(const std::vector<std::string>& folders, int depth = 4);

} // namespace azimuth
