#include "core/study/keys.h"

namespace azimuth {

Digest completionKey(const std::string& modelIdentity, const Rendering& rendering,
                     const std::string& promptId, const Arm& arm, const Decoding& decoding) {
    Json how = toJson(decoding);
    how.erase("rows"); // how rows are batched is recorded, it does not name the result
    return sha256(canonicalJson({{"kind", "completion"},
                                 {"model", modelIdentity},
                                 {"rendering", toJson(rendering)},
                                 {"prompt", promptId},
                                 {"arm", arm.digest()},
                                 {"decoding", how},
                                 {"engine_semantics", engineSemantics}}));
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

std::string jobId(const std::string& kind, const std::vector<Digest>& keys) {
    Json list = Json::array();
    for (const auto& key : keys)
        list.push_back(toHex(key));
    return toHex(sha256(canonicalJson({{"kind", kind}, {"keys", list}})));
}

} // namespace azimuth
