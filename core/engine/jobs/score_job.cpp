// score: log-probabilities of given continuations of prompts under arms, and their divergence from a
// reference arm.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/engine/generate/memory_need.h"
#include "core/engine/generate/score.h"
#include "core/engine/jobs/steered_job.h"

#include <algorithm>
#include <numeric>

namespace azimuth {
namespace {

std::vector<std::vector<std::int32_t>> continuationIds(Job& job, const ScoreJob& task) {
    const auto& tokenizer = job.model().renderer().tokenizer();
    std::vector<std::vector<std::int32_t>> result;
    for (const auto& [id, content] : task.continuations) {
        auto ids = content.ids.empty() ? tokenizer.encode(content.text, false) : content.ids;
        if (content.first && ids.size() > 1)
            ids.resize(1);
        if (ids.empty())
            throw Error("score.continuation", "The continuation " + id + " has no tokens.",
                        "Give it a text.");
        result.push_back(std::move(ids));
    }
    return result;
}

MemoryPlan planOf(const ArchitectureSpec& spec, const ScoreJob& task,
                  const std::vector<std::vector<std::int32_t>>& prompts,
                  const std::vector<ScoreRequest>& requests) {
    std::int64_t longestPrompt = 0, positions = 0;
    for (const auto& request : requests) {
        const auto prompt =
            static_cast<std::int64_t>(prompts[static_cast<std::size_t>(request.prompt)].size());
        longestPrompt = std::max(longestPrompt, prompt);
        positions = std::max(positions, prompt + static_cast<std::int64_t>(request.ids.size()) - 1);
    }
    const auto pairs = static_cast<std::int64_t>(task.prompts.size() * task.arms.size());
    const std::int64_t least = task.reference ? 2 : 1; // score() computes a pair beside its reference
    return {std::max(least, std::min(task.batch, pairs)), "pairs of prompt and arm at a time (batch)",
            [=](std::int64_t count) {
                MemoryShape shape;
                shape.rows = shape.logitRows = count;
                shape.positions = positions;
                shape.tokens = std::max(longestPrompt, std::min<std::int64_t>(2048, count * positions));
                shape.buffers = scoreBuffers(spec, count);
                return shape;
            },
            least};
}

Score scoreOf(Job& job, const ScoreJob& task, std::size_t index, const std::vector<std::int32_t>& ids,
              const ScoredRow& row, std::size_t promptTokens) {
    const auto& source = task.rows[index];
    Score result;
    result.key = source.key;
    result.modelIdentity = job.model().description().identity;
    result.promptId = task.prompts[source.prompt].id;
    result.continuationDigest = task.continuations[source.continuation].content.digest();
    result.armDigest = task.arms[source.arm].digest();
    if (task.reference)
        result.referenceDigest = task.arms[*task.reference].digest();
    result.ids = ids;
    result.logProbabilities = row.logProbabilities;
    result.sum = std::accumulate(row.logProbabilities.begin(), row.logProbabilities.end(), 0.0);
    result.kl = row.kl;
    result.promptTokens = static_cast<std::int32_t>(promptTokens);
    result.jobId = job.spec().id;
    return result;
}

event::Done writeLines(Job& job, const ScoreJob& task, const std::vector<Score>& scores) {
    std::string lines;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto& row = scores[i];
        Json line{{"prompt", row.promptId},
                  {"continuation", task.continuations[task.rows[i].continuation].id},
                  {"ids", row.ids},
                  {"log_probabilities", row.logProbabilities},
                  {"sum", row.sum}};
        if (task.reference)
            line["kl"] = row.kl;
        lines += canonicalJson(line) + "\n";
    }
    writeFileAtomically(job.submission().out, lines);
    return doneFile(job);
}

} // namespace

event::Done runScore(Job& job) {
    const auto& task = std::get<ScoreJob>(job.spec().payload);
    const auto rendered = job.render(task.prompts);
    const auto continuations = continuationIds(job, task);
    std::vector<std::vector<std::int32_t>> prompts;
    for (const auto& prompt : rendered)
        prompts.push_back(prompt.ids);
    std::vector<ScoreRequest> requests;
    for (const auto& row : task.rows)
        requests.push_back({row.prompt, row.arm, continuations[row.continuation]});

    const auto spec = architectureOf(job.model().checkpoint().hyperparameters());
    const auto& decoder = job.decoder(planOf(spec, task, prompts, requests));
    std::vector<std::int64_t> rowOfArm(task.arms.size());
    std::iota(rowOfArm.begin(), rowOfArm.end(), 0);
    const Steering steering(task.arms, rowOfArm, directionsOf(job, task.blobs, decoder.spec().width),
                            decoder);
    ScoreOptions options;
    options.reference = task.reference ? static_cast<std::int64_t>(*task.reference) : -1;
    options.batch = task.batch;
    ScoreCallbacks callbacks;
    callbacks.progress = [&](std::int64_t done, std::int64_t total) {
        return job.progress(static_cast<double>(done), static_cast<double>(total), "scores", "scoring");
    };
    callbacks.note = [&](const std::string& text) { job.log(text); };
    const auto rows = score(decoder, prompts, requests, steering, options, callbacks);

    JobResult result;
    for (std::size_t i = 0; i < rows.size(); ++i)
        result.scores.push_back(
            scoreOf(job, task, i, requests[i].ids, rows[i], prompts[task.rows[i].prompt].size()));
    if (endsWith(job.submission().out, ".jsonl"))
        return writeLines(job, task, result.scores);
    result.arms = task.arms;
    result.models.push_back(job.model().description());
    result.job = job.record(static_cast<std::int64_t>(rows.size()));
    return doneShard(job, result);
}

} // namespace azimuth
