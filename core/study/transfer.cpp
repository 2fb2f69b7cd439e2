#include "core/study/transfer.h"

#include "core/study/names.h"

#include <cmath>
#include <limits>

namespace azimuth {
namespace {
const std::vector<std::string> kindNames{"cannot", "not-yet", "running", "failed", "by-choice"};
const std::vector<std::string> cellNames{"own", "model transfer", "precision transfer"};

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double readNumber(JsonObject& object, const char* key) {
    const Json value = object.any(key);
    if (value.is_null())
        return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) {
        object.fail(key, "expected a number or null");
        return 0;
    }
    return value.get<double>();
}

Json toJson(const Rate& rate) {
    return {{"count", rate.count},
            {"n", rate.n},
            {"value", number(rate.value)},
            {"low", number(rate.low)},
            {"high", number(rate.high)}};
}

void readRate(JsonObject& object, const char* key, Rate& rate) {
    object.object(key, [&](JsonObject& inner) {
        rate.count = inner.integer("count", 0, std::int64_t{1} << 40);
        rate.n = inner.integer("n", 0, std::int64_t{1} << 40);
        rate.value = readNumber(inner, "value");
        rate.low = readNumber(inner, "low");
        rate.high = readNumber(inner, "high");
    });
}

struct NumberField {
    const char* key;
    double TransferCell::*member;
};
constexpr NumberField numberFields[] = {{"alpha", &TransferCell::alpha},
                                        {"te", &TransferCell::te},
                                        {"excess_te", &TransferCell::excessTe},
                                        {"excess", &TransferCell::excess},
                                        {"excess_low", &TransferCell::excessLow},
                                        {"excess_high", &TransferCell::excessHigh},
                                        {"difference", &TransferCell::difference},
                                        {"difference_low", &TransferCell::differenceLow},
                                        {"difference_high", &TransferCell::differenceHigh},
                                        {"excess_te_low", &TransferCell::excessTeLow},
                                        {"excess_te_high", &TransferCell::excessTeHigh},
                                        {"cosine", &TransferCell::cosine},
                                        {"source_raw_norm", &TransferCell::sourceRawNorm},
                                        {"target_raw_norm", &TransferCell::targetRawNorm}};

struct RateField {
    const char* key;
    Rate TransferCell::*member;
};
constexpr RateField rateFields[] = {
    {"foreign", &TransferCell::foreign},        {"own", &TransferCell::own},
    {"control", &TransferCell::control},        {"foreign_garbled", &TransferCell::foreignGarbled},
    {"own_garbled", &TransferCell::ownGarbled}, {"control_garbled", &TransferCell::controlGarbled}};
} // namespace

std::string toString(NotMeasured::Kind kind) { return names::of(kindNames, kind); }
std::string toString(CellKind kind) { return names::of(cellNames, kind); }

Json toJson(const TransferCell& cell) {
    Json json{{"source", cell.source},
              {"target", cell.target},
              {"concept", cell.conceptName},
              {"kind", toString(cell.kind)},
              {"k", cell.k}};
    for (const auto& field : numberFields)
        json[field.key] = number(cell.*field.member);
    for (const auto& field : rateFields)
        json[field.key] = toJson(cell.*field.member);
    if (cell.notMeasured)
        json["not_measured"] = {{"kind", toString(cell.notMeasured->kind)},
                                {"short_reason", cell.notMeasured->shortReason},
                                {"reason", cell.notMeasured->reason}};
    return json;
}

TransferCell readTransferCell(JsonObject& object) {
    TransferCell cell;
    cell.source = object.text("source");
    cell.target = object.text("target");
    cell.conceptName = object.text("concept");
    cell.kind = static_cast<CellKind>(object.choice("kind", cellNames));
    cell.k = object.integer("k", 0, 1024);
    for (const auto& field : numberFields)
        cell.*field.member = readNumber(object, field.key);
    for (const auto& field : rateFields)
        readRate(object, field.key, cell.*field.member);
    object.object(
        "not_measured",
        [&](JsonObject& inner) {
            NotMeasured why;
            why.kind = static_cast<NotMeasured::Kind>(inner.choice("kind", kindNames));
            why.shortReason = inner.text("short_reason");
            why.reason = inner.text("reason");
            cell.notMeasured = why;
        },
        false);
    return cell;
}

} // namespace azimuth
