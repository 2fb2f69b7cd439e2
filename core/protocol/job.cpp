#include "core/protocol/job.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/protocol/payload.h"

#include <algorithm>

namespace azimuth {

namespace {
constexpr int jobVersion = 1, submissionVersion = 1;
constexpr std::size_t maximumId = 128, maximumFolders = 256;
constexpr std::int64_t largestCounter = (std::int64_t{1} << 53) - 1, mostThreads = 4096;

bool isHex64(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool isDevice(const std::string& text) {
    if (text == "cpu" || text == "cuda")
        return true;
    return text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() <= 8 &&
           text.find_first_not_of("0123456789", 5) == std::string::npos;
}

// An embedded NUL would cut a path in the system call.
void checkPath(JsonObject& object, const char* key, const std::string& path) {
    if (path.find('\0') != std::string::npos)
        object.fail(key, "a path cannot hold a NUL character");
}

void readModelPart(JobSpec& spec, JsonObject& object) {
    object.object("reference", [&](JsonObject& inner) { spec.model.reference = readModelReference(inner); });
    spec.model.identity = object.text("identity", "");
    if (!spec.model.identity.empty() && !isHex64(spec.model.identity))
        object.fail("identity",
                    "expected 64 hexadecimal digits, found " + forMessage(spec.model.identity, 70));
}
} // namespace

std::string JobSpec::kind() const { return jobKindNames().at(payload.index()); }

std::vector<Digest> JobSpec::keys() const {
    if (const auto* job = std::get_if<ExtractJob>(&payload))
        return {job->key};
    std::vector<Digest> keys;
    if (const auto* job = std::get_if<GenerateJob>(&payload)) {
        keys.reserve(job->rows.size());
        for (const auto& row : job->rows)
            keys.push_back(row.key);
    }
    if (const auto* job = std::get_if<ScoreJob>(&payload))
        for (const auto& row : job->rows)
            keys.push_back(row.key);
    return keys;
}

Json toJson(const JobSpec& spec) {
    Json model = {{"reference", toJson(spec.model.reference)}};
    if (!spec.model.identity.empty())
        model["identity"] = spec.model.identity;
    return {{"azimuth", "job"},
            {"version", jobVersion},
            {"id", spec.id},
            {"kind", spec.kind()},
            {"model", std::move(model)},
            {"rendering", toJson(spec.rendering)},
            {"payload", payloadToJson(spec)}};
}

JobSpec readJobSpec(const Json& json, const std::string& origin) {
    JsonReader reader(json, origin, "job", jobVersion);
    JobSpec spec;
    {
        auto& root = reader.root();
        spec.id = root.text("id");
        if (spec.id.empty() || spec.id.size() > maximumId)
            root.fail("id", "expected 1 to " + std::to_string(maximumId) + " characters");
        const auto kind = root.choice("kind", jobKindNames());
        root.object("model", [&](JsonObject& object) { readModelPart(spec, object); });
        root.object("rendering", [&](JsonObject& object) { spec.rendering = readRendering(object); });
        root.object("payload", [&](JsonObject& object) { readPayload(spec, kind, object); });
    }
    reader.finish();
    return spec;
}

Json toJson(const Submission& submission) {
    return {{"azimuth", "submission"},       {"version", submissionVersion},
            {"run", submission.run},         {"job", toJson(submission.job)},
            {"out", submission.out},         {"project", submission.project},
            {"blobs", submission.blobs},     {"search", submission.searchFolders},
            {"threads", submission.threads}, {"device", submission.device}};
}

Submission readSubmission(const Json& json, const std::string& origin) {
    JsonReader reader(json, origin, "submission", submissionVersion);
    Submission submission;
    Json job;
    {
        auto& root = reader.root();
        submission.run = static_cast<std::uint64_t>(root.integer("run", 0, largestCounter));
        submission.out = root.text("out", "");
        submission.project = root.text("project", "");
        if (!submission.project.empty() && submission.project.size() != 36)
            root.fail("project",
                      "expected a uuid of 36 characters, found " + forMessage(submission.project, 60));
        submission.blobs = root.text("blobs", "");
        submission.searchFolders = root.texts("search", false);
        submission.threads = static_cast<int>(root.integer("threads", 0, mostThreads, 0));
        submission.device = root.text("device", "cpu");
        job = root.any("job");
        checkPath(root, "out", submission.out);
        checkPath(root, "blobs", submission.blobs);
        if (submission.searchFolders.size() > maximumFolders)
            root.fail("search", "at most " + std::to_string(maximumFolders) + " folders, found " +
                                    std::to_string(submission.searchFolders.size()));
        for (const auto& folder : submission.searchFolders)
            checkPath(root, "search", folder);
        if (!isDevice(submission.device))
            root.fail("device", "expected cpu or cuda:N, found " + forMessage(submission.device, 40));
    }
    reader.finish();
    submission.job = readJobSpec(job, origin + "/job");
    return submission;
}

} // namespace azimuth
