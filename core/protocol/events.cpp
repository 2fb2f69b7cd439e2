#include "core/protocol/events.h"

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"
#include "core/protocol/line.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace azimuth {

namespace {
constexpr std::int64_t largestCounter = (std::int64_t{1} << 53) - 1, largestExtent = 1 << 16;
constexpr std::size_t largestMatrix = 1 << 16;             // values
constexpr std::size_t longestText = std::size_t{64} << 10; // bytes of one text; JSON escapes at most six-fold
constexpr std::size_t shortText = 1024;

const std::vector<std::string>& levelNames() {
    static const std::vector<std::string> names{"debug", "info", "warning", "failure"};
    return names;
}

// Valid UTF-8 of at most `limit` bytes, cut between characters.
std::string fitted(const std::string& text, std::size_t limit = longestText) {
    std::string out = isValidUtf8(text) ? text : repairedUtf8(text);
    if (out.size() <= limit)
        return out;
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80)
        --end;
    out.resize(end);
    return out + "\u2026";
}

// The double whose shortest decimal form is the float's own.
Json floatValue(float value) {
    if (!std::isfinite(value))
        return nullptr;
    char digits[32];
    const auto [end, failure] = std::to_chars(digits, digits + sizeof digits, value);
    double number = value;
    if (failure == std::errc())
        std::from_chars(digits, end, number);
    return number;
}

double finiteOr(double value, double otherwise) { return std::isfinite(value) ? value : otherwise; }

struct Writer {
    Json operator()(const event::Hello& e) const {
        Json devices = Json::array();
        for (const auto& device : e.devices)
            devices.push_back(fitted(device, shortText));
        return {{"event", "hello"},
                {"oldest", e.oldest},
                {"newest", e.newest},
                {"build", fitted(e.build, shortText)},
                {"torch", fitted(e.torch, shortText)},
                {"problem", fitted(e.problem)},
                {"devices", devices}};
    }
    Json operator()(const event::Pong& e) const { return {{"event", "pong"}, {"number", e.number}}; }
    Json operator()(const event::Accepted& e) const {
        return {{"event", "accepted"}, {"run", e.run}, {"job", fitted(e.job, shortText)}};
    }
    Json operator()(const event::Progress& e) const {
        return {{"event", "progress"},
                {"run", e.run},
                {"done", finiteOr(e.done, 0)},
                {"total", finiteOr(e.total, 0)},
                {"unit", fitted(e.unit, shortText)},
                {"phase", fitted(e.phase, shortText)},
                {"seconds_left", finiteOr(e.secondsLeft, -1)}};
    }
    Json operator()(const event::PartialMatrix& e) const {
        Json values = Json::array();
        for (const float value : e.values)
            values.push_back(floatValue(value));
        return {{"event", "partial_matrix"},
                {"run", e.run},
                {"name", fitted(e.name, shortText)},
                {"rows", e.rows},
                {"columns", e.columns},
                {"n", e.n},
                {"values", std::move(values)}};
    }
    Json operator()(const event::PartialCompletion& e) const {
        return {{"event", "partial_completion"},         {"run", e.run},
                {"key", fitted(e.key, shortText)},       {"prompt", fitted(e.promptId, shortText)},
                {"arm", fitted(e.armDigest, shortText)}, {"text", fitted(e.text)},
                {"finish", fitted(e.finish, shortText)}};
    }
    Json operator()(const event::PartialToken& e) const {
        return {{"event", "partial_token"},
                {"run", e.run},
                {"row", e.row},
                {"id", e.id},
                {"text", fitted(e.text)}};
    }
    Json operator()(const event::Log& e) const {
        return {{"event", "log"},
                {"run", e.run},
                {"level", fitted(e.level, shortText)},
                {"text", fitted(e.text)}};
    }
    Json operator()(const event::Done& e) const {
        return {{"event", "done"},
                {"run", e.run},
                {"file", fitted(e.file)},
                {"sha256", fitted(e.sha256, shortText)}};
    }
    Json operator()(const event::Failed& e) const {
        return {{"event", "failed"},
                {"run", e.run},
                {"code", fitted(e.code, shortText)},
                {"text", fitted(e.text)},
                {"remedy", fitted(e.remedy, 8 * shortText)},
                {"detail", fitted(e.detail)}};
    }
    Json operator()(const event::Cancelled& e) const { return {{"event", "cancelled"}, {"run", e.run}}; }
};

std::uint64_t counter(JsonObject& object, const char* key) {
    return static_cast<std::uint64_t>(object.integer(key, 0, largestCounter));
}

event::Hello readHello(JsonObject& object) {
    event::Hello e;
    e.oldest = static_cast<int>(object.integer("oldest", 0, 1 << 20));
    e.newest = static_cast<int>(object.integer("newest", 0, 1 << 20));
    if (e.newest < e.oldest)
        object.fail("newest", std::to_string(e.newest) + " is below oldest, " + std::to_string(e.oldest));
    e.build = object.text("build", "");
    e.torch = object.text("torch", "");
    e.problem = object.text("problem", "");
    e.devices = object.texts("devices", false);
    return e;
}

event::Progress readProgress(JsonObject& object) {
    event::Progress e;
    e.run = counter(object, "run");
    e.done = object.number("done");
    e.total = object.number("total");
    e.unit = object.text("unit");
    e.phase = object.text("phase");
    e.secondsLeft = object.number("seconds_left", -1);
    if (e.done < 0 || e.total < 0)
        object.fail("done", "done and total cannot be negative");
    return e;
}

event::PartialMatrix readMatrix(JsonObject& object) {
    event::PartialMatrix e;
    e.run = counter(object, "run");
    e.name = object.text("name");
    e.rows = object.integer("rows", 0, largestExtent);
    e.columns = object.integer("columns", 0, largestExtent);
    e.n = object.integer("n", 0, largestCounter);
    const auto values = object.any("values");
    const auto expected = static_cast<std::size_t>(e.rows) * static_cast<std::size_t>(e.columns);
    if (!values.is_array() || values.size() != expected || expected > largestMatrix) {
        object.fail("values", "expected a list of " + std::to_string(expected) + " numbers, at most " +
                                  std::to_string(largestMatrix));
        return e;
    }
    for (const auto& value : values) {
        if (!value.is_null() && !value.is_number()) {
            object.fail("values", "found something else than a number or null");
            break;
        }
        e.values.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN() : value.get<float>());
    }
    return e;
}

event::Done readDone(JsonObject& object) {
    event::Done e;
    e.run = counter(object, "run");
    e.file = object.text("file");
    e.sha256 = object.text("sha256");
    if (e.file.empty() != e.sha256.empty())
        object.fail("sha256", "file and sha256 are both given or both empty");
    if (!e.sha256.empty() &&
        (e.sha256.size() != 64 || e.sha256.find_first_not_of("0123456789abcdef") != std::string::npos))
        object.fail("sha256", "expected 64 hexadecimal digits, found " + forMessage(e.sha256, 70));
    return e;
}

// In the order of the variant.
const std::vector<std::string>& eventNames() {
    static const std::vector<std::string> names{
        "hello",         "pong", "accepted", "progress", "partial_matrix", "partial_completion",
        "partial_token", "log",  "done",     "failed",   "cancelled"};
    return names;
}

Event readKnown(std::size_t kind, JsonObject& o) {
    switch (kind) {
    case 0:
        return readHello(o);
    case 1:
        return event::Pong{counter(o, "number")};
    case 2:
        return event::Accepted{counter(o, "run"), o.text("job")};
    case 3:
        return readProgress(o);
    case 4:
        return readMatrix(o);
    case 5:
        return event::PartialCompletion{counter(o, "run"), o.text("key"),  o.text("prompt"),
                                        o.text("arm"),     o.text("text"), o.text("finish")};
    case 6:
        return event::PartialToken{counter(o, "run"), o.integer("row", 0, largestCounter),
                                   static_cast<std::int32_t>(o.integer("id", 0, INT32_MAX)), o.text("text")};
    case 7:
        return event::Log{counter(o, "run"), levelNames()[o.choice("level", levelNames())], o.text("text")};
    case 8:
        return readDone(o);
    case 9:
        return event::Failed{counter(o, "run"), o.text("code"), o.text("text"), o.text("remedy", ""),
                             o.text("detail", "")};
    default:
        return event::Cancelled{counter(o, "run")};
    }
}
} // namespace

bool isTerminal(const Event& value) {
    return std::holds_alternative<event::Done>(value) || std::holds_alternative<event::Failed>(value) ||
           std::holds_alternative<event::Cancelled>(value);
}

std::string toLine(const Event& value) { return std::visit(Writer{}, value).dump(); }

Event readEvent(std::string_view line) {
    return protocolLine(line, maximumEventLine, "event", [](const Json& json) {
        const auto name = json.is_object() && json.contains("event") && json["event"].is_string()
                              ? json["event"].get<std::string>()
                              : std::string();
        // A hello of another version may say more: its range must be read to tell the user so.
        JsonReader reader(json, "event", name == "hello");
        std::optional<Event> out;
        {
            auto& root = reader.root();
            const auto kind = root.choice("event", eventNames());
            out = readKnown(kind, root);
        }
        reader.finish();
        return *out;
    });
}

} // namespace azimuth
