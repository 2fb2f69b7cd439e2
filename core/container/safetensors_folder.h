// The weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json
// names, as one list of tensors. (model.safetensors wins where both are there, as in transformers.)
//
// After open() every file is a right safetensors file (safetensors.h); every name of the index is a plain
// file name ending in .safetensors, so nothing outside the folder is opened by the word of a file; every
// tensor lies in the shard that the index names, no tensor lies in two, none is missing from the index. A
// file of the folder may be a symbolic link, as in Hugging Face's cache. No tensor byte was read. Immutable:
// any thread may read. Errors: safetensors.index (names the index, the entry and both values),
// safetensors.missing (no weights here; says what is), safetensors.syntax, json.*, file.*.
#pragma once

#include "core/container/safetensors.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

class SafetensorsFolder {
public:
    static SafetensorsFolder open(const std::string& folder);
    SafetensorsFolder(SafetensorsFolder&&) = default; // its tensors point into it
    SafetensorsFolder& operator=(SafetensorsFolder&&) = default;

    struct Tensor {
        std::size_t file = 0;                       // index into files()
        const SafetensorsTensor* tensor = nullptr;  // lives with the object
    };
    const std::vector<SafetensorsFile>& files() const { return m_files; } // in order of their names
    const std::vector<Tensor>& tensors() const { return m_tensors; }      // by file, then in order of the data
    const Tensor* find(std::string_view name) const;                      // null if missing

private:
    SafetensorsFolder() = default;
    void addTensors();

    std::vector<SafetensorsFile> m_files;
    std::vector<Tensor> m_tensors;
    std::map<std::string_view, std::size_t> m_index;
};

} // namespace azimuth
