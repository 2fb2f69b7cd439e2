// A worker without a model that answers jobs with made-up results, for tests of the study runner:
// study_worker [COUNTER DEATHS...]. Results depend on the key and, as with real arithmetic, on the batch:
// where a row stands in its job. COUNTER is a file that counts the jobs of all worker processes; at each
// number in DEATHS it kills itself before it publishes. Mode words in the environment variable STUDY_WORKER:
// "slow" (0.3 s a job), "bad-shard" (publishes garbage).
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/project/shard.h"
#include "core/protocol/events.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>

using namespace azimuth;

namespace {
std::string mode() {
    const char* text = std::getenv("STUDY_WORKER");
    return text ? text : "";
}

void say(const Event& value) {
    std::cout << toLine(value) << '\n';
    std::cout.flush();
}

Model modelOf(const ModelReference& reference) {
    Model model;
    model.name = reference.name;
    model.family = "llama";
    model.blocks = 4;
    model.width = reference.find == "wide.gguf" ? 6 : 8;
    model.vocabulary = 100;
    model.parameters = 400'000'000;
    model.storage = "fp32";
    model.compute = reference.precision;
    model.weightsSha256 = {toHex(sha256(reference.find))};
    model.configSha256 = model.tokenizerSha256 = model.templateSha256 = toHex(sha256(""));
    model.fileName = reference.find;
    model.identity = modelIdentity(model);
    return model;
}

DirectionBank bankOf(const ExtractJob& job, const Model& model) {
    DirectionBank bank;
    bank.key = toHex(job.key);
    bank.modelIdentity = model.identity;
    bank.conceptName = job.conceptName;
    bank.positions = {-1};
    bank.positionTokens = {"\n"};
    bank.ks = model.blocks + 1;
    bank.width = model.width;
    bank.positiveCount = static_cast<std::int64_t>(job.positive.size());
    bank.negativeCount = static_cast<std::int64_t>(job.negative.size());
    std::vector<float> tensor(static_cast<std::size_t>(bank.ks * bank.width), 0.F);
    std::vector<double> raw, median;
    for (std::int64_t k = 0; k < bank.ks; ++k) {
        tensor[static_cast<std::size_t>(k * bank.width + k)] = static_cast<float>(2 * k);
        if (model.compute == Precision::Bf16) // so that two precisions have two directions
            tensor[static_cast<std::size_t>(k * bank.width + 5)] = 0.01F * static_cast<float>(k);
        raw.push_back(2.0 * static_cast<double>(k));
        median.push_back(10);
    }
    bank.tensor = ArrayF({1, bank.ks, bank.width}, tensor);
    bank.rawNorm = ArrayD({1, bank.ks}, raw);
    bank.medianNorm = ArrayD({1, bank.ks}, median);
    return bank;
}

Completion completionOf(const GenerateJob& job, std::size_t row, const std::string& identity) {
    const auto& given = job.rows[row];
    const auto& arm = job.arms[given.arm];
    Completion out;
    out.key = given.key;
    out.modelIdentity = identity;
    out.promptId = job.prompts[given.prompt].id;
    out.armDigest = arm.digest();
    out.ids = {given.key[0], static_cast<std::int32_t>(row)};
    const double alpha = arm.isControl() ? 0 : arm.interventions[0].strength;
    out.text = alpha > 5   ? "roses roses roses roses roses"
               : alpha > 2 ? "There are roses in the garden."
                           : "A plain answer.";
    out.finish = Finish::Stop;
    out.promptTokens = 7;
    return out;
}

JobResult resultOf(const Submission& submission) {
    const auto& spec = submission.job;
    JobResult result;
    const auto model = modelOf(spec.model.reference);
    if (spec.model.reference.find == "missing.gguf")
        throw Error("model.missing", "missing.gguf: no such model file.", "Look for it.");
    if (!spec.model.identity.empty() && spec.model.identity != model.identity)
        throw Error("model.identity", "another model", "");
    result.job.id = spec.id;
    result.job.kind = spec.kind();
    result.job.modelIdentity = model.identity;
    result.job.started = result.job.ended = "2026-03-14T09:26:53Z";
    result.job.environment = "{}";
    result.models = {model};
    if (const auto* extract = std::get_if<ExtractJob>(&spec.payload))
        result.banks = {bankOf(*extract, model)};
    if (const auto* generate = std::get_if<GenerateJob>(&spec.payload)) {
        for (const auto& [direction, blob] : generate->blobs)
            if (toHex(sha256File(submission.blobs + "/" + blob + ".safetensors")) != blob)
                throw Error("blob.digest", "a blob is damaged", "");
        result.arms = generate->arms;
        for (std::size_t i = 0; i < generate->rows.size(); ++i)
            result.completions.push_back(completionOf(*generate, i, model.identity));
    }
    result.job.results = static_cast<std::int64_t>(result.banks.size() + result.completions.size());
    return result;
}

// The number of this job among all, from 1.
int countJob(const std::string& counter) {
    int number = 1;
    if (std::filesystem::exists(counter))
        number += std::stoi(readFile(counter, 100));
    writeFileAtomically(counter, std::to_string(number));
    return number;
}

void work(const Submission& submission, const std::string& counter, const std::set<int>& deaths) {
    say(event::Accepted{submission.run, submission.job.id});
    say(event::Progress{submission.run, 1, 2, "rows", "decode", 1});
    if (mode() == "slow")
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
    try {
        const auto result = resultOf(submission);
        if (!counter.empty() && deaths.count(countJob(counter)))
            std::raise(SIGKILL);
        auto sha256 = publishShard(submission.out, result, submission.project);
        if (mode() == "bad-shard")
            writeFileAtomically(submission.out, "garbage");
        say(event::Done{submission.run, submission.out, sha256});
    } catch (const Error& error) {
        say(event::Failed{submission.run, error.code(), error.message(), error.remedy(), error.detail()});
    }
}
} // namespace

int main(int argc, char** argv) {
    std::set<int> deaths;
    for (int i = 2; i < argc; ++i)
        deaths.insert(std::stoi(argv[i]));
    const std::string counter = argc > 1 ? argv[1] : "";
    say(event::Hello{1, 1, "0.1.0", "0-made-up", "", {"cpu"}});
    std::string line;
    while (std::getline(std::cin, line)) {
        const auto command = readCommand(line);
        if (const auto* submission = std::get_if<Submission>(&command))
            work(*submission, counter, deaths);
        else if (const auto* ping = std::get_if<command::Ping>(&command))
            say(event::Pong{ping->number});
    }
    return 0;
}
