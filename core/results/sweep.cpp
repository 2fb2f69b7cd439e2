#include "core/results/sweep.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/units.h"

#include <cmath>

namespace azimuth {
namespace {

double normAt(const Array<double>& norms, const DirectionBank& bank, std::int32_t position, std::int64_t k,
              const char* what) {
    const double norm = norms.empty() ? 0 : norms.at(bank.positionIndex(position), k);
    if (!(norm > 0) || !std::isfinite(norm))
        throw Error("direction.norm",
                    std::string("The ") + what + " of R[" + std::to_string(k) + "] is " + numberText(norm) +
                        ", so a strength in its unit means nothing.",
                    "Choose another k, or give strengths in the unit alpha.");
    return norm;
}

void checkTogether(const Model& model, const DirectionBank& bank) {
    if (bank.modelIdentity != model.identity || bank.width != model.width || bank.ks != model.blocks + 1)
        throw Error("sweep.model",
                    "The directions are of a model with " + std::to_string(bank.ks - 1) +
                        " blocks and width " + std::to_string(bank.width) + ", " + model.name + " has " +
                        std::to_string(model.blocks) + " and " + std::to_string(model.width) + ".",
                    "Extract the directions of this model.");
}

double alphaOf(const DirectionBank& bank, const SweepGrid& grid, std::int64_t k, double gridStrength) {
    switch (grid.unit) {
    case StrengthUnit::Alpha:
        return gridStrength;
    case StrengthUnit::RawNorm:
        return gridStrength * normAt(bank.rawNorm, bank, grid.position, k, "raw norm");
    case StrengthUnit::MedianNorm:
        return gridStrength * normAt(bank.medianNorm, bank, grid.position, k, "median norm");
    }
    return gridStrength;
}

SweepSetting settingOf(const Direction& direction, const Model& model, const DirectionBank& bank,
                       const SweepGrid& grid, double gridStrength) {
    const auto k = direction.k;
    SweepSetting setting;
    setting.k = k;
    setting.gridStrength = gridStrength;
    setting.alpha = alphaOf(bank, grid, k, gridStrength);
    setting.arm = addingArm(direction, k, setting.alpha, grid.span, model.blocks);
    setting.arm.name =
        "k " + std::to_string(k) + ", strength " + strengthText(setting.alpha, gridStrength, grid.unit);
    const auto& edit = setting.arm.interventions.front();
    setting.dose = setting.alpha * static_cast<double>(edit.kTo - edit.kFrom + 1) /
                   normAt(bank.medianNorm, bank, grid.position, model.blocks, "median norm");
    return setting;
}

} // namespace

Arm controlArm() { return Arm{"control", {}}; }

Arm addingArm(const Direction& direction, std::int64_t k, double alpha, SpanPolicy span,
              std::int64_t blocks) {
    Intervention edit;
    edit.operation = Operation::Add;
    edit.direction = direction.digest;
    edit.strength = alpha;
    edit.kFrom = k;
    edit.kTo = span == SpanPolicy::ToLast ? blocks : k;
    return Arm{"k " + std::to_string(k) + ", strength " + numberText(alpha), {edit}};
}

bool pointsSomewhere(const DirectionBank& bank, std::int32_t position, std::int64_t k) {
    if (k < 0 || k >= bank.ks || bank.rawNorm.empty() || bank.medianNorm.empty())
        return false;
    const auto row = bank.positionIndex(position);
    const double raw = bank.rawNorm.at(row, k), median = bank.medianNorm.at(row, k);
    return std::isfinite(raw) && std::isfinite(median) && raw > 1e-9 * median;
}

SweepSetting sweepSetting(const Model& model, const DirectionBank& bank, const SweepGrid& grid,
                          std::int64_t k, double gridStrength) {
    checkTogether(model, bank);
    return settingOf(directionAt(bank, grid.position, k), model, bank, grid, gridStrength);
}

Arm sweepArm(const Model& model, const DirectionBank& bank, const SweepGrid& grid, std::int64_t k,
             double gridStrength) {
    return sweepSetting(model, bank, grid, k, gridStrength).arm;
}

std::vector<SweepSetting> sweepSettings(const Model& model, const DirectionBank& bank,
                                        const SweepGrid& grid) {
    checkTogether(model, bank);
    std::vector<SweepSetting> settings;
    for (const auto k : grid.ksFor(model.blocks)) {
        if (!pointsSomewhere(bank, grid.position, k))
            continue;
        const auto direction = directionAt(bank, grid.position, k);
        for (const double strength : grid.strengths)
            settings.push_back(settingOf(direction, model, bank, grid, strength));
    }
    return settings;
}

std::string strengthText(double alpha, double gridStrength, StrengthUnit unit) {
    if (unit == StrengthUnit::Alpha)
        return numberText(alpha);
    const auto factor = canonicalJson(gridStrength); // as the study writes it: 0.8, not 0.800
    return numberText(alpha) + " (" + factor +
           (unit == StrengthUnit::RawNorm ? " \u00d7 raw norm)" : " \u00d7 median norm)");
}

} // namespace azimuth
