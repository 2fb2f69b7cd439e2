#include "core/study/study.h"

#include "core/base/json_reader.h"
#include "core/study/names.h"

#include <set>

namespace azimuth {
namespace {

constexpr int newestVersion = 1;
constexpr JsonLimits limits{std::uint64_t{64} << 20, 64};

template <class T> void refuseSameNames(JsonObject& object, const char* key, const std::vector<T>& list) {
    std::set<std::string> names;
    for (const auto& entry : list)
        if (!names.insert(entry.name).second)
            object.fail(key, "the name \"" + entry.name + "\" stands twice");
    if (list.empty())
        object.fail(key, "expected at least one");
}

ScoreSet readScoreSet(JsonObject& object) {
    ScoreSet set;
    set.name = object.text("name");
    set.conceptName = object.text("concept");
    set.role = static_cast<PromptRole>(object.choice("role", promptRoleNames()));
    object.each("continuations",
                [&](JsonObject& inner) { set.continuations.push_back(readContinuation(inner)); });
    set.kl = object.boolean("kl", false);
    std::set<std::string> digests;
    for (const auto& continuation : set.continuations)
        if (!digests.insert(continuation.digest()).second)
            object.fail("continuations", "the same continuation stands twice");
    if (set.continuations.empty())
        object.fail("continuations", "expected at least one");
    return set;
}

void readScores(JsonObject& root, Study& study) {
    if (!root.has("scores"))
        return;
    root.each("scores", [&](JsonObject& object) {
        study.scores.push_back(readScoreSet(object));
        const auto& set = study.scores.back();
        const auto* value = study.concept_(set.conceptName);
        if (!value)
            object.fail("concept", "the study has no concept \"" + set.conceptName + "\"");
        else if (!value->set(set.role))
            object.fail("role", "the concept \"" + set.conceptName + "\" has no prompts of the role " +
                                    toString(set.role));
    });
    refuseSameNames(root, "scores", study.scores);
}

Json scoresJson(const Study& study) {
    Json scores = Json::array();
    for (const auto& set : study.scores) {
        Json continuations = Json::array();
        for (const auto& continuation : set.continuations)
            continuations.push_back(toJson(continuation));
        scores.push_back({{"name", set.name},
                          {"concept", set.conceptName},
                          {"role", toString(set.role)},
                          {"continuations", std::move(continuations)},
                          {"kl", set.kl}});
    }
    return scores;
}

} // namespace

const ModelReference* Study::model(const std::string& name) const {
    for (const auto& reference : models)
        if (reference.name == name)
            return &reference;
    return nullptr;
}

const Concept* Study::concept_(const std::string& name) const {
    for (const auto& value : concepts)
        if (value.name == name)
            return &value;
    return nullptr;
}

Study readStudy(const Json& json, const std::string& origin) {
    JsonReader reader(json, origin, "study", newestVersion);
    auto& root = reader.root();
    Study study;
    study.title = root.text("title");
    study.description = root.text("description", "");
    root.each("models", [&](JsonObject& object) { study.models.push_back(readModelReference(object)); });
    refuseSameNames(root, "models", study.models);
    root.each("concepts", [&](JsonObject& object) { study.concepts.push_back(readConcept(object)); });
    refuseSameNames(root, "concepts", study.concepts);
    root.object(
        "rendering", [&](JsonObject& object) { study.rendering = readRendering(object); }, false);
    if (root.has("methods")) {
        study.methods.clear();
        for (const auto& name : root.texts("methods")) {
            const auto method = names::find<Method>(methodNames(), name);
            if (method)
                study.methods.push_back(*method);
            else
                root.fail("methods", "\"" + name + "\" is not known; known is dim");
        }
        if (study.methods.empty())
            root.fail("methods", "expected at least one");
    }
    root.object("sweep", [&](JsonObject& object) { study.sweep = readSweepGrid(object); });
    root.object("decoding", [&](JsonObject& object) { study.decoding = readDecoding(object); });
    study.transfer = root.boolean("transfer", true);
    readScores(root, study);
    reader.finish();
    return study;
}

Study readStudyFile(const std::string& path) { return readStudy(readJsonFile(path, limits), path); }

Json toJson(const Study& study) {
    Json models = Json::array(), concepts = Json::array(), methods = Json::array();
    for (const auto& reference : study.models)
        models.push_back(toJson(reference));
    for (const auto& value : study.concepts)
        concepts.push_back(toJson(value));
    for (const auto method : study.methods)
        methods.push_back(toString(method));
    Json json = {{"azimuth", "study"},
                 {"version", newestVersion},
                 {"title", study.title},
                 {"description", study.description},
                 {"models", models},
                 {"concepts", concepts},
                 {"rendering", toJson(study.rendering)},
                 {"methods", methods},
                 {"sweep", toJson(study.sweep)},
                 {"decoding", toJson(study.decoding)},
                 {"transfer", study.transfer}};
    if (!study.scores.empty()) // studies from before there were scores keep their canonical form
        json["scores"] = scoresJson(study);
    return json;
}

} // namespace azimuth
