// Reads one table of FORMAT.md column by column into rows of one type; the mirror of TableWriter, with every
// check of the strict reader: equal lengths, offsets monotone and within the data, enumeration values known,
// texts UTF-8. Private to core/project.
#pragma once

#include "core/base/sha256.h"
#include "core/project/read_file.h"
#include "core/project/schema.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace azimuth::h5 {

class ColumnReader {
public:
    ColumnReader(const ReadFile& file, const std::string& path);

    std::size_t rows() const { return m_rows; }
    // False for a column that came after the file's version of the table: its rows keep their defaults.
    bool has(const char* name) const { return m_table.column(name).since <= m_version; }
    std::string place(std::string_view column) const { return m_path + "/" + std::string(column); }
    [[noreturn]] void bad(std::string_view column, const std::string& finding) const {
        m_file.bad(place(column), finding);
    }

    template <class T> std::vector<T> numbers(const char* name) const { // one per row
        auto values = vector<T>(column(name, typeOf(T{})).name);
        checkLength(name, values.size());
        return values;
    }
    std::vector<std::uint8_t> choices(const char* name) const; // bool and enumerations
    std::vector<std::uint8_t> keys(const char* name) const;    // 32 bytes per row
    std::string strings(const char* name, schema::Type type, std::size_t width) const; // width bytes per row

    struct Ragged {
        std::vector<std::uint64_t> offsets; // rows + 1, from 0 to the length of the data
    };
    // The borders of a ragged column whose data have so many elements.
    std::vector<std::uint64_t> offsets(const char* name, schema::Type type, std::uint64_t elements) const;
    std::string text(const char* name, Ragged& ragged) const;
    template <class T> std::vector<T> list(const char* name, Ragged& ragged) const {
        constexpr auto type = std::is_same_v<T, double> ? schema::Type::F64List : schema::Type::I32List;
        auto values = vector<T>(column(name, type).name);
        ragged.offsets = offsets(name, type, values.size());
        return values;
    }
    std::string digestList(const char* name, Ragged& ragged) const;

    const schema::Column& column(const char* name, schema::Type type) const;
    static std::string_view unpadded(const std::string& padded, std::size_t index, std::size_t width);

private:
    template <class T> std::vector<T> vector(const std::string& dataset) const;
    std::string fixedStrings(const std::string& dataset, std::size_t width) const;
    void checkLength(std::string_view name, std::size_t found) const;
    static schema::Type typeOf(std::int64_t) { return schema::Type::I64; }
    static schema::Type typeOf(std::uint64_t) { return schema::Type::U64; }
    static schema::Type typeOf(std::int32_t) { return schema::Type::I32; }
    static schema::Type typeOf(std::uint32_t) { return schema::Type::U32; }
    static schema::Type typeOf(double) { return schema::Type::F64; }

    const ReadFile& m_file;
    std::string m_path;
    const schema::Table& m_table;
    std::uint64_t m_version = 0;
    std::size_t m_rows = 0;
};

// Rows of one type. A field is a pointer to a member or a function that gives a reference into the row.
template <class Row> class TableReader {
public:
    TableReader(const ReadFile& file, const std::string& path)
        : m_columns(file, path), m_rows(m_columns.rows()) {}

    std::vector<Row>& rows() { return m_rows; }
    const ColumnReader& columns() const { return m_columns; }

    // Row index by id. Ids are unique and not 0.
    void id(const char* name) {
        const auto ids = m_columns.numbers<std::uint64_t>(name);
        for (std::size_t i = 0; i < ids.size(); ++i)
            if (ids[i] == 0 || !m_byId.emplace(ids[i], i).second)
                m_columns.bad(name, "the id " + std::to_string(ids[i]) + " is 0 or stands twice");
    }
    // The row of another table's id column; Error if there is none.
    std::size_t rowOf(std::uint64_t id, const std::string& referrer) const {
        const auto found = m_byId.find(id);
        if (found == m_byId.end())
            m_columns.bad("id", referrer + " refers to " + std::to_string(id) + ", which is not there");
        return found->second;
    }
    const std::unordered_map<std::uint64_t, std::size_t>& byId() const { return m_byId; }

    template <class Field> void number(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        using T = std::decay_t<std::invoke_result_t<Field, Row&>>;
        const auto values = m_columns.numbers<T>(name);
        for (std::size_t i = 0; i < values.size(); ++i)
            std::invoke(field, m_rows[i]) = values[i];
    }
    template <class Field> void flag(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        m_columns.column(name, schema::Type::Bool);
        const auto values = m_columns.choices(name);
        for (std::size_t i = 0; i < values.size(); ++i)
            std::invoke(field, m_rows[i]) = values[i] != 0;
    }
    template <class Field> void choice(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        using E = std::decay_t<std::invoke_result_t<Field, Row&>>;
        m_columns.column(name, schema::Type::Enumeration);
        const auto values = m_columns.choices(name);
        for (std::size_t i = 0; i < values.size(); ++i)
            std::invoke(field, m_rows[i]) = static_cast<E>(values[i]);
    }
    template <class Field> void key(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        const auto bytes = m_columns.keys(name);
        for (std::size_t i = 0; i < m_rows.size(); ++i) {
            Digest& digest = std::invoke(field, m_rows[i]);
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * 32), 32, digest.begin());
        }
    }
    template <class Field> void hexKey(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        const auto bytes = m_columns.keys(name);
        for (std::size_t i = 0; i < m_rows.size(); ++i) {
            Digest digest;
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * 32), 32, digest.begin());
            std::invoke(field, m_rows[i]) = toHex(digest);
        }
    }
    template <class Field> void digest(const char* name, Field field) {
        fixed(name, field, schema::Type::Digest, 64);
    }
    template <class Field> void time(const char* name, Field field) {
        fixed(name, field, schema::Type::Time, 32);
    }
    template <class Field> void text(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        ColumnReader::Ragged ragged;
        const auto all = m_columns.text(name, ragged);
        for (std::size_t i = 0; i < m_rows.size(); ++i)
            std::invoke(field, m_rows[i])
                .assign(all, ragged.offsets[i], ragged.offsets[i + 1] - ragged.offsets[i]);
    }
    template <class Field> void list(const char* name, Field field) {
        if (!m_columns.has(name))
            return;
        using Element = typename std::decay_t<std::invoke_result_t<Field, Row&>>::value_type;
        ColumnReader::Ragged ragged;
        if constexpr (std::is_same_v<Element, std::string>) {
            const auto all = m_columns.digestList(name, ragged);
            eachElement(ragged, [&](std::size_t row, std::size_t index) {
                std::invoke(field, m_rows[row]).emplace_back(ColumnReader::unpadded(all, index, 64));
            });
        } else {
            const auto all = m_columns.list<Element>(name, ragged);
            for (std::size_t i = 0; i < m_rows.size(); ++i)
                std::invoke(field, m_rows[i])
                    .assign(all.begin() + static_cast<std::ptrdiff_t>(ragged.offsets[i]),
                            all.begin() + static_cast<std::ptrdiff_t>(ragged.offsets[i + 1]));
        }
    }

private:
    template <class Field> void fixed(const char* name, Field field, schema::Type type, std::size_t width) {
        if (!m_columns.has(name))
            return;
        const auto padded = m_columns.strings(name, type, width);
        for (std::size_t i = 0; i < m_rows.size(); ++i)
            std::invoke(field, m_rows[i]) = ColumnReader::unpadded(padded, i, width);
    }
    template <class Visit> void eachElement(const ColumnReader::Ragged& ragged, Visit visit) {
        for (std::size_t row = 0; row < m_rows.size(); ++row)
            for (auto index = ragged.offsets[row]; index < ragged.offsets[row + 1]; ++index)
                visit(row, index);
    }

    ColumnReader m_columns;
    std::vector<Row> m_rows;
    std::unordered_map<std::uint64_t, std::size_t> m_byId;
};

} // namespace azimuth::h5
