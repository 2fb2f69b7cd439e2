#include "core/study/score.h"

namespace azimuth {

Json toJson(const Continuation& continuation) {
    if (!continuation.ids.empty())
        return Json::object({{"ids", continuation.ids}});
    return {{"text", continuation.text}, {"first", continuation.first}};
}

std::string Continuation::digest() const { return toHex(sha256(canonicalJson(toJson(*this)))); }

Continuation readContinuation(JsonObject& object) {
    Continuation continuation;
    const bool text = object.has("text"), ids = object.has("ids");
    if (text == ids) {
        object.fail("text", "expected exactly one of text and ids");
        object.any("text", false);
        object.any("ids", false);
        object.any("first", false);
        return continuation;
    }
    if (ids) {
        const auto values = object.integers("ids", 0, std::numeric_limits<std::int32_t>::max());
        continuation.ids.assign(values.begin(), values.end());
        if (continuation.ids.empty())
            object.fail("ids", "empty");
        if (object.has("first"))
            object.fail("first", "ids are scored as given");
        object.any("first", false);
        return continuation;
    }
    continuation.text = object.text("text");
    if (continuation.text.empty())
        object.fail("text", "empty");
    continuation.first = object.boolean("first", false);
    return continuation;
}

} // namespace azimuth
