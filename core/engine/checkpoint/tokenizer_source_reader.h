// TokenizerSource from GGUF metadata ("tokenizer.*"). Checked: UTF-8, lengths equal the number of tokens, ids
// inside, at most maximumTokens tokens, a template of at most 256 KiB. Error checkpoint.tokenizer with key,
// element and both values.
#pragma once

#include "core/container/gguf_file.h"
#include "core/study/tokenizer_source.h"

#include <cstdint>

namespace azimuth {

TokenizerSource readTokenizerSource(const GgufFile& file, std::int64_t maximumTokens);

} // namespace azimuth
