#include "core/container/gguf_file.h"
#include "core/engine/checkpoint/hyperparameters_reader.h"
#include "core/engine/checkpoint/identity.h"
#include "core/engine/checkpoint/stored_model.h"
#include "core/engine/checkpoint/tokenizer_source_reader.h"

namespace azimuth {
namespace {

class GgufModel : public StoredModel {
public:
    explicit GgufModel(const std::string& path) : m_file(GgufFile::open(path)) {
        for (const auto& tensor : m_file.tensors())
            m_tensors.push_back({tensor.name, ggufTypeName(tensor.type), tensor.type, tensor.shape,
                                 tensor.elements, 0, tensor.offset, tensor.bytes});
    }

    const std::string& path() const override { return m_file.origin(); }
    Container container() const override { return Container::Gguf; }
    const std::vector<StoredTensor>& tensors() const override { return m_tensors; }
    std::vector<const MappedFile*> weightFiles() const override { return {m_file.mapping().get()}; }
    std::span<const std::byte> data(const StoredTensor& tensor) const override {
        return m_file.mapping()->bytes().subspan(tensor.offset, tensor.bytes);
    }
    Hyperparameters hyperparameters() const override { return readHyperparameters(m_file); }
    TokenizerSource tokenizerSource(std::int64_t maximumTokens) const override {
        return readTokenizerSource(m_file, maximumTokens);
    }
    bool hasTemplate() const override { return m_file.find("tokenizer.chat_template") != nullptr; }
    std::string storageName() const override { return azimuth::storageName(m_file); }
    MetadataDigests metadataDigests() const override { return azimuth::metadataDigests(m_file); }
    std::vector<FileStamp> metadataStamps() const override { return {m_file.mapping()->stamp()}; }

private:
    GgufFile m_file;
    std::vector<StoredTensor> m_tensors;
};

} // namespace

std::shared_ptr<const StoredModel> openGguf(const std::string& path) {
    return std::make_shared<const GgufModel>(path);
}

} // namespace azimuth
