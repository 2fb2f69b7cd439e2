#include "core/study/keys.h"

#include <algorithm>

namespace azimuth {

namespace {
std::string canonicalDecoding(const Decoding& decoding) {
    Json how = toJson(decoding);
    how.erase("rows"); // how rows are batched is recorded, it does not name the result
    return canonicalJson(how);
}

// As canonical JSON. Identities and digests, which nearly all of them are, have nothing to escape; a study
// asks for the keys of every prompt and arm at once.
std::string quoted(const std::string& text) {
    const bool hexadecimal = std::all_of(
        text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    return hexadecimal ? '"' + text + '"' : canonicalJson(text);
}
} // namespace

CompletionKeys::CompletionKeys(const Rendering& rendering, const Decoding& decoding)
    : m_decoding(canonicalDecoding(decoding)), m_rendering(canonicalJson(toJson(rendering))) {}

// The canonical JSON of {arm, decoding, engine_semantics, kind, model, prompt, rendering}, its members in
// that order.
Digest CompletionKeys::of(const std::string& modelIdentity, const std::string& promptId,
                          const std::string& armDigest) const {
    return sha256("{\"arm\":" + quoted(armDigest) + ",\"decoding\":" + m_decoding +
                  ",\"engine_semantics\":" + std::to_string(engineSemantics) +
                  ",\"kind\":\"completion\",\"model\":" + quoted(modelIdentity) +
                  ",\"prompt\":" + quoted(promptId) + ",\"rendering\":" + m_rendering + "}");
}

Digest completionKey(const std::string& modelIdentity, const Rendering& rendering,
                     const std::string& promptId, const Arm& arm, const Decoding& decoding) {
    return CompletionKeys(rendering, decoding).of(modelIdentity, promptId, arm.digest());
}

Digest bankKey(const std::string& modelIdentity, const Rendering& rendering, Method method,
               const PromptSet& positive, const PromptSet& negative) {
    return sha256(canonicalJson({{"kind", "bank"},
                                 {"model", modelIdentity},
                                 {"rendering", toJson(rendering)},
                                 {"method", toString(method)},
                                 {"positive", positive.digest()},
                                 {"negative", negative.digest()},
                                 {"engine_semantics", engineSemantics}}));
}

Digest scoreKey(const std::string& modelIdentity, const Rendering& rendering, const std::string& promptId,
                const Continuation& continuation, const std::string& armDigest,
                const std::string& reference) {
    return sha256(canonicalJson({{"kind", "score"},
                                 {"model", modelIdentity},
                                 {"rendering", toJson(rendering)},
                                 {"prompt", promptId},
                                 {"continuation", toJson(continuation)},
                                 {"arm", armDigest},
                                 {"reference", reference},
                                 {"engine_semantics", engineSemantics}}));
}

std::string jobId(const std::string& kind, const std::vector<Digest>& keys) {
    Json list = Json::array();
    for (const auto& key : keys)
        list.push_back(toHex(key));
    return toHex(sha256(canonicalJson({{"kind", kind}, {"keys", list}})));
}

} // namespace azimuth
