#include "core/base/error.h"
#include "core/base/text.h"
#include "core/protocol/payload.h"

#include <set>
#include <tuple>

namespace azimuth {

namespace {
constexpr std::int64_t largestToken = INT32_MAX;
constexpr std::size_t mostRows = std::size_t{1} << 20;

bool isHex64(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Digest readKey(JsonObject& object) {
    const auto text = object.text("key");
    if (isHex64(text))
        return digestFromHex(text);
    object.fail("key", "expected 64 hexadecimal digits, found " + forMessage(text, 70));
    return {};
}

Json toJson(const JobPrompt& prompt) {
    Json out = {{"id", prompt.id}};
    if (const auto* text = std::get_if<std::string>(&prompt.content)) {
        out["text"] = *text;
    } else if (const auto* messages = std::get_if<std::vector<Message>>(&prompt.content)) {
        out["messages"] = Json::array();
        for (const auto& message : *messages)
            out["messages"].push_back({{"role", message.role}, {"content", message.content}});
    } else {
        out["ids"] = std::get<std::vector<std::int32_t>>(prompt.content);
    }
    return out;
}

Json toJson(const std::vector<JobPrompt>& prompts) {
    Json out = Json::array();
    for (const auto& prompt : prompts)
        out.push_back(toJson(prompt));
    return out;
}

std::vector<Message> readMessages(JsonObject& object) {
    std::vector<Message> messages;
    object.each("messages", [&](JsonObject& inner) {
        Message message{inner.text("role"), inner.text("content")};
        if (message.role.empty())
            inner.fail("role", "empty");
        messages.push_back(std::move(message));
    });
    if (messages.empty())
        object.fail("messages", "empty");
    return messages;
}

} // namespace

JobPrompt readJobPrompt(JsonObject& object) {
    JobPrompt prompt;
    prompt.id = object.text("id");
    const int given = object.has("text") + object.has("messages") + object.has("ids");
    if (given != 1) {
        object.fail("text", "expected exactly one of text, messages, ids; found " + std::to_string(given));
        object.any("text", false); // their presence has been judged already
        object.any("messages", false);
        object.any("ids", false);
    } else if (object.has("messages")) {
        prompt.content = readMessages(object);
    } else if (object.has("ids")) {
        const auto ids = object.integers("ids", 0, largestToken);
        if (ids.empty())
            object.fail("ids", "empty");
        prompt.content = std::vector<std::int32_t>(ids.begin(), ids.end());
    } else {
        prompt.content = object.text("text");
    }
    return prompt;
}

namespace {
std::vector<JobPrompt> readPrompts(JsonObject& object, const char* key) {
    std::vector<JobPrompt> prompts;
    object.each(key, [&](JsonObject& inner) { prompts.push_back(readJobPrompt(inner)); });
    if (prompts.empty())
        object.fail(key, "no prompt");
    return prompts;
}

CaptureJob readCapture(JsonObject& object) {
    CaptureJob job;
    job.prompts = readPrompts(object, "prompts");
    job.allPositions = object.choice("positions", {"last", "all"}) == 1;
    job.sites = object.texts("sites");
    if (job.sites.empty())
        object.fail("sites", "no site");
    std::set<std::string> seen;
    for (const auto& site : job.sites) {
        if (!siteFromText(site))
            object.fail("sites", "found " + forMessage(site, 40) + ", known are " + knownSites());
        if (!seen.insert(site).second)
            object.fail("sites", forMessage(site, 40) + " is there twice");
    }
    return job;
}

ExtractJob readExtract(JsonObject& object) {
    ExtractJob job;
    job.key = readKey(object);
    job.conceptName = object.text("concept");
    job.method = static_cast<Method>(object.choice("method", methodNames()));
    job.positive = readPrompts(object, "positive");
    job.negative = readPrompts(object, "negative");
    return job;
}

std::map<std::string, std::string> readBlobs(JsonObject& object) {
    std::map<std::string, std::string> blobs;
    const auto json = object.any("blobs", false);
    if (json.is_null())
        return blobs;
    if (!json.is_object()) {
        object.fail("blobs", "expected an object from direction to blob digests");
        return blobs;
    }
    for (auto it = json.begin(); it != json.end(); ++it) {
        if (isHex64(it.key()) && it->is_string() && isHex64(it->get_ref<const std::string&>()))
            blobs[it.key()] = it->get<std::string>();
        else
            object.fail("blobs", forMessage(it.key(), 70) + ": expected 64 hexadecimal digits on both sides");
    }
    return blobs;
}

void checkArms(const std::vector<Arm>& arms, const std::map<std::string, std::string>& blobs, JsonObject& object) {
    for (const auto& arm : arms)
        for (const auto& intervention : arm.interventions)
            if (!blobs.count(intervention.direction))
                object.fail("arms", "arm " + forMessage(arm.name, 60) + ": no blob for direction " +
                                        forMessage(intervention.direction, 70));
}

void checkGenerate(const GenerateJob& job, JsonObject& object) {
    checkArms(job.arms, job.blobs, object);
    if (job.rows.empty() || job.rows.size() > mostRows)
        object.fail("rows", "expected 1 to " + std::to_string(mostRows) + " rows, found " +
                                std::to_string(job.rows.size()));
    std::set<Digest> keys;
    for (std::size_t i = 0; i < job.rows.size(); ++i) {
        const auto& row = job.rows[i];
        if (row.prompt >= job.prompts.size() || row.arm >= job.arms.size())
            object.fail("rows", "row " + std::to_string(i) + ": prompt " + std::to_string(row.prompt) +
                                    " of " + std::to_string(job.prompts.size()) + ", arm " +
                                    std::to_string(row.arm) + " of " + std::to_string(job.arms.size()));
        if (!keys.insert(row.key).second)
            object.fail("rows", "row " + std::to_string(i) + ": key " + toHex(row.key) + " is there twice");
    }
}

GenerateJob readGenerate(JsonObject& object) {
    GenerateJob job;
    job.prompts = readPrompts(object, "prompts");
    object.each("arms", [&](JsonObject& inner) { job.arms.push_back(readArm(inner)); });
    object.each("rows", [&](JsonObject& inner) {
        GenerateRow row;
        row.key = readKey(inner);
        row.prompt = static_cast<std::uint32_t>(inner.integer("prompt", 0, UINT32_MAX));
        row.arm = static_cast<std::uint32_t>(inner.integer("arm", 0, UINT32_MAX));
        job.rows.push_back(row);
    });
    object.object("decoding", [&](JsonObject& inner) { job.decoding = readDecoding(inner); });
    job.blobs = readBlobs(object);
    job.live = object.boolean("live", false);
    checkGenerate(job, object);
    return job;
}

void checkScore(const ScoreJob& job, JsonObject& object) {
    checkArms(job.arms, job.blobs, object);
    if (job.rows.empty() || job.rows.size() > mostRows)
        object.fail("rows", "expected 1 to " + std::to_string(mostRows) + " rows, found " +
                                std::to_string(job.rows.size()));
    std::set<std::string> names;
    for (const auto& continuation : job.continuations)
        if (continuation.id.empty() || !names.insert(continuation.id).second)
            object.fail("continuations", "the id " + forMessage(continuation.id, 70) + " is empty or stands twice");
    std::set<Digest> keys;
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> places;
    for (std::size_t i = 0; i < job.rows.size(); ++i) {
        const auto& row = job.rows[i];
        if (row.prompt >= job.prompts.size() || row.continuation >= job.continuations.size() ||
            row.arm >= job.arms.size())
            object.fail("rows", "row " + std::to_string(i) + ": prompt " + std::to_string(row.prompt) + " of " +
                                    std::to_string(job.prompts.size()) + ", continuation " +
                                    std::to_string(row.continuation) + " of " +
                                    std::to_string(job.continuations.size()) + ", arm " + std::to_string(row.arm) +
                                    " of " + std::to_string(job.arms.size()));
        if (!keys.insert(row.key).second || !places.insert({row.prompt, row.continuation, row.arm}).second)
            object.fail("rows", "row " + std::to_string(i) + ": key " + toHex(row.key) + " is there twice");
    }
    if (job.reference && *job.reference >= job.arms.size())
        object.fail("reference", "arm " + std::to_string(*job.reference) + " of " + std::to_string(job.arms.size()));
}

ScoreJob readScore(JsonObject& object) {
    ScoreJob job;
    job.prompts = readPrompts(object, "prompts");
    object.each("continuations", [&](JsonObject& inner) {
        job.continuations.push_back({inner.text("id"), readContinuation(inner)});
    });
    object.each("arms", [&](JsonObject& inner) { job.arms.push_back(readArm(inner)); });
    object.each("rows", [&](JsonObject& inner) {
        ScoreRow row;
        row.key = readKey(inner);
        row.prompt = static_cast<std::uint32_t>(inner.integer("prompt", 0, UINT32_MAX));
        row.continuation = static_cast<std::uint32_t>(inner.integer("continuation", 0, UINT32_MAX));
        row.arm = static_cast<std::uint32_t>(inner.integer("arm", 0, UINT32_MAX));
        job.rows.push_back(row);
    });
    if (object.has("reference"))
        job.reference = static_cast<std::uint32_t>(object.integer("reference", 0, UINT32_MAX));
    job.batch = object.integer("batch", 1, 65536, 32);
    job.blobs = readBlobs(object);
    checkScore(job, object);
    return job;
}

Json scoreToJson(const ScoreJob& job) {
    Json continuations = Json::array(), arms = Json::array(), rows = Json::array();
    for (const auto& continuation : job.continuations) {
        Json entry = azimuth::toJson(continuation.content);
        entry["id"] = continuation.id;
        continuations.push_back(std::move(entry));
    }
    for (const auto& arm : job.arms)
        arms.push_back(azimuth::toJson(arm));
    for (const auto& row : job.rows)
        rows.push_back({{"key", toHex(row.key)},
                        {"prompt", row.prompt},
                        {"continuation", row.continuation},
                        {"arm", row.arm}});
    Json json = {{"prompts", toJson(job.prompts)},
                 {"continuations", std::move(continuations)},
                 {"arms", std::move(arms)},
                 {"rows", std::move(rows)},
                 {"batch", job.batch},
                 {"blobs", Json(job.blobs)}};
    if (job.reference)
        json["reference"] = *job.reference;
    return json;
}

Json generateToJson(const GenerateJob& job) {
    Json arms = Json::array(), rows = Json::array();
    for (const auto& arm : job.arms)
        arms.push_back(azimuth::toJson(arm));
    for (const auto& row : job.rows)
        rows.push_back({{"key", toHex(row.key)}, {"prompt", row.prompt}, {"arm", row.arm}});
    return {{"prompts", toJson(job.prompts)}, {"arms", std::move(arms)},
            {"rows", std::move(rows)},        {"decoding", azimuth::toJson(job.decoding)},
            {"blobs", Json(job.blobs)},       {"live", job.live}};
}
} // namespace

const std::vector<std::string>& jobKindNames() {
    static const std::vector<std::string> names{"inspect", "tokens", "capture",
                                                "extract", "generate", "score"};
    return names;
}

Json payloadToJson(const JobSpec& spec) {
    if (const auto* job = std::get_if<TokensJob>(&spec.payload))
        return Json::object({{"prompts", toJson(job->prompts)}});
    if (const auto* job = std::get_if<CaptureJob>(&spec.payload))
        return {{"prompts", toJson(job->prompts)},
                {"positions", job->allPositions ? "all" : "last"},
                {"sites", job->sites}};
    if (const auto* job = std::get_if<ExtractJob>(&spec.payload))
        return {{"key", toHex(job->key)},
                {"concept", job->conceptName},
                {"method", toString(job->method)},
                {"positive", toJson(job->positive)},
                {"negative", toJson(job->negative)}};
    if (const auto* job = std::get_if<GenerateJob>(&spec.payload))
        return generateToJson(*job);
    if (const auto* job = std::get_if<ScoreJob>(&spec.payload))
        return scoreToJson(*job);
    return Json::object({{"list", std::get<InspectJob>(spec.payload).list}});
}

void readPayload(JobSpec& spec, std::size_t kind, JsonObject& object) {
    switch (kind) {
    case 1:
        spec.payload = TokensJob{readPrompts(object, "prompts")};
        break;
    case 2:
        spec.payload = readCapture(object);
        break;
    case 3:
        spec.payload = readExtract(object);
        break;
    case 4:
        spec.payload = readGenerate(object);
        break;
    case 5:
        spec.payload = readScore(object);
        break;
    default:
        spec.payload = InspectJob{object.boolean("list", false)};
        break;
    }
}

} // namespace azimuth
