#include "core/project/merge.h"

#include <algorithm>
#include <set>

namespace azimuth {
namespace {

std::size_t mergeModels(ProjectView& view, const JobResult& result) {
    std::size_t added = 0;
    for (const auto& model : result.models) {
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

std::size_t mergeBanks(ProjectView& view, const JobResult& result) {
    std::size_t added = 0;
    for (const auto& bank : result.banks) {
        const bool known = std::any_of(view.banks.begin(), view.banks.end(),
                                       [&](const auto& b) { return b->key == bank.key; });
        if (!known) {
            view.banks.push_back(std::make_shared<const DirectionBank>(bank));
            ++added;
        }
    }
    return added;
}

std::size_t mergeArms(ProjectView& view, const JobResult& result) {
    if (result.arms.empty())
        return 0;
    std::set<std::string> known;
    for (const auto& arm : view.arms)
        known.insert(arm->digest());
    std::size_t added = 0;
    for (const auto& arm : result.arms)
        if (known.insert(arm.digest()).second) {
            view.arms.push_back(std::make_shared<const Arm>(arm));
            ++added;
        }
    return added;
}

std::size_t mergeCompletions(ProjectView& view, const JobResult& result) {
    const bool anyNew =
        std::any_of(result.completions.begin(), result.completions.end(),
                    [&](const Completion& row) { return !view.completions->contains(row.key); });
    if (!anyNew)
        return 0;
    const auto before = view.completions->size();
    view.completions = std::make_shared<const CompletionTable>(view.completions->with(result.completions));
    return view.completions->size() - before;
}

std::size_t mergeJob(ProjectView& view, const JobResult& result) {
    const auto& job = result.job;
    if (job.id.empty() && job.kind.empty())
        return 0;
    const bool known = std::any_of(view.jobs.begin(), view.jobs.end(), [&](const JobRecord& other) {
        return other.id == job.id && other.started == job.started && other.state == job.state;
    });
    if (!known)
        view.jobs.push_back(job);
    return known ? 0 : 1;
}

} // namespace

ProjectView merge(const ProjectView& view, const JobResult& result, MergeCount* count) {
    ProjectView merged = view;
    merged.modelIdentities.resize(view.study->models.size());
    MergeCount added;
    added.models = mergeModels(merged, result);
    added.banks = mergeBanks(merged, result);
    added.arms = mergeArms(merged, result);
    added.completions = mergeCompletions(merged, result);
    added.jobs = mergeJob(merged, result);
    if (count)
        *count = added;
    return merged;
}

} // namespace azimuth
