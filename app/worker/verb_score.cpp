#include "app/worker/job_runner.h"
#include "app/worker/temporary_folder.h"
#include "app/worker/verbs_common.h"
#include "core/protocol/prompt_lines.h"

#include <filesystem>

namespace azimuth::worker {

namespace {
// Each continuation after every prompt, or after those with the id that its line names; prompt by prompt.
std::vector<ScoreRow> rowsOf(const ScoreJob& job, const std::vector<ContinuationLine>& lines,
                             std::uint32_t arm) {
    std::vector<ScoreRow> rows;
    std::vector<bool> used(lines.size());
    for (std::uint32_t p = 0; p < job.prompts.size(); ++p)
        for (std::uint32_t c = 0; c < lines.size(); ++c)
            if (lines[c].prompt.empty() || lines[c].prompt == job.prompts[p].id) {
                rows.push_back({sha256("row " + std::to_string(rows.size())), p, c, arm});
                used[c] = true;
            }
    for (std::size_t c = 0; c < lines.size(); ++c)
        if (!used[c])
            throw Error("continuations.prompt",
                        "The continuation " + lines[c].continuation.id + " names the prompt " +
                            lines[c].prompt + ", which is not there.",
                        "Correct the id, or leave it out to score the continuation after every prompt.");
    return rows;
}
} // namespace

void score(const CommonOptions& options, const ScoreOptions& how) {
    checkSteering(how.steering, "score");
    const TemporaryFolder folder;
    auto submission = submissionFor(options);
    ScoreJob job;
    job.prompts = readPromptLines(options.prompts);
    const auto lines = readContinuationLines(how.continuations);
    for (const auto& line : lines)
        job.continuations.push_back(line.continuation);
    job.arms = {steeringArm(how.steering, folder.path(), job.blobs)};
    job.batch = how.batch;
    job.rows = rowsOf(job, lines, 0);
    if (how.kl) {
        if (how.steering.direction.empty())
            throw usage("score", "--kl compares with the model that is not steered: it needs --direction.");
        job.arms.push_back({"control", {}});
        job.reference = 1;
    }
    submission.job.payload = std::move(job);
    submission.blobs = folder.path();
    submission.out = std::filesystem::absolute(options.out).string();
    nameJob(submission.job);
    if (std::filesystem::path(submission.out).extension() != ".jsonl")
        throw usage("score", "--out " + options.out + ": expected a name that ends in .jsonl.");
    JobRunner().run(submission);
}

} // namespace azimuth::worker
