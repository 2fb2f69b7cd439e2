#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/protocol/events.h"
#include "core/protocol/line.h"

#include <optional>

namespace azimuth {

namespace {
constexpr std::int64_t largestCounter = (std::int64_t{1} << 53) - 1;

struct Writer {
    Json operator()(const Submission& c) const { return {{"command", "submit"}, {"submission", toJson(c)}}; }
    Json operator()(const command::Ping& c) const { return {{"command", "ping"}, {"number", c.number}}; }
    Json operator()(const command::Cancel& c) const { return {{"command", "cancel"}, {"run", c.run}}; }
    Json operator()(const command::Quit&) const { return Json::object({{"command", "quit"}}); }
};
} // namespace

std::string toLine(const Command& value) {
    try {
        return std::visit(Writer{}, value).dump();
    } catch (const Json::exception& failure) {
        throw Error("protocol.utf8", "A job, or a path given with it, holds bytes that are not UTF-8.",
                    "Rename the folder or file so that its name is valid UTF-8.", failure.what());
    }
}

Command readCommand(std::string_view line) {
    return protocolLine(line, maximumCommandLine, "command", [](const Json& json) -> Command {
        JsonReader reader(json, "command");
        Command out = command::Quit{};
        Json submission;
        bool submits = false;
        {
            auto& root = reader.root();
            switch (root.choice("command", {"submit", "ping", "cancel", "quit"}, 3)) {
            case 0:
                submission = root.any("submission");
                submits = true;
                break;
            case 1:
                out = command::Ping{static_cast<std::uint64_t>(root.integer("number", 0, largestCounter))};
                break;
            case 2:
                out = command::Cancel{static_cast<std::uint64_t>(root.integer("run", 0, largestCounter))};
                break;
            default:
                if (!root.has("command"))
                    root.fail("command", "missing");
                break;
            }
        }
        reader.finish();
        return submits ? Command(readSubmission(submission, "submission")) : out;
    });
}

} // namespace azimuth
