// A Hugging Face folder: config.json, safetensors, and the files of its tokenizer.
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/container/safetensors_folder.h"
#include "core/engine/checkpoint/config_reader.h"
#include "core/engine/checkpoint/folder_identity.h"
#include "core/engine/checkpoint/folder_tokenizer_reader.h"
#include "core/engine/checkpoint/stored_model.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace azimuth {
namespace {

std::optional<GgufType> typeOf(DType type) {
    switch (type) {
    case DType::F32:
        return GgufType::F32;
    case DType::F16:
        return GgufType::F16;
    case DType::BF16:
        return GgufType::BF16;
    default:
        return {};
    }
}

std::string storageOf(const std::vector<StoredTensor>& tensors) {
    std::map<std::string, std::uint64_t> elements;
    for (const auto& tensor : tensors)
        elements[tensor.typeName] += tensor.elements;
    const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
    if (most == elements.end())
        return "nothing";
    if (most->first == "F32")
        return "fp32";
    if (most->first == "F16")
        return "fp16";
    return most->first == "BF16" ? "bf16" : most->first;
}

class FolderModel : public StoredModel {
public:
    explicit FolderModel(const std::string& path)
        : m_path(path), m_config(readJsonFile(path + "/config.json")),
          m_weights(SafetensorsFolder::open(path)) {
        for (const auto& [file, tensor] : m_weights.tensors()) {
            std::uint64_t elements = 1;
            for (const auto extent : tensor->shape) // their product was checked with the size in bytes
                elements *= static_cast<std::uint64_t>(extent);
            m_tensors.push_back({tensor->name, std::string(dtypeName(tensor->type)), typeOf(tensor->type),
                                 tensor->shape, elements, file, tensor->offset, tensor->bytes});
        }
    }

    const std::string& path() const override { return m_path; }
    Container container() const override { return Container::Folder; }
    const std::vector<StoredTensor>& tensors() const override { return m_tensors; }
    std::vector<const MappedFile*> weightFiles() const override {
        std::vector<const MappedFile*> files;
        for (const auto& file : m_weights.files())
            files.push_back(file.mapping().get());
        return files;
    }
    std::span<const std::byte> data(const StoredTensor& tensor) const override {
        return m_weights.files()[tensor.file].mapping()->bytes().subspan(tensor.offset, tensor.bytes);
    }
    Hyperparameters hyperparameters() const override {
        return readConfig(m_config, m_path + "/config.json",
                          [&](std::string_view name) { return m_weights.find(name) != nullptr; });
    }
    TokenizerSource tokenizerSource(std::int64_t maximumTokens) const override {
        return readTokenizerSource(m_path, maximumTokens);
    }
    bool hasTemplate() const override { return folderHasTemplate(m_path); }
    std::string storageName() const override { return storageOf(m_tensors); }
    MetadataDigests metadataDigests() const override {
        return folderDigests(m_path, m_config, hyperparameters().vocabulary);
    }
    std::vector<FileStamp> metadataStamps() const override { return folderStamps(m_path); }

private:
    std::string m_path;
    Json m_config;
    SafetensorsFolder m_weights;
    std::vector<StoredTensor> m_tensors;
};

} // namespace

std::shared_ptr<const StoredModel> openFolder(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path + "/config.json", ignored))
        throw Error("model.folder", path + ": there is no config.json, so this is no Hugging Face folder.",
                    "Give a folder with config.json and model.safetensors, or a GGUF file.");
    return std::make_shared<const FolderModel>(path);
}

} // namespace azimuth
