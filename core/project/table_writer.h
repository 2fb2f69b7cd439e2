// Writes one table of FORMAT.md column by column from rows of one type. A column is named as in the schema;
// its type, units and description come from there. finish() checks that no column was forgotten. Private to
// core/project.
//
//   TableWriter<Model> table(file, "/models", pointersTo(models));
//   table.number("blocks", &Model::blocks);
#pragma once

#include "core/base/sha256.h"
#include "core/project/publication.h"
#include "core/project/schema.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace azimuth::h5 {

enum class Filter { None, Deflate, ShuffleDeflate };

// A dataset of the profile from values in its own type: chunked, with Fletcher-32 and what `filter` says,
// contiguous if it has no elements. It still lacks its attributes.
Id writeValues(H5Publication& file, hid_t group, const std::string& name, hid_t type,
               const std::vector<hsize_t>& extents, Filter filter, const void* values,
               std::size_t chunkBytes, const std::string& place);
inline constexpr std::size_t columnChunkBytes = std::size_t{512} << 10;

// The part that knows HDF5; columns as plain vectors.
class ColumnWriter {
public:
    ColumnWriter(H5Publication& file, const std::string& path, std::size_t rows);

    std::size_t rows() const { return m_rows; }
    std::string place(const char* column) const { return m_path + "/" + column; }
    const schema::Column& column(const char* name, std::initializer_list<schema::Type> types);

    void numbers(const schema::Column& column, const std::vector<std::int64_t>& values);
    void numbers(const schema::Column& column, const std::vector<std::uint64_t>& values);
    void numbers(const schema::Column& column, const std::vector<std::int32_t>& values);
    void numbers(const schema::Column& column, const std::vector<std::uint32_t>& values);
    void numbers(const schema::Column& column, const std::vector<double>& values);
    void choices(const schema::Column& column,
                 const std::vector<std::uint8_t>& values); // bool and enumerations
    void keys(const schema::Column& column, const std::vector<std::uint8_t>& bytes);
    void strings(const schema::Column& column, const std::string& padded, std::size_t width,
                 std::size_t count);
    void bytes(const schema::Column& column, const std::string& utf8);
    void offsets(const schema::Column& column, const std::vector<std::uint64_t>& offsets);
    void attribute(const char* name, const std::string& value) { writeAttribute(m_group, name, value); }
    void finish();

private:
    void write(const std::string& name, hid_t type, const std::vector<hsize_t>& extents, Filter filter,
               const void* data, const std::string& units, const std::string& description);

    H5Publication& m_file;
    std::string m_path;
    const schema::Table& m_table;
    std::size_t m_rows;
    Id m_group;
    std::set<std::string> m_written;
};

// Text for a fixed string column, checked: UTF-8, no zero byte, not longer than width. Error project.value.
void appendPadded(std::string& out, const std::string& value, std::size_t width, const std::string& place);
void checkText(const std::string& value, const std::string& place);    // UTF-8; Error project.value
Digest digestForKey(const std::string& hex, const std::string& place); // Error project.value

template <class Row> class TableWriter {
public:
    TableWriter(H5Publication& file, const std::string& path, std::vector<const Row*> rows)
        : m_rows(std::move(rows)), m_columns(file, path, m_rows.size()) {}

    void id(const char* name) {
        std::vector<std::uint64_t> values(m_rows.size());
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = i + 1;
        m_columns.numbers(m_columns.column(name, {schema::Type::U64}), values);
    }

    template <class Field> void number(const char* name, Field field) {
        using T = std::decay_t<std::invoke_result_t<Field, const Row&>>;
        std::vector<T> values;
        values.reserve(m_rows.size());
        for (const auto* row : m_rows)
            values.push_back(std::invoke(field, *row));
        m_columns.numbers(m_columns.column(name, {typeOf(T{})}), values);
    }

    template <class Field> void flag(const char* name, Field field) {
        std::vector<std::uint8_t> values;
        for (const auto* row : m_rows)
            values.push_back(std::invoke(field, *row) ? 1 : 0);
        m_columns.choices(m_columns.column(name, {schema::Type::Bool}), values);
    }

    template <class Field> void choice(const char* name, Field field) {
        const auto& column = m_columns.column(name, {schema::Type::Enumeration});
        std::vector<std::uint8_t> values;
        values.reserve(m_rows.size());
        for (const auto* row : m_rows)
            values.push_back(static_cast<std::uint8_t>(std::invoke(field, *row)));
        m_columns.choices(column, values);
    }

    template <class Field> void key(const char* name, Field field) {
        std::vector<std::uint8_t> bytes;
        bytes.reserve(m_rows.size() * 32);
        for (const auto* row : m_rows) {
            const Digest& digest = std::invoke(field, *row);
            bytes.insert(bytes.end(), digest.begin(), digest.end());
        }
        m_columns.keys(m_columns.column(name, {schema::Type::Key}), bytes);
    }

    template <class Field> void hexKey(const char* name, Field field) {
        std::vector<std::uint8_t> bytes;
        for (const auto* row : m_rows) {
            const auto digest = digestForKey(std::invoke(field, *row), m_columns.place(name));
            bytes.insert(bytes.end(), digest.begin(), digest.end());
        }
        m_columns.keys(m_columns.column(name, {schema::Type::Key}), bytes);
    }

    template <class Field> void digest(const char* name, Field field) {
        fixed(name, field, schema::Type::Digest, 64);
    }
    template <class Field> void time(const char* name, Field field) {
        fixed(name, field, schema::Type::Time, 32);
    }

    template <class Field> void text(const char* name, Field field) {
        const auto& column = m_columns.column(name, {schema::Type::Text});
        std::string all;
        std::vector<std::uint64_t> offsets{0};
        offsets.reserve(m_rows.size() + 1);
        const auto place = m_columns.place(name);
        for (const auto* row : m_rows) {
            const std::string& value = std::invoke(field, *row);
            checkText(value, place);
            all += value;
            offsets.push_back(all.size());
        }
        m_columns.bytes(column, all);
        m_columns.offsets(column, offsets);
    }

    // A list of numbers (i32 or f64) or of digests per row.
    template <class Field> void list(const char* name, Field field) {
        using Element = std::decay_t<decltype(std::invoke(field, *m_rows[0])[0])>;
        std::vector<std::uint64_t> offsets{0};
        offsets.reserve(m_rows.size() + 1);
        std::vector<Element> all;
        for (const auto* row : m_rows) {
            const auto& values = std::invoke(field, *row);
            all.insert(all.end(), values.begin(), values.end());
            offsets.push_back(all.size());
        }
        if constexpr (std::is_same_v<Element, std::string>) {
            const auto& column = m_columns.column(name, {schema::Type::DigestList});
            std::string padded;
            for (const auto& value : all)
                appendPadded(padded, value, 64, m_columns.place(name));
            m_columns.strings(column, padded, 64, all.size());
            m_columns.offsets(column, offsets);
        } else {
            const auto type = std::is_same_v<Element, double> ? schema::Type::F64List : schema::Type::I32List;
            const auto& column = m_columns.column(name, {type});
            m_columns.numbers(column, all);
            m_columns.offsets(column, offsets);
        }
    }

    void attribute(const char* name, const std::string& value) { m_columns.attribute(name, value); }
    void finish() { m_columns.finish(); }

private:
    static schema::Type typeOf(std::int64_t) { return schema::Type::I64; }
    static schema::Type typeOf(std::uint64_t) { return schema::Type::U64; }
    static schema::Type typeOf(std::int32_t) { return schema::Type::I32; }
    static schema::Type typeOf(std::uint32_t) { return schema::Type::U32; }
    static schema::Type typeOf(double) { return schema::Type::F64; }

    template <class Field> void fixed(const char* name, Field field, schema::Type type, std::size_t width) {
        const auto& column = m_columns.column(name, {type});
        std::string padded;
        padded.reserve(m_rows.size() * width);
        const auto place = m_columns.place(name);
        for (const auto* row : m_rows)
            appendPadded(padded, std::invoke(field, *row), width, place);
        m_columns.strings(column, padded, width, m_rows.size());
    }

    std::vector<const Row*> m_rows;
    ColumnWriter m_columns;
};

template <class Row> std::vector<const Row*> pointersTo(const std::vector<Row>& rows) {
    std::vector<const Row*> out;
    out.reserve(rows.size());
    for (const auto& row : rows)
        out.push_back(&row);
    return out;
}
template <class Row> std::vector<const Row*> pointersTo(const std::vector<std::shared_ptr<const Row>>& rows) {
    std::vector<const Row*> out;
    out.reserve(rows.size());
    for (const auto& row : rows)
        out.push_back(row.get());
    return out;
}

// A dense array that is no table: chunked with Fletcher-32, not deflated. extents may be zero. axes name
// them.
void writeArray(H5Publication& file, const std::string& folder, const std::string& name,
                std::span<const float> values, const std::vector<std::int64_t>& extents,
                const std::vector<std::string>& axes, const std::string& units,
                const std::string& description,
                const std::vector<std::pair<std::string, std::string>>& attributes);
void writeArray(H5Publication& file, const std::string& folder, const std::string& name,
                std::span<const double> values, const std::vector<std::int64_t>& extents,
                const std::vector<std::string>& axes, const std::string& units,
                const std::string& description,
                const std::vector<std::pair<std::string, std::string>>& attributes);

} // namespace azimuth::h5
