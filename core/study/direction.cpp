#include "core/study/direction.h"

#include "core/base/sha256.h"
#include "core/base/units.h"
#include "core/study/names.h"

#include <algorithm>
#include <bit>
#include <cmath>

static_assert(std::endian::native == std::endian::little, "digests are of little-endian bytes");

namespace azimuth {

const std::vector<std::string>& methodNames() {
    static const std::vector<std::string> names{"dim"};
    return names;
}

std::string toString(Method method) { return names::of(methodNames(), method); }

std::size_t DirectionBank::positionIndex(std::int32_t offset) const {
    const auto found = std::find(positions.begin(), positions.end(), offset);
    if (found == positions.end())
        throw Error("direction.position",
                    "The bank has no position " + std::to_string(offset) + "; it has " +
                        std::to_string(positions.size()) + " positions from " +
                        (positions.empty() ? "none" : std::to_string(positions.front())) + ".",
                    "Choose a position of the bank; -1 is the last prompt token.");
    return static_cast<std::size_t>(found - positions.begin());
}

std::string directionDigest(const std::vector<float>& unit) {
    return toHex(sha256(std::as_bytes(std::span(unit))));
}

Direction directionAt(const DirectionBank& bank, std::int32_t position, std::int64_t k) {
    const auto row = bank.positionIndex(position);
    if (k < 0 || k >= bank.ks)
        throw Error("direction.k",
                    "The bank has R[0] to R[" + std::to_string(bank.ks - 1) + "], asked for is R[" +
                        std::to_string(k) + "].",
                    "Choose a k of the model.");
    if (bank.tensor.empty())
        throw Error("direction.unread", "The tensor of this bank has not been read.",
                    "Open the project again.");
    const float* raw = bank.tensor.data() + (static_cast<std::int64_t>(row) * bank.ks + k) * bank.width;
    double square = 0;
    for (std::int64_t i = 0; i < bank.width; ++i)
        square += static_cast<double>(raw[i]) * raw[i];
    const double norm = std::sqrt(square);
    if (!(norm > 0) || !std::isfinite(norm))
        throw Error("direction.zero",
                    "The direction at R[" + std::to_string(k) + "] has the norm " + numberText(norm) +
                        ", so it points nowhere.",
                    "Choose another k or position.");
    Direction direction;
    direction.unit.resize(static_cast<std::size_t>(bank.width));
    for (std::int64_t i = 0; i < bank.width; ++i)
        direction.unit[static_cast<std::size_t>(i)] = static_cast<float>(raw[i] / norm);
    direction.digest = directionDigest(direction.unit);
    direction.rawNorm = bank.rawNorm.empty() ? norm : bank.rawNorm.at(row, k);
    direction.bankKey = bank.key;
    direction.position = position;
    direction.k = k;
    return direction;
}

} // namespace azimuth
