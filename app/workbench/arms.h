// Arms of a project by digest, and on which models they were measured: made once per view. An arm's digest is
// a SHA-256 over canonical JSON, too dear to compute again at every change of the Selection.
#pragma once

#include "core/study/project_view.h"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace azimuth {

class ArmIndex {
public:
    // view may be null. earlier: of a view before this one, or null; what did not change is taken from it.
    explicit ArmIndex(std::shared_ptr<const ProjectView> view, const ArmIndex* earlier = nullptr);

    const Arm* find(const std::string& digest) const; // null if the project has no such arm
    bool measured(const std::string& modelIdentity, const std::string& digest) const;
    // Arms of which the model has at least one completion, in the view's order. Lives as long as the index.
    const std::vector<std::pair<std::string, const Arm*>>& measuredOn(const std::string& modelIdentity) const;

    // Digest of the arm that adds the model's own direction as the sweep's point says; empty if the project
    // has no such arm. Without the bank's tensor, the arm of equal k and strength that no other model's
    // direction has given.
    std::string ofPoint(const Model& model, const DirectionBank* bank, const SweepPoint& point) const;

private:
    void findMeasured();

    std::shared_ptr<const ProjectView> m_view;
    std::unordered_map<std::string, const Arm*> m_arms;
    std::map<std::string, std::unordered_set<std::string>> m_measured;
    std::map<std::string, std::vector<std::pair<std::string, const Arm*>>> m_measuredOn;
    // (bank key, k) -> digest of its unit direction
    mutable std::map<std::pair<std::string, std::int64_t>, std::string> m_directions;
};

// The index of this view; the last one is kept. GUI thread only.
std::shared_ptr<const ArmIndex> armIndex(const std::shared_ptr<const ProjectView>& view);

} // namespace azimuth
