#include "core/study/calibration.h"

#include "core/base/sha256.h"
#include "core/study/names.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace azimuth {
namespace {
const std::vector<std::string> unitNames{"alpha", "raw_norm", "median_norm"};
const std::vector<std::string> spanNames{"one", "to-last"};
const std::vector<std::string> ruleNames{"default", "study-2026"};
const std::vector<std::string> statusNames{"chosen", "not-bracketed", "nothing-steers", "incomplete"};
constexpr std::int64_t maximumCount = std::int64_t{1} << 40;

Json toJson(const SweepPoint& point) {
    return {{"k", point.k},
            {"grid_strength", point.gridStrength},
            {"alpha", point.alpha},
            {"dose", point.dose},
            {"n", point.n},
            {"coherent", point.coherent},
            {"garbled", point.garbled},
            {"normal", point.normal}};
}

SweepPoint readPoint(JsonObject& object) {
    SweepPoint point;
    point.k = object.integer("k", 0, 1024);
    point.gridStrength = object.number("grid_strength");
    point.alpha = object.number("alpha");
    point.dose = object.number("dose");
    point.n = object.integer("n", 0, maximumCount);
    point.coherent = object.integer("coherent", 0, maximumCount);
    point.garbled = object.integer("garbled", 0, maximumCount);
    point.normal = object.integer("normal", 0, maximumCount);
    return point;
}

Json content(const Calibration& value) {
    Json points = Json::array();
    for (const auto& point : value.points)
        points.push_back(toJson(point));
    Json json{
        {"model", value.modelIdentity},
        {"concept", value.conceptName},
        {"judge", value.judgeDigest},
        {"bank", value.bankKey},
        {"rule", toString(value.rule)},
        {"status", toString(value.status)},
        {"reason", value.reason},
        {"points", points},
        {"inputs", value.inputDigest},
        {"control",
         {{"n", value.controlN}, {"coherent", value.controlCoherent}, {"garbled", value.controlGarbled}}}};
    if (value.chosen)
        json["chosen"] = *value.chosen;
    return json;
}

} // namespace

std::string toString(StrengthUnit unit) { return names::of(unitNames, unit); }
std::string toString(SpanPolicy span) { return names::of(spanNames, span); }
std::string toString(CalibrationRule rule) { return names::of(ruleNames, rule); }
std::string toString(CalibrationStatus status) { return names::of(statusNames, status); }

std::vector<std::int64_t> SweepGrid::ksFor(std::int64_t blocks) const {
    std::set<std::int64_t> out;
    for (const auto k : ks)
        if (k <= blocks)
            out.insert(k);
    for (const auto depth : depths)
        out.insert(static_cast<std::int64_t>(std::llround(depth * static_cast<double>(blocks))));
    return {out.begin(), out.end()};
}

Json toJson(const SweepGrid& grid) {
    Json json{{"strengths", grid.strengths}, {"unit", toString(grid.unit)},
              {"span", toString(grid.span)}, {"position", grid.position},
              {"rule", toString(grid.rule)}, {"garbled_limit", grid.garbledLimit}};
    if (!grid.ks.empty())
        json["k"] = grid.ks;
    if (!grid.depths.empty())
        json["depths"] = grid.depths;
    return json;
}

SweepGrid readSweepGrid(JsonObject& object) {
    SweepGrid grid;
    grid.ks = object.integers("k", 0, 1024, false);
    grid.depths = object.numbers("depths", false);
    if (grid.ks.empty() == grid.depths.empty())
        object.fail("k", "give either k (a list of R[k]) or depths (a list of fractions from 0 to 1)");
    for (const double depth : grid.depths)
        if (!(depth >= 0 && depth <= 1))
            object.fail("depths", "expected fractions from 0 to 1");
    grid.strengths = object.numbers("strengths");
    if (grid.strengths.empty())
        object.fail("strengths", "expected at least one strength");
    for (const double strength : grid.strengths)
        if (!(strength > 0))
            object.fail("strengths", "expected strengths above 0; the control is always measured");
    if (std::set<double>(grid.strengths.begin(), grid.strengths.end()).size() != grid.strengths.size())
        object.fail("strengths", "a strength stands twice");
    grid.unit = static_cast<StrengthUnit>(object.choice("unit", unitNames));
    grid.span = static_cast<SpanPolicy>(object.choice("span", spanNames, 0));
    grid.position = static_cast<std::int32_t>(object.integer("position", -4096, -1, -1));
    grid.rule = static_cast<CalibrationRule>(object.choice("rule", ruleNames, 0));
    grid.garbledLimit = object.number("garbled_limit", 0.05);
    if (!(grid.garbledLimit >= 0 && grid.garbledLimit <= 1))
        object.fail("garbled_limit", "expected a fraction from 0 to 1");
    return grid;
}

Json toJson(const Calibration& calibration) {
    Json json = content(calibration);
    json["id"] = calibration.id.empty() ? toHex(sha256(canonicalJson(content(calibration)))) : calibration.id;
    json["created"] = calibration.created;
    return json;
}

Calibration readCalibration(JsonObject& object) {
    Calibration value;
    value.id = object.text("id");
    value.created = object.text("created");
    value.modelIdentity = object.text("model");
    value.conceptName = object.text("concept");
    value.judgeDigest = object.text("judge");
    value.bankKey = object.text("bank");
    value.rule = static_cast<CalibrationRule>(object.choice("rule", ruleNames));
    value.status = static_cast<CalibrationStatus>(object.choice("status", statusNames));
    value.reason = object.text("reason");
    value.inputDigest = object.text("inputs");
    object.object("control", [&](JsonObject& control) {
        value.controlN = control.integer("n", 0, maximumCount);
        value.controlCoherent = control.integer("coherent", 0, maximumCount);
        value.controlGarbled = control.integer("garbled", 0, maximumCount);
    });
    object.each("points", [&](JsonObject& point) { value.points.push_back(readPoint(point)); });
    if (object.has("chosen")) {
        const auto last = static_cast<std::int64_t>(value.points.size()) - 1;
        if (last < 0)
            object.fail("chosen", "there are no points to choose from");
        else
            value.chosen = static_cast<std::size_t>(object.integer("chosen", 0, last));
    }
    return value;
}

} // namespace azimuth
