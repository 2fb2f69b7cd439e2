// What the ids of a tokenizer.json are, in one pass that builds no tree (such files have up to 40 MB).
// Checked: JSON and UTF-8, nested at most 64 deep, ids whole numbers from 0 to 2^31 - 1. Everything else is
// checked by Tokenizer::from. Error checkpoint.tokenizer, json.depth.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace azimuth {

struct TokenizerJsonScan {
    std::int64_t pieces = 0;                 // of the model
    std::int64_t highestPiece = -1;          // id
    std::string highestPieceText;            // empty for a Unigram model, whose ids are positions
    std::map<std::string, std::int64_t> ids; // of the wanted texts that are there; added tokens win
};

// origin: the path, for messages.
TokenizerJsonScan scanTokenizerJson(std::string_view text, const std::string& origin,
                                    const std::set<std::string>& wanted);

} // namespace azimuth
