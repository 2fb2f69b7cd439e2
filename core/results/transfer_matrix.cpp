#include "core/results/transfer_matrix.h"

#include "core/base/units.h"
#include "core/results/study_rows.h"
#include "core/results/transfer_plan.h"
#include "core/stats/paired.h"

#include <algorithm>
#include <limits>

namespace azimuth {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr double leastOwnRate = 0.20;

PairedDifference difference(const ArmOutcome& first, const ArmOutcome& second) {
    PairedCounts counts;
    for (std::size_t prompt = 0; prompt < first.rows.size(); ++prompt)
        counts.add(first.isCoherent(prompt), second.isCoherent(prompt));
    return pairedDifference(counts);
}

TransferCell emptyCell(const TransferSetup& setup, const std::string& conceptName) {
    TransferCell cell;
    cell.source = setup.source;
    cell.target = setup.target;
    cell.conceptName = conceptName;
    cell.kind = setup.kind;
    cell.notMeasured = setup.notMeasured;
    cell.k = setup.k;
    cell.alpha = setup.alpha;
    cell.foreign = cell.own = cell.control = rateOf(0, 0);
    cell.foreignGarbled = cell.ownGarbled = cell.controlGarbled = rateOf(0, 0);
    for (auto* number :
         {&cell.te, &cell.excessTe, &cell.excess, &cell.excessLow, &cell.excessHigh, &cell.difference,
          &cell.differenceLow, &cell.differenceHigh, &cell.excessTeLow, &cell.excessTeHigh})
        *number = nothing;
    cell.cosine = setup.cosine;
    cell.sourceRawNorm = setup.sourceRawNorm;
    cell.targetRawNorm = setup.targetRawNorm;
    return cell;
}

std::string percentOf(const Rate& rate) {
    return std::to_string(rate.count) + " of " + std::to_string(rate.n) + " coherent (" +
           percentText(rate.value) + ")";
}

// Why the own direction is no yardstick, or nothing.
std::optional<NotMeasured> ownDoesNotSteer(const TransferCell& cell, const PairedDifference& own) {
    const bool rare = cell.own.value < leastOwnRate;
    if (own.interval.low > 0 && !rare)
        return std::nullopt;
    const auto range = percentText(own.interval.low) + " to " + percentText(own.interval.high);
    return NotMeasured{NotMeasured::Kind::Failed, "own rate " + percentText(cell.own.value),
                       "The own direction of " + cell.target + " does not steer it: " + percentOf(cell.own) +
                           " against " + percentOf(cell.control) + " without steering; " +
                           (rare ? "at least 20 % are needed."
                                 : "the interval of the difference, " + range + ", includes 0.")};
}

std::optional<NotMeasured> notThere(const ArmOutcome* const (&arms)[3]) {
    std::int64_t all = 0, missing = 0, unlabelled = 0;
    for (const auto* arm : arms) {
        all += static_cast<std::int64_t>(arm->rows.size());
        missing += arm->missing;
        unlabelled += arm->unlabelled;
    }
    const auto open = missing > 0 ? missing : unlabelled;
    if (open == 0)
        return std::nullopt;
    const std::string what = missing > 0 ? " completions are there" : " completions are judged";
    return NotMeasured{NotMeasured::Kind::NotYet, missing > 0 ? "not yet" : "not judged",
                       std::to_string(all - open) + " of " + std::to_string(all) + what + "."};
}

void fill(TransferCell& cell, const ArmOutcome& foreign, const ArmOutcome& own, const ArmOutcome& control) {
    cell.foreign = rateOf(foreign.coherent, foreign.n());
    cell.own = rateOf(own.coherent, own.n());
    cell.control = rateOf(control.coherent, control.n());
    cell.foreignGarbled = rateOf(foreign.garbled, foreign.n());
    cell.ownGarbled = rateOf(own.garbled, own.n());
    cell.controlGarbled = rateOf(control.garbled, control.n());
    const auto excess = difference(foreign, control), toOwn = difference(foreign, own);
    cell.excess = excess.value;
    cell.excessLow = excess.interval.low;
    cell.excessHigh = excess.interval.high;
    cell.difference = toOwn.value;
    cell.differenceLow = toOwn.interval.low;
    cell.differenceHigh = toOwn.interval.high;
    const auto ownExcess = difference(own, control);
    const auto unusable = ownDoesNotSteer(cell, ownExcess);
    if (unusable) {
        if (cell.kind != CellKind::Own) // the diagonal shows the own rate, whatever it is
            cell.notMeasured = unusable;
        return;
    }
    cell.te = cell.foreign.value / cell.own.value;
    cell.excessTe = cell.excess / ownExcess.value;
}

} // namespace

TransferMatrix transferMatrix(const ProjectView& view, const Study& study, const Concept& conceptValue) {
    TransferMatrix matrix;
    matrix.conceptName = conceptValue.name;
    const StudyRows rows(view, study, conceptValue.induce.digest());
    const auto* set = conceptValue.set(PromptRole::TestInduce);
    for (const auto& source : study.models) {
        matrix.models.push_back(source.name);
        for (const auto& target : study.models) {
            const auto setup = transferSetup(view, study, conceptValue, source, target);
            auto cell = emptyCell(setup, conceptValue.name);
            if (!setup.notMeasured) {
                const auto outcomeOf = [&](const Arm& arm) {
                    return rows.outcome(setup.targetModel->identity, *set, arm.digest());
                };
                const auto foreign = outcomeOf(setup.foreign), own = outcomeOf(setup.own);
                const auto control = outcomeOf(setup.control);
                cell.notMeasured = notThere({&foreign, &own, &control});
                if (!cell.notMeasured)
                    fill(cell, foreign, own, control);
            }
            matrix.cells.push_back(std::move(cell));
        }
    }
    return matrix;
}

std::size_t measuredModelTransfers(const TransferMatrix& matrix) {
    return static_cast<std::size_t>(
        std::count_if(matrix.cells.begin(), matrix.cells.end(), [](const TransferCell& cell) {
            return cell.kind == CellKind::ModelTransfer && !cell.notMeasured;
        }));
}

} // namespace azimuth
