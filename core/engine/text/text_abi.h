// The C ABI of core/engine/text/crate (tokenizers and minijinja in one Rust archive). Used by the .cpp files
// of this folder only. Every function that can fail returns false and fills *failure, which the caller frees;
// on true *failure is untouched. Views are bytes of the caller, UTF-8 unless the call finds out. Panics
// become failures (text.internal). An open handle may be used from several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct AzimuthTokenizer;
struct AzimuthTemplate;

struct AzimuthView {
    const char* data;
    std::size_t size;
};

struct AzimuthText { // free with azimuth_text_free
    char* data;
    std::size_t size;
};

struct AzimuthFailure {
    AzimuthText code, text;
};

struct AzimuthVocabulary {
    AzimuthView kind, pre, json;
    const AzimuthView* tokens;
    std::size_t tokenCount;
    const float* scores;
    std::size_t scoreCount;
    const std::int32_t* types;
    std::size_t typeCount;
    const AzimuthView* merges;
    std::size_t mergeCount;
    std::int64_t unknown; // -1: none
    std::uint64_t rows;   // ids are 0 .. rows - 1; 0: as many as tokens
    bool spacePrefix;
};

struct AzimuthEncoding { // starts and ends are bytes of the encoded text; free with azimuth_encoding_free
    std::uint32_t* ids;
    std::uint64_t* starts;
    std::uint64_t* ends;
    std::size_t count;
};

bool azimuth_tokenizer_open(const AzimuthVocabulary* source, AzimuthTokenizer** out, AzimuthFailure* failure);
void azimuth_tokenizer_close(AzimuthTokenizer* tokenizer);
std::size_t azimuth_tokenizer_size(const AzimuthTokenizer* tokenizer); // rows if given
bool azimuth_tokenizer_adds_bos(const AzimuthTokenizer* tokenizer);
bool azimuth_tokenizer_encode(const AzimuthTokenizer* tokenizer, AzimuthView text, bool withEnds,
                              AzimuthEncoding* out, AzimuthFailure* failure);
void azimuth_encoding_free(AzimuthEncoding encoding);
bool azimuth_tokenizer_decode(const AzimuthTokenizer* tokenizer, const std::uint32_t* ids, std::size_t count,
                              bool skipSpecial, AzimuthText* out, AzimuthFailure* failure);
bool azimuth_tokenizer_token(const AzimuthTokenizer* tokenizer, std::uint32_t id, AzimuthText* out,
                             AzimuthFailure* failure);
bool azimuth_tokenizer_find(const AzimuthTokenizer* tokenizer, AzimuthView token, std::int64_t* out,
                            AzimuthFailure* failure);

bool azimuth_template_open(AzimuthView source, AzimuthTemplate** out, AzimuthFailure* failure);
void azimuth_template_close(AzimuthTemplate* chatTemplate);
bool azimuth_template_render(const AzimuthTemplate* chatTemplate, AzimuthView messages, AzimuthView defaults,
                             AzimuthView variables, bool generationPrompt, AzimuthText* out,
                             AzimuthFailure* failure);

void azimuth_text_free(AzimuthText text);
}
