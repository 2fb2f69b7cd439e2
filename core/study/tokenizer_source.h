// What a checkpoint knows about its tokenizer, as it is stored there: the value that travels from checkpoint
// to text. Nothing is checked here; Tokenizer::from checks everything before use. Token ids are indices into
// tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct TokenizerSource {
    std::string kind; // tokenizer.ggml.model: "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE)
    std::string pre;  // tokenizer.ggml.pre: how text is cut before merging; kind gpt2 only
    std::vector<std::string> tokens; // UTF-8, unique
    std::vector<float> scores;       // one per token; kind llama only
    // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; empty: all normal.
    std::vector<std::int32_t> tokenTypes;
    std::vector<std::string> merges; // "left right" in order of rank; kind gpt2 only

    // A whole tokenizer.json text (Hugging Face folders, tokenizer.huggingface.json). If not empty it is used
    // in place of kind, pre, scores, types and merges, after a check against tokens where there are any.
    std::string json;

    // Ids, -1 if absent. An absent eot or eom is looked for by its usual texts.
    std::int64_t bos = -1, eos = -1, eot = -1, eom = -1, unknown = -1, padding = -1;
    std::vector<std::int64_t> stops; // more ids at which generation stops

    // Of the model's embedding: ids the model can read and write are 0 .. rows - 1. 0: as many as tokens.
    std::int64_t rows = 0;

    // Nothing: the default of the kind (and of pre). addBos and addEos count for nothing beside a json, which
    // says itself what is added at the ends.
    std::optional<bool> addBos, addEos, addSpacePrefix;

    std::optional<std::string> chatTemplate; // Jinja2 source

    friend bool operator==(const TokenizerSource&, const TokenizerSource&) = default;
};

} // namespace azimuth
