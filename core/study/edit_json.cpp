// Edits as JSON: {"edit": kind, "text", "author", "time", ...}.
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/study/edit.h"
#include "core/study/names.h"

#include <cmath>

namespace azimuth {
namespace {

const std::vector<std::string> subjectNames{"project", "model",      "concept",     "prompt",   "bank",
                                            "arm",     "completion", "calibration", "transfer", "figure"};
// In the order of Change.
const std::vector<std::string> changeNames{"labels", "note", "study", "calibration", "job", "shard"};
constexpr std::int64_t most = std::int64_t{1} << 40;

Json members(const SetLabels& change) {
    Json items = Json::array();
    for (const auto& item : change.items) {
        Json one{{"key", toHex(item.key)}};
        if (item.verdict)
            one["verdict"] = toString(*item.verdict);
        items.push_back(std::move(one));
    }
    return {{"rater", change.rater}, {"items", std::move(items)}};
}
Json members(const SetNote& change) {
    return {{"subject", toString(change.subject)}, {"object", change.object}, {"note", change.text}};
}
Json members(const ChangeStudy& change) {
    Json json{{"patch", change.patch}};
    if (!change.identities.empty())
        json["identities"] = change.identities;
    return json;
}
Json members(const RecordCalibration& change) { return {{"calibration", toJson(change.calibration)}}; }
Json members(const RecordJob& change) {
    const auto& job = change.job;
    return {{"job",
             {{"id", job.id},
              {"kind", job.kind},
              {"state", toString(job.state)},
              {"model", job.modelIdentity},
              {"started", job.started},
              {"ended", job.ended},
              {"seconds", std::isfinite(job.seconds) ? job.seconds : 0},
              {"results", job.results},
              {"environment", job.environment},
              {"error", job.error}}}};
}
Json members(const AttachShard& change) {
    return {{"job", change.job}, {"file", change.file}, {"sha256", change.sha256}};
}

Digest digestAt(JsonObject& object, const char* key) {
    try {
        return digestFromHex(object.text(key));
    } catch (const Error&) {
        object.fail(key, "expected 64 hexadecimal digits");
        return {};
    }
}

SetLabels readLabels(JsonObject& object) {
    SetLabels change;
    change.rater = object.text("rater");
    object.each("items", [&](JsonObject& item) {
        SetLabels::Item one{digestAt(item, "key"), std::nullopt};
        if (const auto verdict = item.optionalText("verdict")) {
            one.verdict = verdictFromString(*verdict);
            if (!one.verdict)
                item.fail("verdict", "expected coherent, garbled or normal");
        }
        change.items.push_back(one);
    });
    return change;
}
SetNote readNote(JsonObject& object) {
    SetNote change;
    change.subject = static_cast<NoteSubject>(object.choice("subject", subjectNames));
    change.object = object.text("object");
    change.text = object.text("note");
    return change;
}
ChangeStudy readChangeStudy(JsonObject& object) {
    ChangeStudy change{object.any("patch"), object.texts("identities", false)};
    if (!change.patch.is_array())
        object.fail("patch", "expected an array of operations");
    return change;
}
RecordCalibration readChoice(JsonObject& object) {
    RecordCalibration change;
    object.object("calibration", [&](JsonObject& inner) { change.calibration = readCalibration(inner); });
    return change;
}
RecordJob readJob(JsonObject& object) {
    RecordJob change;
    object.object("job", [&](JsonObject& inner) {
        auto& job = change.job;
        job.id = inner.text("id");
        job.kind = inner.text("kind");
        if (const auto state = jobStateFromString(inner.text("state")))
            job.state = *state;
        else
            inner.fail("state", "expected done, failed or cancelled");
        job.modelIdentity = inner.text("model");
        job.started = inner.text("started");
        job.ended = inner.text("ended");
        job.seconds = inner.number("seconds");
        job.results = inner.integer("results", 0, most);
        job.environment = inner.text("environment");
        job.error = inner.text("error");
    });
    return change;
}
AttachShard readShardOf(JsonObject& object) {
    return {object.text("job"), object.text("file"), object.text("sha256")};
}

Change readChange(JsonObject& object) {
    switch (object.choice("edit", changeNames)) {
    case 0:
        return readLabels(object);
    case 1:
        return readNote(object);
    case 2:
        return readChangeStudy(object);
    case 3:
        return readChoice(object);
    case 4:
        return readJob(object);
    default:
        return readShardOf(object);
    }
}

} // namespace

std::string toString(NoteSubject subject) { return names::of(subjectNames, subject); }

Json toJson(const Edit& edit) {
    auto json = std::visit([](const auto& change) { return members(change); }, edit.change);
    json["edit"] = changeNames.at(edit.change.index());
    json["text"] = edit.text;
    json["author"] = edit.author;
    json["time"] = edit.time;
    return json;
}

Edit readEdit(const Json& json, const std::string& origin) {
    JsonReader reader(json, origin);
    Edit edit;
    edit.text = reader.root().text("text");
    edit.author = reader.root().text("author");
    edit.time = reader.root().number("time");
    edit.change = readChange(reader.root());
    reader.finish();
    return edit;
}

} // namespace azimuth
