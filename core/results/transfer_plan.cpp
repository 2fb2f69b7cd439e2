#include "core/results/transfer_plan.h"

#include "core/base/units.h"
#include "core/geometry/cosine.h"
#include "core/results/sweep.h"

#include <cmath>
#include <limits>
#include <set>

namespace azimuth {
namespace {

using Kind = NotMeasured::Kind;

CellKind kindOf(const Model& source, const Model& target) {
    if (source.identity == target.identity)
        return CellKind::Own;
    const bool sameWeights = !source.weightsSha256.empty() && source.weightsSha256 == target.weightsSha256;
    return sameWeights ? CellKind::PrecisionTransfer : CellKind::ModelTransfer;
}

// Why the target has no setting to be steered at, or nothing.
std::optional<NotMeasured> withoutSetting(const Calibration* calibration, const ModelReference& target) {
    if (calibration && calibration->choice())
        return std::nullopt;
    if (calibration && calibration->status == CalibrationStatus::NothingSteers)
        return NotMeasured{Kind::Failed, "nothing steers",
                           "The sweep of " + target.name + " found no setting: " + calibration->reason + "."};
    if (!target.calibrate)
        return NotMeasured{Kind::ByChoice, "not calibrated",
                           target.name + " is not calibrated: the study leaves its sweep out."};
    return NotMeasured{Kind::NotYet, "no strength", target.name + " has no calibrated k and strength yet."};
}

// Why a bank gives no direction at a site, or nothing.
std::optional<NotMeasured> withoutDirection(const DirectionBank* bank, const std::string& name,
                                            std::int32_t position, std::int64_t k) {
    if (!bank)
        return NotMeasured{Kind::NotYet, "not extracted",
                           "The directions of " + name + " are not extracted yet."};
    if (pointsSomewhere(*bank, position, k))
        return std::nullopt;
    return NotMeasured{Kind::Cannot, "no direction",
                       "The two classes of " + name + " do not differ at R[" + std::to_string(k) +
                           "], so there is no direction to carry over."};
}

std::int64_t sameDepth(std::int64_t k, const Model& from, const Model& to) {
    return std::llround(static_cast<double>(k) * static_cast<double>(to.blocks) /
                        static_cast<double>(from.blocks));
}

void setArms(TransferSetup& setup, const Study& study, const DirectionBank& sourceBank,
             const DirectionBank& targetBank, const SweepPoint& choice) {
    const auto position = study.sweep.position;
    const auto ownDirection = directionAt(targetBank, position, setup.k);
    const auto foreignDirection = directionAt(sourceBank, position, setup.sourceK);
    const auto blocks = setup.targetModel->blocks;
    const auto where = "k " + std::to_string(setup.k) + ", strength " +
                       strengthText(choice.alpha, choice.gridStrength, study.sweep.unit);
    setup.own = addingArm(ownDirection, setup.k, setup.alpha, study.sweep.span, blocks);
    setup.own.name = where;
    setup.foreign = addingArm(foreignDirection, setup.k, setup.alpha, study.sweep.span, blocks);
    setup.foreign.name =
        setup.source == setup.target ? where : "direction of " + setup.source + " at " + where;
    setup.cosine = cosine(foreignDirection.unit, ownDirection.unit);
    setup.sourceRawNorm = foreignDirection.rawNorm;
    setup.targetRawNorm = ownDirection.rawNorm;
}

std::optional<NotMeasured> notFound(const Model* model, const std::string& name) {
    if (model)
        return std::nullopt;
    return NotMeasured{Kind::NotYet, "not found", name + " has not been found on this machine yet."};
}

std::optional<NotMeasured> differentWidths(const Model& source, const Model& target,
                                           const TransferSetup& setup) {
    if (source.width == target.width)
        return std::nullopt;
    const auto from = std::to_string(source.width), to = std::to_string(target.width);
    return NotMeasured{Kind::Cannot, from + " \u2260 " + to,
                       "A direction of width " + from + " (" + setup.source +
                           ") cannot be added to a residual stream of width " + to + " (" + setup.target +
                           ")."};
}

std::optional<NotMeasured> leftOut(const Study& study, const Concept& conceptValue,
                                   const TransferSetup& setup) {
    const auto* set = conceptValue.set(PromptRole::TestInduce);
    if (!set || set->prompts.empty())
        return NotMeasured{Kind::ByChoice, "no prompts",
                           "The concept " + conceptValue.name +
                               " has no evaluation prompts (role test-induce)."};
    if (!study.transfer && setup.kind != CellKind::Own)
        return NotMeasured{Kind::ByChoice, "left out", "The study measures no transfer between models."};
    return std::nullopt;
}

} // namespace

TransferSetup transferSetup(const ProjectView& view, const Study& study, const Concept& conceptValue,
                            const ModelReference& source, const ModelReference& target) {
    TransferSetup setup;
    setup.source = source.name;
    setup.target = target.name;
    setup.kind = source.name == target.name ? CellKind::Own : CellKind::ModelTransfer;
    setup.cosine = std::numeric_limits<double>::quiet_NaN();
    setup.control = controlArm();
    setup.sourceModel = view.model(source.name);
    setup.targetModel = view.model(target.name);
    for (const auto* side : {&source, &target})
        if ((setup.notMeasured = notFound(view.model(side->name), side->name)))
            return setup;
    const auto &from = *setup.sourceModel, &to = *setup.targetModel;
    setup.kind = kindOf(from, to);
    if ((setup.notMeasured = differentWidths(from, to, setup)) ||
        (setup.notMeasured = leftOut(study, conceptValue, setup)))
        return setup;
    const auto* calibration = view.calibration(to.identity, conceptValue.name);
    if ((setup.notMeasured = withoutSetting(calibration, target)))
        return setup;
    setup.k = calibration->choice()->k;
    setup.alpha = calibration->choice()->alpha;
    setup.sourceK = sameDepth(setup.k, to, from);
    const auto* sourceBank = view.bank(from.identity, conceptValue.name, Method::Dim);
    const auto* targetBank = view.bank(to.identity, conceptValue.name, Method::Dim);
    const auto position = study.sweep.position;
    if ((setup.notMeasured = withoutDirection(targetBank, target.name, position, setup.k)) ||
        (setup.notMeasured = withoutDirection(sourceBank, source.name, position, setup.sourceK)))
        return setup;
    setArms(setup, study, *sourceBank, *targetBank, *calibration->choice());
    return setup;
}

std::vector<TransferRun> transferRuns(const ProjectView& view, const Study& study,
                                      const Concept& conceptValue) {
    std::vector<TransferRun> runs;
    std::set<std::pair<std::string, std::string>> seen;
    const auto add = [&](TransferRun::Role role, const TransferSetup& setup, const std::string& source,
                         const Arm& arm) {
        const auto& identity = setup.targetModel->identity;
        if (seen.emplace(identity, arm.digest()).second)
            runs.push_back({role, setup.target, identity, source, arm});
    };
    for (const auto& target : study.models) {
        const auto own = transferSetup(view, study, conceptValue, target, target);
        if (own.notMeasured)
            continue;
        add(TransferRun::Role::Control, own, {}, own.control);
        add(TransferRun::Role::Own, own, target.name, own.own);
        for (const auto& source : study.models) {
            if (source.name == target.name)
                continue;
            const auto setup = transferSetup(view, study, conceptValue, source, target);
            if (!setup.notMeasured)
                add(TransferRun::Role::Foreign, setup, source.name, setup.foreign);
        }
    }
    return runs;
}

} // namespace azimuth
