#include "app/worker/verbs.h"

#include "app/worker/job_runner.h"
#include "app/worker/temporary_folder.h"
#include "app/worker/verbs_common.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/sha256.h"
#include "core/base/units.h"

#include <chrono>

namespace azimuth::worker {

namespace {
constexpr std::int64_t promptTokens = 64, prompts = 32, newTokens = 32;

double secondsOf(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Token ids that every vocabulary has, the same in each run.
std::vector<JobPrompt> somePrompts(std::int64_t count, std::int64_t length, std::int64_t vocabulary) {
    std::vector<JobPrompt> out;
    std::uint64_t state = 20260314;
    for (std::int64_t i = 0; i < count; ++i) {
        std::vector<std::int32_t> ids;
        for (std::int64_t j = 0; j < length; ++j) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            ids.push_back(static_cast<std::int32_t>((state >> 33) % static_cast<std::uint64_t>(vocabulary)));
        }
        out.push_back({std::to_string(i), ids});
    }
    return out;
}

std::int64_t generatedTokens(const std::string& path) {
    const auto text = readFile(path, std::uint64_t{1} << 30);
    std::int64_t count = 0;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        if (end > start)
            count +=
                static_cast<std::int64_t>(parseJson(text.substr(start, end - start), path).at("ids").size());
        start = end + 1;
    }
    return count;
}
} // namespace

void bench(const CommonOptions& options, int output) {
    const TemporaryFolder folder;
    JobRunner runner;
    auto base = submissionFor(options);
    const auto run = [&](auto payload, const std::string& name) {
        auto submission = base;
        submission.job.payload = std::move(payload);
        submission.out = folder.file(name);
        submission.blobs = folder.path();
        nameJob(submission.job);
        runner.run(submission);
        return submission.out;
    };
    const auto path = run(InspectJob{false}, "model.json");
    JsonReader reader(readJsonFile(path), "the model");
    const auto model = readModel(reader.root());
    reader.finish();

    const double load = secondsOf([&] {
        run(CaptureJob{somePrompts(1, 1, model.vocabulary), false, {"resid"}}, "a.safetensors");
    });
    const CaptureJob capture{somePrompts(prompts, promptTokens, model.vocabulary), false, {"resid"}};
    const double extraction = secondsOf([&] { run(capture, "b.safetensors"); });
    const auto generation = [&](std::int64_t rows) {
        GenerateJob job;
        job.prompts = somePrompts(rows, 8, model.vocabulary);
        job.arms = {Arm{"control", {}}};
        job.decoding.maximumNewTokens = newTokens;
        for (std::uint32_t i = 0; i < job.prompts.size(); ++i)
            job.rows.push_back({sha256("row " + std::to_string(i)), i, 0});
        std::string file;
        const double seconds = secondsOf([&] { file = run(job, "c.jsonl"); });
        return static_cast<double>(generatedTokens(file)) / seconds;
    };
    const double one = generation(1), many = generation(32);
    print(output, model.fileName + " at " + options.precision + ", torch " + runner.library().torch() + "\n" +
                      "load                " + numberText(load) + " s\n" + "extraction          " +
                      numberText(static_cast<double>(prompts * promptTokens) / extraction) + " tok/s\n" +
                      "decoding, 1 row     " + numberText(one) + " tok/s\n" + "decoding, 32 rows   " +
                      numberText(many) + " tok/s\n");
}

} // namespace azimuth::worker
