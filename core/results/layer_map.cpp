#include "core/results/layer_map.h"

#include "core/base/error.h"
#include "core/geometry/cosine.h"

#include <limits>

namespace azimuth {

LayerMap layerMap(const DirectionBank& bank) {
    const auto rows = bank.positions.size();
    std::vector<double> values(rows * static_cast<std::size_t>(bank.ks),
                               std::numeric_limits<double>::quiet_NaN());
    if (!bank.rawNorm.empty() && !bank.medianNorm.empty())
        for (std::size_t row = 0; row < rows; ++row)
            for (std::int64_t k = 0; k < bank.ks; ++k) {
                const double median = bank.medianNorm.at(row, k);
                if (median > 0)
                    values[row * static_cast<std::size_t>(bank.ks) + static_cast<std::size_t>(k)] =
                        bank.rawNorm.at(row, k) / median;
            }
    return {bank.positions, bank.ks, ArrayD({static_cast<std::int64_t>(rows), bank.ks}, std::move(values))};
}

ArrayD kCosine(const DirectionBank& bank, std::int32_t position) {
    const auto row = bank.positionIndex(position);
    if (bank.tensor.empty())
        throw Error("direction.unread", "The tensor of this bank has not been read.",
                    "Open the project again.");
    const auto size = static_cast<std::size_t>(bank.ks * bank.width);
    const float* first = bank.tensor.data() + row * size;
    return cosineMatrix(ArrayF({bank.ks, bank.width}, std::vector<float>(first, first + size)));
}

} // namespace azimuth
