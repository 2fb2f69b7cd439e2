#include "core/results/calibrate.h"

#include "core/base/error.h"
#include "core/base/units.h"
#include "core/results/study_rows.h"
#include "core/results/sweep.h"
#include "core/stats/paired.h"

#include <algorithm>
#include <set>

namespace azimuth {
namespace {

struct Sweep { // everything the rules look at
    const SweepGrid* grid = nullptr;
    const DirectionBank* bank = nullptr;
    std::int64_t blocks = 0;
    ArmOutcome control;
    std::vector<SweepSetting> settings;
    std::vector<ArmOutcome> outcomes; // per setting
    std::vector<SweepPoint> points;   // per setting
};

std::string of(std::int64_t count, std::int64_t n) {
    return std::to_string(count) + " of " + std::to_string(n);
}

PairedDifference againstControl(const Sweep& sweep, std::size_t i) {
    PairedCounts counts;
    for (std::size_t prompt = 0; prompt < sweep.control.rows.size(); ++prompt)
        counts.add(sweep.outcomes[i].isCoherent(prompt), sweep.control.isCoherent(prompt));
    return pairedDifference(counts);
}

std::string settingText(const Sweep& sweep, std::size_t i) {
    const auto& point = sweep.points[i];
    return "k " + std::to_string(point.k) + ", strength " +
           strengthText(point.alpha, point.gridStrength, sweep.grid->unit);
}

// "k 16, strength 52.1 (0.8 x raw norm): 11 of 12 coherent against 0 of 12 without steering, none garbled"
std::string outcomeText(const Sweep& sweep, std::size_t i) {
    const auto& point = sweep.points[i];
    return settingText(sweep, i) + ": " + of(point.coherent, point.n) + " coherent against " +
           of(sweep.control.coherent, sweep.control.n()) + " without steering, " +
           (point.garbled == 0 ? "none" : std::to_string(point.garbled)) + " garbled";
}

// More coherent, then the smaller dose, then the smaller k.
bool better(const SweepPoint& a, const SweepPoint& b) {
    if (a.coherent != b.coherent)
        return a.coherent > b.coherent;
    return a.dose != b.dose ? a.dose < b.dose : a.k < b.k;
}

// The smaller dose, then the more coherent, then the smaller k.
bool gentler(const SweepPoint& a, const SweepPoint& b) {
    if (a.dose != b.dose)
        return a.dose < b.dose;
    return a.coherent != b.coherent ? a.coherent > b.coherent : a.k < b.k;
}

bool anySiteBetween(const Sweep& sweep, std::int64_t from, std::int64_t to) {
    for (auto k = from; k <= to; ++k)
        if (pointsSomewhere(*sweep.bank, sweep.grid->position, k))
            return true;
    return false;
}

// The edges of the grid a setting lies on, as "0.8 is the highest strength of the grid"; empty if it lies
// inside.
std::string edgeText(const Sweep& sweep, std::size_t i) {
    const auto& point = sweep.points[i];
    const auto [lowest, highest] =
        std::minmax_element(sweep.grid->strengths.begin(), sweep.grid->strengths.end());
    const auto [first, last] = std::minmax_element(sweep.points.begin(), sweep.points.end(),
                                                   [](const auto& a, const auto& b) { return a.k < b.k; });
    std::vector<std::string> edges;
    const auto strength = canonicalJson(point.gridStrength);
    if (*lowest != *highest) {
        if (point.gridStrength == *lowest)
            edges.push_back(strength + " is the lowest strength of the grid");
        if (point.gridStrength == *highest && point.coherent < point.n)
            edges.push_back(strength + " is the highest strength of the grid");
    }
    if (first->k != last->k) {
        if (point.k == first->k && anySiteBetween(sweep, 0, point.k - 1))
            edges.push_back("k " + std::to_string(point.k) + " is the first of the grid");
        if (point.k == last->k && anySiteBetween(sweep, point.k + 1, sweep.blocks))
            edges.push_back("k " + std::to_string(point.k) + " is the last of the grid");
    }
    std::string text;
    for (const auto& edge : edges)
        text += (text.empty() ? "" : " and ") + edge;
    return text;
}

void nothingSteers(Calibration& calibration, const std::string& why) {
    calibration.status = CalibrationStatus::NothingSteers;
    calibration.reason = "nothing steers: " + why;
}

void chooseDefault(const Sweep& sweep, Calibration& calibration) {
    std::vector<std::size_t> readable;
    for (std::size_t i = 0; i < sweep.points.size(); ++i)
        if (static_cast<double>(sweep.points[i].garbled) <=
            sweep.grid->garbledLimit * static_cast<double>(sweep.points[i].n) + 1e-9)
            readable.push_back(i);
    if (readable.empty())
        return nothingSteers(calibration, "all " + std::to_string(sweep.points.size()) +
                                              " settings have more than " +
                                              percentText(sweep.grid->garbledLimit) + " garbled");
    const auto best = *std::min_element(readable.begin(), readable.end(), [&](std::size_t a, std::size_t b) {
        return better(sweep.points[a], sweep.points[b]);
    });
    const auto difference = againstControl(sweep, best);
    if (difference.interval.low <= 0)
        return nothingSteers(calibration, "the best of " + std::to_string(readable.size()) +
                                              " settings that stay readable is " + outcomeText(sweep, best));
    const auto bestCoherent = static_cast<double>(sweep.points[best].coherent);
    const double enough =
        bestCoherent - difference.standardError * static_cast<double>(sweep.points[best].n) - 1e-9;
    auto chosen = best;
    for (const auto i : readable)
        if (static_cast<double>(sweep.points[i].coherent) >= enough &&
            gentler(sweep.points[i], sweep.points[chosen]))
            chosen = i;
    calibration.chosen = chosen;
    calibration.reason = outcomeText(sweep, chosen);
    if (chosen == best)
        calibration.reason += "; the best of " + std::to_string(sweep.points.size()) + " settings";
    else
        calibration.reason += "; smallest dose within one standard error of the best (" +
                              of(sweep.points[best].coherent, sweep.points[best].n) + " at " +
                              settingText(sweep, best) + ")";
    auto edge = edgeText(sweep, chosen);
    if (edge.empty() && chosen != best)
        edge = edgeText(sweep, best);
    calibration.status = edge.empty() ? CalibrationStatus::Chosen : CalibrationStatus::NotBracketed;
    if (!edge.empty())
        calibration.reason += "; not bracketed: " + edge;
}

void chooseAsStudy2026(const Sweep& sweep, Calibration& calibration) {
    std::int64_t most = 0;
    for (const auto& outcome : sweep.outcomes)
        most = std::max(most, outcome.behaves);
    if (most == 0)
        return nothingSteers(calibration, "no completion of " + std::to_string(sweep.points.size()) +
                                              " settings shows the behaviour");
    const auto leastGarbled = [&](std::size_t a, std::size_t b) {
        const auto &p = sweep.points[a], &q = sweep.points[b];
        return p.garbled != q.garbled ? p.garbled < q.garbled : better(p, q);
    };
    for (std::size_t i = 0; i < sweep.points.size(); ++i)
        if (2 * sweep.outcomes[i].behaves >= most &&
            (!calibration.chosen || leastGarbled(i, *calibration.chosen)))
            calibration.chosen = i;
    calibration.status = CalibrationStatus::Chosen;
    calibration.reason = outcomeText(sweep, *calibration.chosen) +
                         "; least garbled, then most coherent, behaviour not collapsed (rule of study 2026)";
}

std::string digestOf(const Sweep& sweep, const ProjectView& view) {
    Sha256 hash;
    const auto add = [&](const ArmOutcome& outcome) {
        for (const auto& row : outcome.rows) {
            if (row.row < 0)
                continue;
            hash.update(toHex(view.completions->key(static_cast<std::size_t>(row.row))));
            if (row.label)
                hash.update(" " + toString(row.label->verdict) + (row.label->behaves ? " behaves\n" : "\n"));
        }
    };
    add(sweep.control);
    for (const auto& outcome : sweep.outcomes)
        add(outcome);
    return toHex(hash.finish());
}

SweepPoint pointOf(const SweepSetting& setting, const ArmOutcome& outcome) {
    SweepPoint point;
    point.k = setting.k;
    point.gridStrength = setting.gridStrength;
    point.alpha = setting.alpha;
    point.dose = setting.dose;
    point.n = outcome.n();
    point.coherent = outcome.coherent;
    point.garbled = outcome.garbled;
    point.normal = outcome.normal;
    return point;
}

Sweep sweepOf(const StudyRows& rows, const Study& study, const PromptSet& set, const Model& model,
              const DirectionBank& bank) {
    Sweep sweep;
    sweep.grid = &study.sweep;
    sweep.bank = &bank;
    sweep.blocks = model.blocks;
    sweep.control = rows.outcome(model.identity, set, controlArm().digest());
    sweep.settings = sweepSettings(model, bank, study.sweep);
    for (const auto& setting : sweep.settings) {
        sweep.outcomes.push_back(rows.outcome(model.identity, set, setting.arm.digest()));
        sweep.points.push_back(pointOf(setting, sweep.outcomes.back()));
    }
    return sweep;
}

void choose(const Sweep& sweep, Calibration& calibration) {
    std::int64_t missing = sweep.control.missing, unlabelled = sweep.control.unlabelled;
    for (const auto& outcome : sweep.outcomes) {
        missing += outcome.missing;
        unlabelled += outcome.unlabelled;
    }
    const auto all = static_cast<std::int64_t>(sweep.control.rows.size() * (sweep.settings.size() + 1));
    if (missing > 0)
        calibration.reason = of(all - missing, all) + " completions of the sweep are there";
    else if (unlabelled > 0)
        calibration.reason = of(all - unlabelled, all) + " completions of the sweep are judged";
    else if (sweep.points.empty())
        nothingSteers(calibration, "the two classes do not differ at any k of the grid");
    else if (sweep.grid->rule == CalibrationRule::Default)
        chooseDefault(sweep, calibration);
    else
        chooseAsStudy2026(sweep, calibration);
}

} // namespace

Calibration calibrate(const ProjectView& view, const Study& study, const Concept& conceptValue,
                      const Model& model, const std::string& created) {
    const auto* set = conceptValue.set(PromptRole::Calibration);
    if (!set || set->prompts.empty())
        throw Error("results.prompts", "The concept " + conceptValue.name + " has no calibration prompts.",
                    "Add a prompt set with the role calibration.");
    Calibration calibration;
    calibration.modelIdentity = model.identity;
    calibration.conceptName = conceptValue.name;
    calibration.judgeDigest = conceptValue.induce.digest();
    calibration.rule = study.sweep.rule;
    const auto* bank = view.bank(model.identity, conceptValue.name, Method::Dim);
    if (bank) {
        const StudyRows rows(view, study, calibration.judgeDigest);
        const auto sweep = sweepOf(rows, study, *set, model, *bank);
        calibration.bankKey = bank->key;
        calibration.controlN = sweep.control.n();
        calibration.controlCoherent = sweep.control.coherent;
        calibration.controlGarbled = sweep.control.garbled;
        calibration.points = sweep.points;
        calibration.inputDigest = digestOf(sweep, view);
        choose(sweep, calibration);
    } else {
        calibration.reason = "the directions of " + model.name + " are not extracted yet";
    }
    calibration.id = toJson(calibration)["id"].get<std::string>();
    calibration.created = created;
    return calibration;
}

bool calibrationOutOfDate(const ProjectView& view, const Study& study, const Concept& conceptValue,
                          const Model& model) {
    const auto* chosen = view.calibration(model.identity, conceptValue.name);
    if (!chosen)
        return false;
    const auto now = calibrate(view, study, conceptValue, model);
    return now.inputDigest != chosen->inputDigest || now.rule != chosen->rule;
}

} // namespace azimuth
