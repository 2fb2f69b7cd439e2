// extract: a DirectionBank over R[k], k = 0..L, at the position last and all post-instruction ones.
#include "core/base/error.h"
#include "core/engine/jobs/job.h"
#include "core/engine/methods/dim.h"

#include <algorithm>
#include <ranges>

namespace azimuth {
namespace {

// As many positions as every prompt has template tokens after the user's text.
std::int64_t positionsOf(const std::vector<RenderedPrompt>& positive,
                         const std::vector<RenderedPrompt>& negative) {
    std::size_t count = SIZE_MAX;
    for (const auto* set : {&positive, &negative})
        for (const auto& prompt : *set)
            count = std::min(count, prompt.postInstruction.size());
    return static_cast<std::int64_t>(count);
}

std::vector<std::vector<std::int32_t>> idsOf(const std::vector<RenderedPrompt>& prompts) {
    std::vector<std::vector<std::int32_t>> ids;
    for (const auto& prompt : prompts)
        ids.push_back(prompt.ids);
    return ids;
}

std::vector<std::string> tokensAt(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                                  const std::vector<std::int32_t>& positions) {
    std::vector<std::string> texts;
    for (const auto offset : positions) {
        const std::int32_t id = ids[ids.size() - static_cast<std::size_t>(-offset)];
        texts.push_back(tokenizer.decode(std::span(&id, 1), false));
    }
    return texts;
}

event::PartialMatrix partialOf(const Job& job, const ArrayD& values, std::int64_t n) {
    event::PartialMatrix partial;
    partial.run = job.submission().run;
    partial.name = "layer-map";
    partial.rows = values.extent(0);
    partial.columns = values.extent(1);
    partial.n = n;
    partial.values.assign(values.values().begin(), values.values().end());
    return partial;
}

MemoryPlan planOf(const ArchitectureSpec& spec, const DimRequest& request) {
    std::vector<std::span<const std::int32_t>> all;
    for (const auto* set : {&request.positive, &request.negative})
        all.insert(all.end(), set->begin(), set->end());
    return {static_cast<std::int64_t>(std::max(request.positive.size(), request.negative.size())),
            "prompts of each class", [&spec, &request, common = commonBeginning(all)](std::int64_t count) {
                MemoryShape shape;
                std::int64_t tokens = 0, prompts = 0;
                for (const auto* set : {&request.positive, &request.negative})
                    for (const auto& ids : *set | std::views::take(count)) {
                        const auto length = static_cast<std::int64_t>(ids.size());
                        shape.positions = std::max(shape.positions, length);
                        tokens += length;
                        ++prompts;
                    }
                shape.tokens = std::max(shape.positions, std::min<std::int64_t>(1024, tokens));
                shape.shared = sharingBytes(spec, common, prompts, shape.positions);
                shape.results = differenceInMeansBytes(spec, request.positions, prompts);
                return shape;
            }};
}

} // namespace

event::Done runExtract(Job& job) {
    const auto& extract = std::get<ExtractJob>(job.spec().payload);
    const auto positive = job.render(extract.positive), negative = job.render(extract.negative);
    DimRequest request;
    request.positive = idsOf(positive);
    request.negative = idsOf(negative);
    request.positions = positionsOf(positive, negative);
    request.note = [&](const std::string& text) { job.log(text); };
    const auto spec = architectureOf(job.model().checkpoint().hyperparameters());
    const auto found = differenceInMeans(
        job.decoder(planOf(spec, request)), request,
        [&](std::int64_t done, std::int64_t total) {
            return job.progress(static_cast<double>(done), static_cast<double>(total), "tokens",
                                "reading prompts");
        },
        [&](const ArrayD& values, std::int64_t n) { job.emit(partialOf(job, values, n)); });

    DirectionBank bank;
    bank.key = toHex(extract.key);
    bank.modelIdentity = job.model().description().identity;
    bank.conceptName = extract.conceptName;
    bank.method = extract.method;
    bank.positions = found.positions;
    bank.ks = found.raw.extent(1);
    bank.width = found.raw.extent(2);
    bank.positiveCount = found.positiveCount;
    bank.negativeCount = found.negativeCount;
    bank.rawNorm = found.rawNorm;
    bank.medianNorm = found.medianNorm;
    bank.tensor = found.raw;
    bank.positionTokens = tokensAt(job.model().renderer().tokenizer(), positive.front().ids, found.positions);
    bank.jobId = job.spec().id;
    JobResult result;
    result.models.push_back(job.model().description());
    result.banks.push_back(std::move(bank));
    result.job = job.record(1);
    return doneShard(job, result);
}

} // namespace azimuth
