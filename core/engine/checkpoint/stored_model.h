// What a checkpoint lies in, a GGUF file or a Hugging Face folder, behind one interface: tensors by stored
// name with raw bytes, and what the rest of the files say. Opened by openStored; knows nothing of canonical
// names or of precision. No torch here. Immutable: any thread may read.
#pragma once

#include "core/container/gguf_types.h"
#include "core/container/mapped_file.h"
#include "core/engine/checkpoint/hyperparameters.h"
#include "core/engine/checkpoint/tensor_names.h"
#include "core/study/tokenizer_source.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

struct StoredTensor {
    std::string name;     // as the file has it, unique in the model
    std::string typeName; // as the file has it: "Q4_1", "BF16"
    // How to read it; safetensors' F32, F16 and BF16 are those of GGUF. Nothing: unknown to dequantise().
    std::optional<GgufType> type;
    std::vector<std::int64_t> shape; // slowest axis first
    std::uint64_t elements = 0;
    std::size_t file = 0;                // index into weightFiles()
    std::uint64_t offset = 0, bytes = 0; // in that file
};

// Digests of what is not weights (identity.h); 64 hex digits each.
struct MetadataDigests {
    std::string config, tokenizer, chatTemplate;
};

class StoredModel {
public:
    virtual ~StoredModel() = default;

    virtual const std::string& path() const = 0;
    virtual Container container() const = 0;
    virtual const std::vector<StoredTensor>& tensors() const = 0; // by file, then in order of the data
    virtual std::vector<const MappedFile*> weightFiles() const = 0; // never empty, never null
    virtual std::span<const std::byte> data(const StoredTensor& tensor) const = 0;

    virtual Hyperparameters hyperparameters() const = 0;
    virtual TokenizerSource tokenizerSource(std::int64_t maximumTokens) const = 0;
    virtual bool hasTemplate() const = 0;
    virtual std::string storageName() const = 0;       // "dequantised Q4_K_M", "bf16"
    virtual MetadataDigests metadataDigests() const = 0; // may read much
    // Of everything that metadataDigests() reads: two models with equal stamps have equal digests.
    virtual std::vector<FileStamp> metadataStamps() const = 0;

    const StoredTensor* find(std::string_view name) const; // null if missing; linear
};

// A folder is a Hugging Face folder, a file is a GGUF file.
std::shared_ptr<const StoredModel> openStored(const std::string& path);
std::shared_ptr<const StoredModel> openGguf(const std::string& path);
std::shared_ptr<const StoredModel> openFolder(const std::string& path);

// Of the file, or of every file of the folder in order of name: equal while nothing of the model changed.
std::vector<FileStamp> modelStamps(const std::string& path);

} // namespace azimuth
