// The identity of a model: what makes two checkpoints the same for every result (contracts: identity).
//
//            of a GGUF file                                     of a Hugging Face folder
// weights    SHA-256 of the whole file                          of each safetensors file, in order of name
// config     of the canonical JSON of these metadata keys:      of config.json without the keys that change
//            general.architecture, .file_type,                  no result (configForIdentity)
//            .quantization_version, and every key that
//            begins with the architecture and a dot
// tokenizer  every "tokenizer.*" but those of the template      digest of tokenizer.json, ids of BOS, EOS,
//                                                               unknown and padding, stop ids
// template   every "tokenizer.chat_template*"                   {"chat_template": the template in use}
// storage    "dequantised Q4_K_M" by general.file_type (without it by the type most weights have), or "fp32",
//            "fp16", "bf16"
//
// In the objects of GGUF, u64 and i64 are strings of digits, every other number a double, arrays are arrays; a
// key that is missing is missing ("{}" for a model without template). Names, authors, licences and the like
// (the rest of general.*) are not in it. Texts that are not UTF-8 and numbers that are not finite are errors:
// checkpoint.metadata.
#pragma once

#include "core/container/gguf_file.h"
#include "core/container/mapped_file.h"
#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/checkpoint/stored_model.h"
#include "core/study/model.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct ModelDigests {
    std::vector<std::string> weights;                      // one per file, in file order
    std::string config, tokenizer, chatTemplate;           // 64 hex digits each

    friend bool operator==(const ModelDigests&, const ModelDigests&) = default;
};

MetadataDigests metadataDigests(const GgufFile& file);
std::string storageName(const GgufFile& file);

// What is kept of a file, or of several together; what is not known is empty.
struct CachedDigests {
    std::string weights;
    MetadataDigests metadata;
};

// Digests of files by device, inode, size and time, kept in one JSON file. A cache that is missing, damaged
// or not writable only costs time; what is written is merged with what others wrote meanwhile. One thread per
// object.
class DigestCache {
public:
    explicit DigestCache(std::string path = defaultPath());
    static std::string defaultPath(); // $XDG_CACHE_HOME/azimuth/digests.json

    CachedDigests find(const std::vector<FileStamp>& stamps) const;
    void store(const std::vector<FileStamp>& stamps, const CachedDigests& digests); // keeps what is empty here

private:
    void read();

    std::string m_path;
    std::map<std::string, CachedDigests> m_entries;
};

// progress(done, total) in bytes while files are read; false cancels.
using DigestProgress = std::function<bool(std::uint64_t, std::uint64_t)>;
// From the cache, else computed and stored. Error file.changed if a file is written to meanwhile.
ModelDigests digestsOf(const StoredModel& model, DigestCache& cache, const DigestProgress& progress = {});
// Nothing where one is not in the cache. Reads no file.
std::optional<ModelDigests> cachedDigests(const StoredModel& model, const DigestCache& cache);

// The model with its identity. `name` is the file's or the folder's name; a study puts its own there.
Model describe(const Checkpoint& checkpoint, Precision compute, DigestCache& cache,
               const DigestProgress& progress = {});
// The same without reading the weights: identity and digests are empty unless they are in the cache.
Model describeQuickly(const Checkpoint& checkpoint, Precision compute, const DigestCache& cache);

} // namespace azimuth
