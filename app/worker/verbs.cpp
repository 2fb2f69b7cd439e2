#include "app/worker/verbs.h"

#include "app/worker/job_runner.h"
#include "app/worker/steering_options.h"
#include "app/worker/temporary_folder.h"
#include "app/worker/verbs_common.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/units.h"
#include "core/protocol/prompt_lines.h"

#include <cerrno>
#include <filesystem>
#include <unistd.h>

namespace azimuth::worker {

namespace {
namespace fs = std::filesystem;
constexpr std::uint64_t largestResult = std::uint64_t{4} << 30;

std::string inspectText(const Model& model) {
    const auto line = [](const std::string& name, const std::string& value) {
        return name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + value + "\n";
    };
    return line("file", model.fileName) + line("identity", model.identity) +
           line("architecture", model.family) + line("blocks", std::to_string(model.blocks)) +
           line("width", std::to_string(model.width)) + line("vocabulary", std::to_string(model.vocabulary)) +
           line("parameters", std::to_string(model.parameters)) + line("storage", model.storage) +
           line("precision", toString(model.compute)) + line("memory", bytesText(model.memoryBytes)) +
           line("context", std::to_string(model.contextLength)) +
           line("template", model.hasTemplate ? "yes" : "no");
}

std::string entryText(JsonObject& entry) {
    std::string text = entry.text("path") + "\n    ";
    const auto reason = entry.text("reason", "");
    if (!reason.empty() || !entry.has("model") || entry.any("model").is_null()) {
        entry.any("model", false);
        return text + reason + "\n";
    }
    entry.object("model", [&](JsonObject& object) {
        const auto model = readModel(object);
        text += model.family + ", L " + std::to_string(model.blocks) + ", d " + std::to_string(model.width) +
                ", " + model.storage + ", " + bytesText(model.fileBytes) +
                (model.hasTemplate ? ", template\n" : ", no template\n");
        if (!model.identity.empty())
            text += "    " + model.identity + "\n";
    });
    return text;
}

void setPlace(Submission& submission, const PlaceOptions& place) {
    for (const auto& folder : place.search)
        submission.searchFolders.push_back(fs::absolute(folder).lexically_normal().string());
    submission.threads = place.threads;
    submission.device = place.device;
}
} // namespace

void print(int output, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = ::write(output, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR)
            throw systemError("write", "standard output", errno);
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

Submission submissionFor(const CommonOptions& options) {
    std::error_code failure;
    const auto status = fs::status(options.model, failure);
    Submission submission;
    auto& reference = submission.job.model.reference;
    reference.name = fs::path(options.model).stem().string();
    reference.find = fs::exists(status) ? fs::absolute(options.model).string() : options.model;
    reference.precision = precisionFromString(options.precision).value_or(Precision::Fp32);
    if (!options.rendering.empty())
        submission.job.rendering = readRenderingFile(options.rendering);
    if (options.noTemplate) {
        if (submission.job.rendering.system)
            throw Error("usage", "--no-template has no place for the system text of " + options.rendering + ".",
                        "Give one of the two.");
        submission.job.rendering.plain = true;
    }
    setPlace(submission, options.place);
    return submission;
}

void nameJob(JobSpec& job) {
    job.id = "none";
    job.id = toHex(sha256(toJson(job).dump(-1, ' ', false, Json::error_handler_t::replace)));
}

void inspect(const CommonOptions& options, bool asJson, int output) {
    const TemporaryFolder folder;
    auto submission = submissionFor(options);
    submission.job.payload = InspectJob{false};
    submission.out = folder.file("model.json");
    nameJob(submission.job);
    JobRunner().run(submission);
    const auto json = readJsonFile(submission.out);
    if (asJson)
        return print(output, prettyJson(json));
    JsonReader reader(json, "the model");
    const auto model = readModel(reader.root());
    reader.finish();
    print(output, inspectText(model));
}

void listModels(const PlaceOptions& place, bool asJson, int output) {
    const TemporaryFolder folder;
    Submission submission;
    setPlace(submission, place);
    submission.job.model.reference = {"all", "*", std::nullopt, Precision::Fp32, true};
    submission.job.payload = InspectJob{true};
    submission.out = folder.file("models.json");
    nameJob(submission.job);
    JobRunner().run(submission);
    const auto json = readJsonFile(submission.out);
    if (asJson)
        return print(output, prettyJson(json));
    JsonReader reader(json, "the list of models");
    std::string text;
    reader.root().each("models", [&](JsonObject& entry) { text += entryText(entry); });
    reader.finish();
    print(output, text.empty() ? "There is no model in the model folders.\n" : text);
}

void tokens(const CommonOptions& options, int output) {
    const TemporaryFolder folder;
    auto submission = submissionFor(options);
    submission.job.payload = TokensJob{readPromptLines(options.prompts)};
    submission.out = folder.file("tokens.jsonl");
    nameJob(submission.job);
    JobRunner().run(submission);
    if (!options.out.empty())
        return writeFileAtomically(options.out, readFile(submission.out, largestResult));
    print(output, readFile(submission.out, largestResult));
}

void capture(const CommonOptions& options, const std::string& positions,
             const std::vector<std::string>& sites) {
    auto submission = submissionFor(options);
    CaptureJob job;
    job.prompts = readPromptLines(options.prompts);
    job.allPositions = positions == "all";
    job.sites = sites;
    submission.job.payload = std::move(job);
    submission.out = fs::absolute(options.out).string();
    nameJob(submission.job);
    if (fs::path(submission.out).extension() != ".safetensors")
        throw usage("capture", "--out " + options.out + ": expected a name that ends in .safetensors.");
    JobRunner().run(submission);
}

void generate(const CommonOptions& options, const GenerateOptions& how) {
    checkSteering(how.steering, "generate");
    const TemporaryFolder folder;
    auto submission = submissionFor(options);
    GenerateJob job;
    job.prompts = readPromptLines(options.prompts);
    job.arms = {steeringArm(how.steering, folder.path(), job.blobs)};
    job.decoding.maximumNewTokens = how.maximumNewTokens;
    job.decoding.temperature = how.temperature;
    job.decoding.seed = how.temperature > 0 ? how.seed : 0;
    for (std::uint32_t i = 0; i < job.prompts.size(); ++i)
        job.rows.push_back({sha256("row " + std::to_string(i)), i, 0});
    submission.job.payload = std::move(job);
    submission.blobs = folder.path();
    submission.out = fs::absolute(options.out).string();
    nameJob(submission.job);
    if (fs::path(submission.out).extension() != ".jsonl")
        throw usage("generate", "--out " + options.out + ": expected a name that ends in .jsonl.");
    JobRunner().run(submission);
}

void runJob(const RunOptions& options, int output) {
    Submission submission;
    submission.job = readJobSpec(readJsonFile(options.job), options.job);
    submission.out = fs::absolute(options.out).string();
    submission.blobs = options.blobs.empty() ? std::string() : fs::absolute(options.blobs).string();
    submission.project = options.project;
    setPlace(submission, options.place);
    JobRunner().run(submission, [output](const Event& value) {
        if (!isTerminal(value) || std::holds_alternative<event::Done>(value))
            print(output, toLine(value) + "\n");
    });
}

} // namespace azimuth::worker
