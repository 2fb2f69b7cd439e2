// The identity of a model: what makes two checkpoints the same for every result (contracts: identity).
//
// weights    SHA-256 of the whole file, one per file.
// config     SHA-256 of the canonical JSON of the object of these metadata keys: general.architecture,
//            general.file_type, general.quantization_version, and every key that begins with the name of the
//            architecture and a dot.
// tokenizer  The same of every key that begins with "tokenizer.", without those of the template.
// template   The same of every key that begins with "tokenizer.chat_template".
// storage    "dequantised Q4_K_M" by general.file_type (without it by the type most weights have), or "fp32",
//            "fp16", "bf16".
//
// In these objects u64 and i64 are strings of digits, every other number a double, arrays are arrays; a key
// that is missing is missing ("{}" for a model without template). Names, authors, licences and the like (the
// rest of general.*) are not in it. Texts that are not UTF-8 and numbers that are not finite are errors:
// checkpoint.metadata.
#pragma once

#include "core/container/gguf_file.h"
#include "core/container/mapped_file.h"
#include "core/engine/checkpoint/checkpoint.h"
#include "core/study/model.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace azimuth {

struct FileDigests {
    std::string weights, config, tokenizer, chatTemplate; // 64 hex digits each

    friend bool operator==(const FileDigests&, const FileDigests&) = default;
};

FileDigests metadataDigests(const GgufFile& file); // weights stays empty
std::string storageName(const GgufFile& file);

// Digests of files by device, inode, size and time, kept in one JSON file. A cache that is missing, damaged
// or not writable only costs time; what is written is merged with what others wrote meanwhile. One thread per
// object.
class DigestCache {
public:
    explicit DigestCache(std::string path = defaultPath());
    static std::string defaultPath(); // $XDG_CACHE_HOME/azimuth/digests.json

    std::optional<FileDigests> find(const FileStamp& stamp) const;
    void store(const FileStamp& stamp, const FileDigests& digests);

private:
    void read();

    std::string m_path;
    std::map<std::string, FileDigests> m_entries;
};

// progress(done, total) in bytes while the file is read; false cancels.
using DigestProgress = std::function<bool(std::uint64_t, std::uint64_t)>;
// From the cache, else computed and stored. Error file.changed if the file is written to meanwhile.
FileDigests digestsOf(const GgufFile& file, DigestCache& cache, const DigestProgress& progress = {});

// The model with its identity. `name` is the file's name; a study puts its own there.
Model describe(const Checkpoint& checkpoint, Precision compute, DigestCache& cache,
               const DigestProgress& progress = {});
// The same without reading the weights: identity and digests are empty unless they are in the cache.
Model describeQuickly(const Checkpoint& checkpoint, Precision compute, const DigestCache& cache);

} // namespace azimuth
