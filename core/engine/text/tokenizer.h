// Text to token ids and back for one model.
//
// Guarantees: ids of kind "gpt2" are those of the model's own Hugging Face tokenizer, of kind "llama" those
// of SentencePiece's BPE on the file's scores (as llama.cpp computes them). Text of control and user-defined
// tokens inside a prompt becomes that token, as in both. Text is any UTF-8 with NUL allowed, at most 16 MiB;
// spans are bytes of it. decode gives valid UTF-8: bytes that form no character become U+FFFD.
//
// Immutable after from(): any thread may call any method.
//
// Errors: text.kind, text.pre, text.vocabulary, text.json for a source that cannot be used; text.utf8,
// text.limit, text.id.
#pragma once

#include "core/study/tokenizer_source.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct AzimuthTokenizer;

namespace azimuth {

// Bytes [begin, end) of the encoded text. Tokens added at the ends have an empty span there; the tokens of
// one character that needs several all have that character's span.
struct TokenSpan {
    std::size_t begin = 0, end = 0;
    friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

struct Encoding {
    std::vector<std::int32_t> ids;
    std::vector<TokenSpan> spans; // one per id
};

class Tokenizer {
public:
    static Tokenizer from(const TokenizerSource& source);

    // addSpecial: with the BOS and EOS that the model adds to plain text. Not for text from a chat template,
    // which has its own.
    std::vector<std::int32_t> encode(std::string_view text, bool addSpecial) const;
    Encoding encodeWithSpans(std::string_view text, bool addSpecial) const;

    std::string decode(std::span<const std::int32_t> ids, bool skipSpecial) const;

    // The vocabulary's own spelling of a token ("Ġthe", "▁the", "<0x0A>").
    std::string tokenText(std::int32_t id) const;
    std::optional<std::int32_t> tokenId(std::string_view tokenText) const;

    // Ids are 0 .. vocabularySize() - 1: the model's rows where the source states them. A row without a token
    // decodes to nothing; a token without a row is an error where text holds it.
    std::int64_t vocabularySize() const { return m_size; }

    std::optional<std::int32_t> bos() const { return m_bos; }
    std::optional<std::int32_t> eos() const { return m_eos; }
    std::optional<std::int32_t> unknown() const { return m_unknown; }
    std::optional<std::int32_t> padding() const { return m_padding; }
    // End of turn and end of message: as the file says, else by the usual texts ("<|im_end|>",
    // "<end_of_turn>" ...).
    std::optional<std::int32_t> eot() const { return m_eot; }
    std::optional<std::int32_t> eom() const { return m_eom; }
    // Where generation stops: eos, eot and eom where present and the source's stops; ascending, unique.
    const std::vector<std::int32_t>& stopIds() const { return m_stopIds; }

    bool addsBos() const { return m_addsBos; } // to plain text
    bool addsEos() const { return m_addsEos; }

private:
    struct Close {
        void operator()(AzimuthTokenizer* tokenizer) const;
    };

    Tokenizer() = default;
    Encoding encodeBare(std::string_view text, bool withEnds) const;
    std::optional<std::int32_t> checkedId(const char* name, std::int64_t id) const;
    std::optional<std::int32_t> firstOf(std::span<const std::string_view> texts) const;
    void setSpecials(const TokenizerSource& source);
    void setEnds(const TokenizerSource& source);

    std::unique_ptr<AzimuthTokenizer, Close> m_library;
    std::int64_t m_size = 0;
    bool m_json = false; // the ends are the library's
    bool m_addsBos = false, m_addsEos = false;
    std::optional<std::int32_t> m_bos, m_eos, m_eot, m_eom, m_unknown, m_padding;
    std::vector<std::int32_t> m_stopIds;
};

} // namespace azimuth
