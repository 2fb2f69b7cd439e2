#include "core/engine/checkpoint/row_reader.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/dequantise.h"

#include <vector>

namespace azimuth {

void RowReader::check(const TensorPlan& plan, const StoredTensor& tensor) {
    const bool byValue = plan.transposed || (plan.shape.size() == 1 && !plan.rowsInOrder()) ||
                         (plan.shape.size() == 1 && plan.firstRow != 0);
    if (byValue && ggufBlock(*tensor.type)->elements != 1)
        throw Error("checkpoint.type",
                    tensor.name + " is stored as " + tensor.typeName +
                        "; this tensor must be F32, F16 or BF16.",
                    "Convert the model again.");
}

RowReader::RowReader(const TensorPlan& plan, const StoredTensor& tensor, std::span<const std::byte> data)
    : m_plan(plan), m_type(*tensor.type), m_data(data),
      m_rows(plan.shape.size() > 1 ? plan.shape.front() : 1), m_columns(plan.shape.back()),
      m_rowBytes(data.size() / static_cast<std::size_t>(plan.storedShape.front())) {
    check(plan, tensor);
}

std::span<const std::byte> RowReader::storedRows(std::int64_t first, std::int64_t last) const {
    return m_data.subspan(static_cast<std::size_t>(first) * m_rowBytes,
                          static_cast<std::size_t>(last - first) * m_rowBytes);
}

std::span<const std::byte> RowReader::used() const {
    if (m_plan.transposed || !m_plan.rowsInOrder() || m_plan.shape.size() == 1)
        return m_data;
    return storedRows(m_plan.firstRow, m_plan.firstRow + m_rows);
}

bool RowReader::read(std::int64_t first, std::int64_t last, std::span<float> values) const {
    if (m_plan.shape.size() == 1)
        readVector(values);
    else if (m_plan.transposed)
        readTransposed(first, last, values);
    else if (m_plan.rowsInOrder())
        dequantise(m_type, storedRows(m_plan.firstRow + first, m_plan.firstRow + last), values);
    else
        for (auto row = first; row < last; ++row) {
            const auto stored = m_plan.storedRow(row);
            dequantise(m_type, storedRows(stored, stored + 1),
                       values.subspan(static_cast<std::size_t>((row - first) * m_columns),
                                      static_cast<std::size_t>(m_columns)));
        }
    if (m_plan.offset != 0)
        addToAll(values, m_plan.offset);
    return allFinite(values);
}

void RowReader::readVector(std::span<float> values) const {
    if (m_plan.rowsInOrder() && m_plan.shape == m_plan.storedShape)
        return dequantise(m_type, m_data, values);
    std::vector<float> all(static_cast<std::size_t>(m_plan.storedShape.front()));
    dequantise(m_type, m_data, all);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = all[static_cast<std::size_t>(m_plan.storedRow(static_cast<std::int64_t>(i)))];
}

// Stored row c holds column c of every canonical row.
void RowReader::readTransposed(std::int64_t first, std::int64_t last, std::span<float> values) const {
    const auto count = static_cast<std::size_t>(last - first), columns = static_cast<std::size_t>(m_columns);
    const auto valueBytes = m_rowBytes / static_cast<std::size_t>(m_plan.storedShape.back());
    std::vector<float> column(count);
    for (std::size_t c = 0; c < columns; ++c) {
        const auto at = c * m_rowBytes + static_cast<std::size_t>(m_plan.firstRow + first) * valueBytes;
        dequantise(m_type, m_data.subspan(at, count * valueBytes), column);
        for (std::size_t r = 0; r < count; ++r)
            values[r * columns + c] = column[r];
    }
}

} // namespace azimuth
