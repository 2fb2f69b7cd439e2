// generate: completions of prompts under arms, in fixed batches.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/engine/generate/generate.h"
#include "core/engine/generate/memory_need.h"
#include "core/engine/jobs/steered_job.h"

#include <algorithm>
#include <cstring>

namespace azimuth {
namespace {

// The random numbers of a row: named by what it is, not by where it stands.
std::uint64_t noiseOf(const JobPrompt& prompt, const Arm& arm) {
    const auto digest = sha256(prompt.id + "|" + arm.digest());
    std::uint64_t noise = 0;
    std::memcpy(&noise, digest.data(), sizeof noise);
    return noise;
}

Completion completionOf(Job& job, const GenerateJob& task, std::size_t index, const GeneratedRow& row,
                        std::size_t promptTokens) {
    const auto& source = task.rows[index];
    Completion completion;
    completion.key = source.key;
    completion.modelIdentity = job.model().description().identity;
    completion.promptId = task.prompts[source.prompt].id;
    completion.armDigest = task.arms[source.arm].digest();
    completion.ids = row.ids;
    completion.text = job.model().renderer().tokenizer().decode(row.ids, true);
    completion.finish = row.finish;
    completion.logProbability = row.logProbability;
    completion.promptTokens = static_cast<std::int32_t>(promptTokens);
    completion.jobId = job.spec().id;
    return completion;
}

GenerateCallbacks callbacksFor(Job& job, const GenerateJob& task) {
    GenerateCallbacks callbacks;
    callbacks.progress = [&](const GenerateProgress& at) {
        const double share =
            static_cast<double>(at.tokens) / static_cast<double>(task.decoding.maximumNewTokens);
        const double done =
            std::max(static_cast<double>(at.rowsDone), std::min(share, static_cast<double>(at.rows)));
        return job.progress(done, static_cast<double>(at.rows), "completions", "decoding");
    };
    callbacks.note = [&](const std::string& text) { job.log(text); };
    if (task.live)
        callbacks.token = [&](std::int64_t row, std::int32_t id) {
            job.emit(event::PartialToken{job.submission().run, row, id,
                                         job.model().renderer().tokenizer().decode(std::span(&id, 1), true)});
        };
    else
        callbacks.row = [&](std::int64_t index, const GeneratedRow& row) {
            const auto& source = task.rows[static_cast<std::size_t>(index)];
            job.emit(event::PartialCompletion{job.submission().run, toHex(source.key),
                                              task.prompts[source.prompt].id, task.arms[source.arm].digest(),
                                              job.model().renderer().tokenizer().decode(row.ids, true),
                                              toString(row.finish)});
        };
    return callbacks;
}

event::Done writeLines(Job& job, const std::vector<Completion>& completions) {
    std::string lines;
    for (const auto& completion : completions)
        lines += canonicalJson({{"id", completion.promptId},
                                {"ids", completion.ids},
                                {"text", completion.text},
                                {"finish", toString(completion.finish)}}) +
                 "\n";
    writeFileAtomically(job.submission().out, lines);
    return doneFile(job);
}

MemoryPlan planOf(const GenerateJob& task, const std::vector<RenderedPrompt>& rendered) {
    std::int64_t longest = 0;
    for (const auto& row : task.rows)
        longest = std::max(longest, static_cast<std::int64_t>(rendered[row.prompt].ids.size()));
    const auto rows = std::min(task.decoding.rows, static_cast<std::int64_t>(task.rows.size()));
    return {rows, "decoding rows", [longest, &task](std::int64_t count) {
                MemoryShape shape;
                shape.rows = count;
                shape.positions = longest + task.decoding.maximumNewTokens;
                shape.tokens = std::max(longest, std::min<std::int64_t>(2048, count * longest));
                shape.logitRows = count;
                return shape;
            }};
}

} // namespace

event::Done runGenerate(Job& job) {
    const auto& task = std::get<GenerateJob>(job.spec().payload);
    const auto rendered = job.render(task.prompts);
    const auto& decoder = job.decoder(planOf(task, rendered));

    std::vector<GenerateRequest> requests;
    std::vector<std::int64_t> armOfRow;
    for (const auto& row : task.rows) {
        requests.push_back({rendered[row.prompt].ids, noiseOf(task.prompts[row.prompt], task.arms[row.arm])});
        armOfRow.push_back(row.arm);
    }
    const Steering steering(task.arms, armOfRow, directionsOf(job, task.blobs, decoder.spec().width),
                            decoder);
    GenerateOptions options;
    options.decoding = task.decoding;
    options.stop = job.model().renderer().tokenizer().stopIds();
    options.logProbability = !endsWith(job.submission().out, ".jsonl") && !task.live;
    const auto rows = generate(decoder, requests, steering, options, callbacksFor(job, task));
    if (task.live)
        return {job.submission().run, {}, {}};

    JobResult result;
    for (std::size_t i = 0; i < rows.size(); ++i)
        result.completions.push_back(completionOf(job, task, i, rows[i], requests[i].ids.size()));
    if (endsWith(job.submission().out, ".jsonl"))
        return writeLines(job, result.completions);
    result.arms = task.arms;
    result.models.push_back(job.model().description());
    result.job = job.record(static_cast<std::int64_t>(rows.size()));
    return doneShard(job, result);
}

} // namespace azimuth
