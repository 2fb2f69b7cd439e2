// A sweep of k x strength on a Model's own Direction, and the choice as a record. Later labels may show "would now choose"; only
// the user re-chooses.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

enum class StrengthUnit { Alpha, RawNorm, MedianNorm }; // what a grid's numbers multiply; stored is always alpha
std::string toString(StrengthUnit unit); // alpha, raw_norm, median_norm
enum class SpanPolicy { One, ToLast }; // edit R[k] only, or every R[j], j = k..L
std::string toString(SpanPolicy span); // one, to-last
enum class CalibrationRule { Default, Study2026 };
std::string toString(CalibrationRule rule); // default, study-2026

struct SweepGrid {
    std::vector<std::int64_t> ks; // edited k; either these or depths
    std::vector<double> depths; // k = round(depth * L), depth in 0..1
    std::vector<double> strengths; // positive, in `unit`
    StrengthUnit unit = StrengthUnit::RawNorm;
    SpanPolicy span = SpanPolicy::One;
    std::int32_t position = -1;
    CalibrationRule rule = CalibrationRule::Default;
    double garbledLimit = 0.05; // of the default rule

    std::vector<std::int64_t> ksFor(std::int64_t blocks) const; // sorted, unique, within 0..L
    friend bool operator==(const SweepGrid&, const SweepGrid&) = default;
};
Json toJson(const SweepGrid& grid);
SweepGrid readSweepGrid(JsonObject& object);

struct SweepPoint { // one cell of the sweep, over the calibration prompts
    std::int64_t k = 0;
    double gridStrength = 0; // in the grid's unit
    double alpha = 0;
    double dose = 0; // alpha x edited k / median norm of R[L]
    std::int64_t n = 0, coherent = 0, garbled = 0, normal = 0;
};

enum class CalibrationStatus { Chosen, NotBracketed, NothingSteers, Incomplete };
std::string toString(CalibrationStatus status); // chosen, not-bracketed, nothing-steers, incomplete

struct Calibration {
    std::string id; // SHA-256 of the canonical JSON without id and time
    std::string modelIdentity, conceptName, judgeDigest, bankKey;
    CalibrationRule rule = CalibrationRule::Default;
    CalibrationStatus status = CalibrationStatus::Incomplete;
    std::string reason; // one sentence with the numbers
    std::int64_t controlN = 0, controlCoherent = 0, controlGarbled = 0;
    std::vector<SweepPoint> points; // snapshot
    std::optional<std::size_t> chosen; // index into points; set for Chosen and NotBracketed
    std::string inputDigest; // SHA-256 of the completion keys and labels it was computed from
    std::string created; // UTC

    const SweepPoint* choice() const { return chosen ? &points.at(*chosen) : nullptr; }
};
Json toJson(const Calibration& calibration);
Calibration readCalibration(JsonObject& object);

} // namespace azimuth
