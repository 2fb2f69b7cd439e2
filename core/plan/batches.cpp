#include "core/plan/batches.h"

#include "core/plan/estimate.h"

#include <algorithm>
#include <set>

namespace azimuth {

namespace {
std::size_t rowsPerJob(const Model& model, const Study& study, const WantedRows& wanted) {
    std::int64_t tokens = 0;
    for (const auto& row : wanted.rows)
        tokens += estimatedTokens(row.prompt->text) + study.decoding.maximumNewTokens;
    const double each = estimatedSeconds(model, tokens) / static_cast<double>(wanted.rows.size());
    const auto batch = static_cast<std::size_t>(study.decoding.rows);
    const double affordable = each > 0 ? referenceSeconds / each : static_cast<double>(maximumJobRows);
    const auto rows = std::min(static_cast<std::size_t>(std::min(affordable, 1e6)), maximumJobRows);
    return std::min(std::max(rows / batch, std::size_t{1}) * batch, std::max(batch, maximumJobRows));
}

PlannedJob jobOf(const ProjectView& view, const Model& model, const ModelReference& reference, Stage stage,
                 const WantedRows& wanted, const std::vector<std::size_t>& rows) {
    PlannedJob job;
    GenerateJob generate;
    std::map<const Prompt*, std::uint32_t> prompts;
    std::map<std::size_t, std::uint32_t> arms;
    for (const auto i : rows) {
        const auto& row = wanted.rows[i];
        const auto [prompt, newPrompt] =
            prompts.emplace(row.prompt, static_cast<std::uint32_t>(generate.prompts.size()));
        if (newPrompt)
            generate.prompts.push_back({row.prompt->id, row.prompt->text});
        const auto [arm, newArm] = arms.emplace(row.arm, static_cast<std::uint32_t>(generate.arms.size()));
        if (newArm)
            generate.arms.push_back(wanted.arms[row.arm]);
        generate.rows.push_back({row.key, prompt->second, arm->second});
    }
    generate.decoding = view.study->decoding;
    job.spec.model = {reference, model.identity};
    job.spec.rendering = view.study->rendering;
    job.spec.payload = std::move(generate);
    job.spec.id = jobId("generate", job.spec.keys());
    job.stage = stage;
    return job;
}

// What a job needs and costs, from its rows.
void complete(PlannedJob& job, const ProjectView& view, const Model& model, const ModelReference& reference,
              Stage stage, const WantedRows& wanted) {
    const auto& generate = std::get<GenerateJob>(job.spec.payload);
    job.stage = stage;
    job.modelName = reference.name;
    job.results = static_cast<std::int64_t>(generate.rows.size());
    std::int64_t tokens = 0, longest = 0;
    for (const auto& row : generate.rows) {
        job.missing += view.completions->contains(row.key) ? 0 : 1;
        const auto& text = std::get<std::string>(generate.prompts[row.prompt].content);
        const auto length = estimatedTokens(text) + generate.decoding.maximumNewTokens;
        tokens += length;
        longest = std::max(longest, length);
    }
    std::set<std::string> seen;
    for (const auto& arm : generate.arms)
        for (const auto& intervention : arm.interventions)
            if (const auto found = wanted.directions.find(intervention.direction);
                found != wanted.directions.end() && seen.insert(found->first).second)
                job.directions.push_back(found->second);
    job.seconds = estimatedSeconds(model, tokens);
    job.memoryBytes = estimatedMemory(model, std::min(job.results, generate.decoding.rows), longest);
    job.title = reference.name + ": " + toString(stage) + ", " + std::to_string(job.results) + " completions";
}

// Whether a recorded batch belongs to this stage of the study as it is now, and how many of its rows are
// wanted and missing.
struct Use {
    std::size_t firstMissing = 0, missing = 0;
};
std::optional<Use> useOf(const JobSpec& spec, const ProjectView& view, const Model& model,
                         const WantedRows& wanted) {
    const auto* generate = std::get_if<GenerateJob>(&spec.payload);
    if (!generate || spec.model.identity != model.identity)
        return std::nullopt;
    Use use;
    use.firstMissing = wanted.rows.size();
    for (const auto& row : generate->rows) {
        const auto found = wanted.index.find(row.key);
        if (found == wanted.index.end() || view.completions->contains(row.key))
            continue;
        ++use.missing;
        use.firstMissing = std::min(use.firstMissing, found->second);
    }
    return use;
}
} // namespace

std::vector<PlannedJob> batchesOf(const ProjectView& view, const Model& model,
                                  const ModelReference& reference, Stage stage, const WantedRows& wanted,
                                  const RecordedJobs& recorded) {
    std::vector<PlannedJob> jobs;
    if (wanted.rows.empty())
        return jobs;
    std::vector<std::pair<std::size_t, PlannedJob>> ordered; // by first missing row
    std::vector<bool> covered(wanted.rows.size(), false);
    std::set<std::string> seen;
    for (const auto& spec : recorded) {
        const auto use = useOf(*spec, view, model, wanted);
        if (!use || use->missing == 0 || !seen.insert(spec->id).second)
            continue;
        for (const auto& row : std::get<GenerateJob>(spec->payload).rows)
            if (const auto found = wanted.index.find(row.key); found != wanted.index.end())
                covered[found->second] = true;
        PlannedJob job;
        job.spec = *spec;
        job.spec.model.reference = reference; // where to find the model may have changed
        job.recorded = true;
        ordered.emplace_back(use->firstMissing, std::move(job));
    }
    std::vector<std::size_t> open;
    const auto limit = rowsPerJob(model, *view.study, wanted);
    for (std::size_t i = 0; i <= wanted.rows.size(); ++i) {
        const bool end = i == wanted.rows.size();
        if (!end && !covered[i] && !view.completions->contains(wanted.rows[i].key))
            open.push_back(i);
        if (open.size() == limit || (end && !open.empty())) {
            ordered.emplace_back(open.front(), jobOf(view, model, reference, stage, wanted, open));
            open.clear();
        }
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [first, job] : ordered) {
        complete(job, view, model, reference, stage, wanted);
        jobs.push_back(std::move(job));
    }
    return jobs;
}

} // namespace azimuth
