// Rows of one canonical tensor from stored blocks to values, by its TensorPlan. No torch here.
#pragma once

#include "core/engine/checkpoint/stored_model.h"
#include "core/engine/checkpoint/tensor_names.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace azimuth {

// A vector is one row, however its values are placed. Immutable: pieces may run on several threads.
class RowReader {
public:
    // Error checkpoint.type unless the tensor's type, one that dequantise() knows, lets rows be read by the
    // plan.
    static void check(const TensorPlan& plan, const StoredTensor& tensor);

    // Checks. The plan, the tensor and its data must outlive this; the tensor has the plan's stored shape.
    RowReader(const TensorPlan& plan, const StoredTensor& tensor, std::span<const std::byte> data);

    std::int64_t rows() const { return m_rows; }
    std::int64_t columns() const { return m_columns; }
    std::span<const std::byte> used() const; // the part of the data that read() touches

    // Rows first .. last - 1 into values; false if one is not finite.
    bool read(std::int64_t first, std::int64_t last, std::span<float> values) const;

private:
    std::span<const std::byte> storedRows(std::int64_t first, std::int64_t last) const;
    void readVector(std::span<float> values) const;
    void readTransposed(std::int64_t first, std::int64_t last, std::span<float> values) const;

    const TensorPlan& m_plan;
    GgufType m_type;
    std::span<const std::byte> m_data;
    std::int64_t m_rows, m_columns;
    std::size_t m_rowBytes; // of the stored rows; of one value in a vector
};

} // namespace azimuth
