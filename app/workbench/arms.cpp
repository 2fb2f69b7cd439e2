#include "app/workbench/arms.h"

#include "core/results/sweep.h"

namespace azimuth {

ArmIndex::ArmIndex(std::shared_ptr<const ProjectView> view, const ArmIndex* earlier)
    : m_view(std::move(view)) {
    if (!m_view)
        return;
    if (earlier && earlier->m_view && earlier->m_view->completions == m_view->completions)
        m_measured = earlier->m_measured;
    else
        findMeasured();
    for (const auto& one : m_view->arms) {
        const auto digest = one->digest();
        m_arms[digest] = one.get();
        for (const auto& [identity, digests] : m_measured)
            if (digests.count(digest))
                m_measuredOn[identity].emplace_back(digest, one.get());
    }
}

void ArmIndex::findMeasured() {
    const std::string *model = nullptr, *arm = nullptr; // rows of one arm come together
    for (std::size_t i = 0; i < m_view->completions->size(); ++i) {
        const auto row = m_view->completions->head(i);
        if (&row.modelIdentity == model && &row.armDigest == arm)
            continue;
        m_measured[row.modelIdentity].insert(row.armDigest);
        model = &row.modelIdentity;
        arm = &row.armDigest;
    }
}

const Arm* ArmIndex::find(const std::string& digest) const {
    const auto found = m_arms.find(digest);
    return found == m_arms.end() ? nullptr : found->second;
}

bool ArmIndex::measured(const std::string& modelIdentity, const std::string& digest) const {
    const auto found = m_measured.find(modelIdentity);
    return found != m_measured.end() && found->second.count(digest) > 0;
}

const std::vector<std::pair<std::string, const Arm*>>&
ArmIndex::measuredOn(const std::string& modelIdentity) const {
    static const std::vector<std::pair<std::string, const Arm*>> none;
    const auto found = m_measuredOn.find(modelIdentity);
    return found == m_measuredOn.end() ? none : found->second;
}

std::string ArmIndex::ofPoint(const Model& model, const DirectionBank* bank, const SweepPoint& point) const {
    const auto& grid = m_view->study->sweep;
    if (bank && !bank->tensor.empty() && pointsSomewhere(*bank, grid.position, point.k)) {
        auto& direction = m_directions[{bank->key, point.k}];
        if (direction.empty())
            direction = directionAt(*bank, grid.position, point.k).digest;
        Direction unit;
        unit.digest = direction;
        const auto digest = addingArm(unit, point.k, point.alpha, grid.span, model.blocks).digest();
        return find(digest) ? digest : std::string();
    }
    for (const auto& [digest, arm] : measuredOn(model.identity)) {
        if (arm->isControl() || arm->name.rfind("direction of ", 0) == 0)
            continue;
        const auto& edit = arm->interventions.front();
        if (edit.operation == Operation::Add && edit.kFrom == point.k && edit.strength == point.alpha)
            return digest;
    }
    return {};
}

std::shared_ptr<const ArmIndex> armIndex(const std::shared_ptr<const ProjectView>& view) {
    static std::weak_ptr<const ProjectView> of;
    static std::shared_ptr<const ArmIndex> kept;
    if (!kept || of.lock() != view) {
        kept = std::make_shared<const ArmIndex>(view, kept.get());
        of = view;
    }
    return kept;
}

} // namespace azimuth
