// One cell of the transfer matrix: a source's Direction on a target, or why it was not measured.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <cstdint>
#include <optional>
#include <string>

namespace azimuth {

struct Rate {
    std::int64_t count = 0, n = 0;
    double value = 0, low = 0, high = 0; // Wilson 95 %
};

struct NotMeasured {
    enum class Kind { Cannot, NotYet, Running, Failed, ByChoice };
    Kind kind = Kind::NotYet;
    std::string shortReason; // "576 ≠ 640", fits a cell
    std::string reason; // one sentence
};
std::string toString(NotMeasured::Kind kind); // cannot, not-yet, running, failed, by-choice

enum class CellKind { Own, ModelTransfer, PrecisionTransfer };
std::string toString(CellKind kind); // own, model transfer, precision transfer

struct TransferCell {
    std::string source, target; // the study's model names
    std::string conceptName;
    CellKind kind = CellKind::ModelTransfer;
    std::optional<NotMeasured> notMeasured; // set: nothing below is meaningful but what is said there
    std::int64_t k = 0; // the target's calibrated k
    double alpha = 0;
    Rate foreign, own, control; // coherent rates on the evaluation prompts
    Rate foreignGarbled, ownGarbled, controlGarbled;
    double te = 0; // p_foreign / p_own
    double excessTe = 0; // (p_foreign - p_control) / (p_own - p_control)
    // Excess of the foreign arm over control with its paired Newcombe interval, and foreign minus own
    double excess = 0, excessLow = 0, excessHigh = 0;
    double difference = 0, differenceLow = 0, differenceHigh = 0;
    double excessTeLow = 0, excessTeHigh = 0; // NaN if there is no interval for the ratio
    double cosine = 0; // source and target unit directions at the target's k; NaN if widths differ
    double sourceRawNorm = 0, targetRawNorm = 0;
};
Json toJson(const TransferCell& cell); // NaN as null
TransferCell readTransferCell(JsonObject& object);

} // namespace azimuth
