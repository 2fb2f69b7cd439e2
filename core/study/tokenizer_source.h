// What a tokenizer and a chat template are made from: a plain value that carries them from a checkpoint to the text module.
// Guaranteed by whoever fills it: every text is UTF-8; scores and tokenTypes are empty or have one element per token; the
// ids lie in 0 .. tokens.size() - 1. Where `json` is filled (Hugging Face's tokenizer.json), tokens, scores, types and merges may be empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct TokenizerSource {
    std::string kind; // "gpt2": byte-level BPE, "llama": SentencePiece with scores, as tokenizer.ggml.model
    std::string pre; // pre-tokenizer family ("smollm", "llama-bpe"); empty if not said
    std::vector<std::string> tokens; // id -> text as the vocabulary spells it
    std::vector<float> scores; // kind llama
    std::vector<std::int32_t> tokenTypes; // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
    std::vector<std::string> merges; // kind gpt2: "left right", in order of rank
    std::string json;

    std::optional<std::int64_t> bos, eos, eot, eom, unknown, padding, separator;
    bool addBos = false, addEos = false; // where the file is silent: addBos for kind llama only
    bool addSpacePrefix = false; // where the file is silent: for kind llama only
    bool removeExtraWhitespaces = false;

    std::string chatTemplate; // Jinja; empty: the model has none

    friend bool operator==(const TokenizerSource&, const TokenizerSource&) = default;
};

} // namespace azimuth
