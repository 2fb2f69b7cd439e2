// TokenizerSource from a Hugging Face folder (or cache snapshot).
//
// tokenizer.json is taken whole; it decides ids, the cutting of text and the tokens added at the ends, as in
// transformers 5 (add_bos_token and add_eos_token of tokenizer_config.json are kept, but a tokenizer.json
// wins over them). Where a class of transformers 5 (LlamaTokenizer, GPT2Tokenizer) builds a pipeline of its
// own, its ids differ from the file's: for Llama 2 behind special tokens and before leading blanks ("<s>["
// against "<s>▁[", which is also Meta's), for SmolLM2 between blanks and digits. BOS, EOS, unknown and
// padding: tokenizer_config.json, which special_tokens_map.json overrides where the first has no
// added_tokens_decoder; what neither says, by the defaults of the tokenizer class. A BOS, EOS, unknown or
// padding text that is no token has no id.
//
// Chat template: chat_template.jinja, else tokenizer_config.json (one text, or the one named "default"), else
// chat_template.json. Stop ids: eos_token_id of generation_config.json, else of config.json; ids that the
// model has no row for can never occur and are left out.
//
// Files are hostile: sizes are capped before reading, types are checked, pieces of the vocabulary have a row
// in the embedding. Added tokens may lie behind it (Gemma 3's <image_soft_token>): using one is an error of
// Tokenizer. Error checkpoint.tokenizer, json.*, file.*.
#pragma once

#include "core/study/tokenizer_source.h"

#include <cstdint>
#include <string>

namespace azimuth {

// maximumTokens: rows of the model's embedding.
TokenizerSource readTokenizerSource(const std::string& folder, std::int64_t maximumTokens);

} // namespace azimuth
