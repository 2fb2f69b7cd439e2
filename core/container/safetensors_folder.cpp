#include "core/container/safetensors_folder.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <filesystem>
#include <set>

namespace azimuth {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t maximumShards = 1'000;
constexpr const char* remedy = "Download the folder again.";

bool exists(const std::string& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

bool isPlainName(const std::string& name) {
    constexpr std::string_view ending = ".safetensors";
    return name.size() > ending.size() && name.size() < 256 && name.ends_with(ending) &&
           name.front() != '.' &&
           name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos && isValidUtf8(name);
}

[[noreturn]] void refuseMissing(const std::string& folder) {
    std::string pickled;
    for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"})
        if (exists(folder + "/" + name))
            pickled = name;
    if (!pickled.empty())
        throw Error("safetensors.missing",
                    folder + ": the weights are in " + pickled +
                        ", a Python pickle, which can run programs; only safetensors are read.",
                    "Get the model with model.safetensors, or convert it.");
    throw Error("safetensors.missing",
                folder + ": there is neither model.safetensors nor model.safetensors.index.json.",
                "Download the folder completely.");
}

// tensor -> file name
std::map<std::string, std::string> readIndex(const std::string& path) {
    const auto index = readJsonFile(path);
    const auto map = index.is_object() ? index.find("weight_map") : index.end();
    if (!index.is_object() || map == index.end() || !map->is_object() || map->empty())
        throw Error("safetensors.index", path + ": weight_map is missing, empty or not an object.", remedy);
    std::map<std::string, std::string> files;
    for (const auto& [name, file] : map->items()) {
        if (!file.is_string() || !isPlainName(file.get_ref<const std::string&>()))
            throw Error("safetensors.index",
                        path + ": " + forMessage(name) + " is said to lie in " +
                            forMessage(file.dump(), 120) +
                            ", expected is the plain name of a .safetensors file in this folder.",
                        "Do not trust this folder: get the model from another source.");
        files.emplace(name, file.get<std::string>());
    }
    return files;
}

void checkAgainst(const std::map<std::string, std::string>& index, const std::string& path,
                  const SafetensorsFolder& folder) {
    std::vector<std::string> findings;
    const auto fileName = [&](std::size_t file) {
        return fs::path(folder.files()[file].origin()).filename().string();
    };
    for (const auto& [name, file] : index)
        if (const auto* found = folder.find(name); !found || fileName(found->file) != file)
            findings.push_back(forMessage(name) + ": the index says " + file + ", it is " +
                               (found ? "in " + fileName(found->file) : std::string("in no file")) + ".");
    for (const auto& [file, tensor] : folder.tensors())
        if (!index.contains(tensor->name))
            findings.push_back(forMessage(tensor->name) + ": lies in " + fileName(file) +
                               ", the index does not name it.");
    if (!findings.empty())
        throw joinErrors("safetensors.index", findings, remedy).within(path);
}

} // namespace

SafetensorsFolder SafetensorsFolder::open(const std::string& folder) {
    SafetensorsFolder result;
    const auto single = folder + "/model.safetensors", indexPath = single + ".index.json";
    if (exists(single)) {
        result.m_files.push_back(SafetensorsFile::open(single));
        result.addTensors();
        return result;
    }
    if (!exists(indexPath))
        refuseMissing(folder);
    const auto index = readIndex(indexPath);
    std::set<std::string> names;
    for (const auto& [tensor, file] : index)
        names.insert(file);
    if (names.size() > maximumShards)
        throw Error("safetensors.index",
                    indexPath + ": it names " + std::to_string(names.size()) + " files, allowed are " +
                        std::to_string(maximumShards) + ".",
                    remedy);
    for (const auto& name : names)
        result.m_files.push_back(SafetensorsFile::open(folder + "/" + name));
    result.addTensors();
    checkAgainst(index, indexPath, result);
    return result;
}

void SafetensorsFolder::addTensors() {
    for (std::size_t file = 0; file < m_files.size(); ++file)
        for (const auto& tensor : m_files[file].tensors()) {
            if (const auto [at, added] = m_index.emplace(tensor.name, m_tensors.size()); !added)
                throw Error("safetensors.index",
                            m_files[file].origin() + ": " + forMessage(tensor.name) + " is also in " +
                                fs::path(m_files[m_tensors[at->second].file].origin()).filename().string() +
                                ".",
                            remedy);
            m_tensors.push_back({file, &tensor});
        }
}

const SafetensorsFolder::Tensor* SafetensorsFolder::find(std::string_view name) const {
    const auto found = m_index.find(name);
    return found == m_index.end() ? nullptr : &m_tensors[found->second];
}

} // namespace azimuth
