// One line of the protocol, read: every failure becomes one Error protocol.*.
#pragma once

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <string>
#include <string_view>

namespace azimuth {

// what: "event" or "command". Error protocol.size beyond `limit` bytes, protocol.<what> for anything not
// understood.
template <class Read>
auto protocolLine(std::string_view line, std::size_t limit, const std::string& what, Read read) {
    if (line.size() > limit)
        throw Error("protocol.size",
                    "A line of " + std::to_string(line.size()) + " bytes; a line of " + what +
                        "s has at most " + std::to_string(limit) + ".",
                    "");
    try {
        return read(parseJson(line, what, JsonLimits{limit, 64}));
    } catch (const Error& error) {
        throw Error("protocol." + what, error.message(), error.remedy(),
                    error.detail() + (error.detail().empty() ? "" : "\n") + "line: " + forMessage(line, 200));
    }
}

} // namespace azimuth
