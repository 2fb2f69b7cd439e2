#include "core/project/merge.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace azimuth {
namespace {

using Results = std::vector<const JobResult*>;

std::size_t mergeModels(ProjectView& view, const Results& results) {
    std::size_t added = 0;
    for (const auto* result : results)
        for (const auto& model : result->models) {
            if (!view.modelByIdentity(model.identity)) {
                view.models.push_back(std::make_shared<const Model>(model));
                ++added;
            }
            for (std::size_t i = 0; i < view.study->models.size(); ++i) {
                const auto& declared = view.study->models[i];
                if (view.modelIdentities[i].empty() && declared.name == model.name &&
                    declared.precision == model.compute) {
                    view.modelIdentities[i] = model.identity;
                    ++added;
                }
            }
        }
    return added;
}

std::size_t mergeBanks(ProjectView& view, const Results& results) {
    std::set<std::string> known;
    for (const auto& bank : view.banks)
        known.insert(bank->key);
    std::size_t added = 0;
    for (const auto* result : results)
        for (const auto& bank : result->banks)
            if (known.insert(bank.key).second) {
                view.banks.push_back(std::make_shared<const DirectionBank>(bank));
                ++added;
            }
    return added;
}

std::size_t mergeArms(ProjectView& view, const Results& results) {
    if (std::all_of(results.begin(), results.end(), [](const auto* result) { return result->arms.empty(); }))
        return 0;
    std::set<std::string> known;
    for (const auto& arm : view.arms)
        known.insert(arm->digest());
    std::size_t added = 0;
    for (const auto* result : results)
        for (const auto& arm : result->arms)
            if (known.insert(arm.digest()).second) {
                view.arms.push_back(std::make_shared<const Arm>(arm));
                ++added;
            }
    return added;
}

std::size_t mergeCompletions(ProjectView& view, const Results& results) {
    std::vector<Completion> rows;
    for (const auto* result : results)
        for (const auto& row : result->completions)
            if (!view.completions->contains(row.key))
                rows.push_back(row);
    if (rows.empty())
        return 0;
    const auto before = view.completions->size();
    view.completions = std::make_shared<const CompletionTable>(view.completions->with(std::move(rows)));
    return view.completions->size() - before;
}

std::size_t mergeScores(ProjectView& view, const Results& results) {
    if (std::all_of(results.begin(), results.end(),
                    [](const auto* result) { return result->scores.empty(); }))
        return 0;
    std::set<Digest> known;
    for (const auto& row : view.scores)
        known.insert(row->key);
    std::size_t added = 0;
    for (const auto* result : results)
        for (const auto& row : result->scores)
            if (known.insert(row.key).second) {
                view.scores.push_back(std::make_shared<const Score>(row));
                ++added;
            }
    return added;
}

std::size_t mergeJobs(ProjectView& view, const Results& results) {
    const auto identity = [](const JobRecord& job) { return std::tuple(job.id, job.started, job.state); };
    std::set<std::tuple<std::string, std::string, JobState>> known;
    for (const auto& job : view.jobs)
        known.insert(identity(job));
    std::size_t added = 0;
    for (const auto* result : results)
        if (!(result->job.id.empty() && result->job.kind.empty()) &&
            known.insert(identity(result->job)).second) {
            view.jobs.push_back(result->job);
            ++added;
        }
    return added;
}

ProjectView mergeAll(const ProjectView& view, const Results& results, MergeCount* count) {
    ProjectView merged = view;
    merged.modelIdentities.resize(view.study->models.size());
    MergeCount added;
    added.models = mergeModels(merged, results);
    added.banks = mergeBanks(merged, results);
    added.arms = mergeArms(merged, results);
    added.completions = mergeCompletions(merged, results);
    added.scores = mergeScores(merged, results);
    added.jobs = mergeJobs(merged, results);
    if (count)
        *count = added;
    return merged;
}

} // namespace

ProjectView merge(const ProjectView& view, const JobResult& result, MergeCount* count) {
    return mergeAll(view, {&result}, count);
}

ProjectView merge(const ProjectView& view, const std::vector<JobResult>& results, MergeCount* count) {
    Results pointers;
    for (const auto& result : results)
        pointers.push_back(&result);
    return mergeAll(view, pointers, count);
}

} // namespace azimuth
