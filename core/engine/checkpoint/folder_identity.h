// What of a Hugging Face folder besides its weights is part of a model's identity (identity.h).
#pragma once

#include "core/base/json.h"
#include "core/container/mapped_file.h"
#include "core/engine/checkpoint/stored_model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

// `config` is the folder's config.json, `vocabulary` the rows of the embedding. Errors of
// folder_tokenizer_reader.h; a folder without tokenizer.json has the digest of "{}".
MetadataDigests folderDigests(const std::string& folder, const Json& config, std::int64_t vocabulary);
// config.json without the keys that change no result, here and in text_config.
Json configForIdentity(const Json& config);
// One per file that folderDigests reads, in a fixed order; a missing file has a stamp of zeros.
std::vector<FileStamp> folderStamps(const std::string& folder);
// Whether a chat template is there. Reads no tokenizer; a file that cannot be read counts as without.
bool folderHasTemplate(const std::string& folder);

} // namespace azimuth
