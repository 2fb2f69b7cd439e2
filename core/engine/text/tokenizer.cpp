#include "core/engine/text/tokenizer.h"

#include "core/engine/text/text_abi.h"
#include "core/engine/text/text_failure.h"

#include <algorithm>
#include <limits>

namespace azimuth {
namespace {

constexpr std::size_t maximumText = std::size_t{16} << 20;

// Texts of the end of a turn as llama.cpp knows them, those of chat formats before those that also end
// documents.
constexpr std::string_view endOfTurn[] = {
    "<|eot_id|>", "<|im_end|>",         "<end_of_turn>",         "<|end|>",         "<EOT>",         "_<EOT>",
    "[EOT]",      "<end_of_utterance>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "<|endoftext|>",
};
constexpr std::string_view endOfMessage[] = {"<|eom_id|>"};

std::vector<AzimuthView> viewsOf(const std::vector<std::string>& texts) {
    std::vector<AzimuthView> views;
    views.reserve(texts.size());
    for (const std::string& text : texts)
        views.push_back(viewOf(text));
    return views;
}

} // namespace

void Tokenizer::Close::operator()(AzimuthTokenizer* tokenizer) const { azimuth_tokenizer_close(tokenizer); }

Tokenizer Tokenizer::from(const TokenizerSource& source) {
    if (source.json.empty() && source.tokens.empty())
        throwTextError("text.vocabulary", "tokenizer.ggml.tokens is empty or missing");
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    if (source.tokens.size() > most)
        throwTextError("text.vocabulary", "tokenizer.ggml.tokens has " +
                                              std::to_string(source.tokens.size()) + " entries, at most " +
                                              std::to_string(most) + " are possible");
    if (source.rows < 0)
        throwTextError("text.vocabulary", "the model has " + std::to_string(source.rows) + " rows");
    Tokenizer tokenizer;
    tokenizer.m_json = !source.json.empty();
    tokenizer.m_size = static_cast<std::int64_t>(source.tokens.size());
    if (!tokenizer.m_json)
        tokenizer.setSpecials(source); // before the costly part: a wrong id is found at once

    const std::vector<AzimuthView> tokens = viewsOf(source.tokens), merges = viewsOf(source.merges);
    AzimuthVocabulary vocabulary{};
    vocabulary.kind = viewOf(source.kind);
    vocabulary.pre = viewOf(source.pre);
    vocabulary.json = viewOf(source.json);
    vocabulary.tokens = tokens.data();
    vocabulary.tokenCount = tokens.size();
    vocabulary.scores = source.scores.data();
    vocabulary.scoreCount = source.scores.size();
    vocabulary.types = source.tokenTypes.data();
    vocabulary.typeCount = source.tokenTypes.size();
    vocabulary.merges = merges.data();
    vocabulary.mergeCount = merges.size();
    vocabulary.unknown = source.unknown;
    vocabulary.rows = static_cast<std::uint64_t>(source.rows);
    vocabulary.spacePrefix = source.addSpacePrefix.value_or(source.kind == "llama");

    AzimuthTokenizer* library = nullptr;
    AzimuthFailure failure{};
    if (!azimuth_tokenizer_open(&vocabulary, &library, &failure))
        throwTextFailure(failure);
    tokenizer.m_library.reset(library);
    tokenizer.m_size = static_cast<std::int64_t>(azimuth_tokenizer_size(library));
    tokenizer.setSpecials(source);
    tokenizer.setEnds(source);
    return tokenizer;
}

std::optional<std::int32_t> Tokenizer::checkedId(const char* name, std::int64_t id) const {
    if (id == -1)
        return std::nullopt;
    if (id < 0 || id >= m_size)
        throwTextError("text.vocabulary", std::string("the ") + name + " token has the id " +
                                              std::to_string(id) + ", the vocabulary has " +
                                              std::to_string(m_size) + " tokens");
    return static_cast<std::int32_t>(id);
}

std::optional<std::int32_t> Tokenizer::firstOf(std::span<const std::string_view> texts) const {
    for (std::string_view text : texts)
        if (const auto id = tokenId(text))
            return id;
    return std::nullopt;
}

void Tokenizer::setSpecials(const TokenizerSource& source) {
    m_bos = checkedId("bos", source.bos);
    m_eos = checkedId("eos", source.eos);
    m_eot = checkedId("eot", source.eot);
    m_eom = checkedId("eom", source.eom);
    m_unknown = checkedId("unknown", source.unknown);
    m_padding = checkedId("padding", source.padding);
    if (!m_library)
        return;
    if (!m_eot)
        m_eot = firstOf(endOfTurn);
    if (!m_eom)
        m_eom = firstOf(endOfMessage);
    m_stopIds.clear();
    for (const auto& id : {m_eos, m_eot, m_eom})
        if (id)
            m_stopIds.push_back(*id);
    for (const std::int64_t id : source.stops)
        if (const auto checked = checkedId("stop", id))
            m_stopIds.push_back(*checked);
    std::ranges::sort(m_stopIds);
    m_stopIds.erase(std::unique(m_stopIds.begin(), m_stopIds.end()), m_stopIds.end());
}

void Tokenizer::setEnds(const TokenizerSource& source) {
    if (m_json) {
        const std::vector<std::int32_t> ids = encodeBare("a", true).ids;
        m_addsBos = m_bos && !ids.empty() && ids.front() == *m_bos;
        m_addsEos = m_eos && !ids.empty() && ids.back() == *m_eos;
        return;
    }
    m_addsBos = source.addBos.value_or(m_bos.has_value() && azimuth_tokenizer_adds_bos(m_library.get()));
    m_addsEos = source.addEos.value_or(false);
    if (m_addsBos && !m_bos)
        throwTextError("text.vocabulary", "tokenizer.ggml.add_bos_token is true, but there is no bos token");
    if (m_addsEos && !m_eos)
        throwTextError("text.vocabulary", "tokenizer.ggml.add_eos_token is true, but there is no eos token");
}

Encoding Tokenizer::encodeBare(std::string_view text, bool withEnds) const {
    if (text.size() > maximumText)
        throwTextError("text.limit", "the text has " + std::to_string(text.size()) + " bytes, at most " +
                                         std::to_string(maximumText) + " are allowed");
    AzimuthEncoding encoded{};
    AzimuthFailure failure{};
    if (!azimuth_tokenizer_encode(m_library.get(), viewOf(text), withEnds, &encoded, &failure))
        throwTextFailure(failure);
    struct Owner {
        AzimuthEncoding encoding;
        ~Owner() { azimuth_encoding_free(encoding); }
    } owner{encoded};
    Encoding encoding;
    encoding.ids.reserve(encoded.count + 2);
    encoding.spans.reserve(encoded.count + 2);
    for (std::size_t i = 0; i < encoded.count; ++i) {
        encoding.ids.push_back(static_cast<std::int32_t>(encoded.ids[i]));
        encoding.spans.push_back({encoded.starts[i], encoded.ends[i]});
    }
    return encoding;
}

Encoding Tokenizer::encodeWithSpans(std::string_view text, bool addSpecial) const {
    Encoding encoding = encodeBare(text, addSpecial && m_json);
    if (!addSpecial || m_json)
        return encoding;
    if (m_addsBos) {
        encoding.ids.insert(encoding.ids.begin(), *m_bos);
        encoding.spans.insert(encoding.spans.begin(), TokenSpan{0, 0});
    }
    if (m_addsEos) {
        encoding.ids.push_back(*m_eos);
        encoding.spans.push_back({text.size(), text.size()});
    }
    return encoding;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool addSpecial) const {
    return encodeWithSpans(text, addSpecial).ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skipSpecial) const {
    std::vector<std::uint32_t> unsignedIds;
    unsignedIds.reserve(ids.size());
    for (std::int32_t id : ids) {
        if (id < 0 || id >= m_size)
            throwTextError("text.id", "token id " + std::to_string(id) + " is outside the vocabulary of " +
                                          std::to_string(m_size));
        unsignedIds.push_back(static_cast<std::uint32_t>(id));
    }
    AzimuthText text{};
    AzimuthFailure failure{};
    if (!azimuth_tokenizer_decode(m_library.get(), unsignedIds.data(), unsignedIds.size(), skipSpecial, &text,
                                  &failure))
        throwTextFailure(failure);
    return takeText(text);
}

std::string Tokenizer::tokenText(std::int32_t id) const {
    if (id < 0)
        throwTextError("text.id", "token id " + std::to_string(id) + " is negative");
    AzimuthText text{};
    AzimuthFailure failure{};
    if (!azimuth_tokenizer_token(m_library.get(), static_cast<std::uint32_t>(id), &text, &failure))
        throwTextFailure(failure);
    return takeText(text);
}

std::optional<std::int32_t> Tokenizer::tokenId(std::string_view tokenText) const {
    std::int64_t id = -1;
    AzimuthFailure failure{};
    if (!azimuth_tokenizer_find(m_library.get(), viewOf(tokenText), &id, &failure))
        throwTextFailure(failure);
    if (id < 0)
        return std::nullopt;
    return static_cast<std::int32_t>(id);
}

} // namespace azimuth
