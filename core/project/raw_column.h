// A column of a table as bytes, whatever its type is: for columns that this program does not know, and for
// comparing rows. Private to core/project.
#pragma once

#include "core/project/h5_support.h"
#include "core/project/publication.h"
#include "core/project/table_writer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace azimuth::h5 {

// Every value in its own type, rows one after the other. Of a fixed or a ragged column.
class RawColumn {
public:
    // name: of the dataset with the values; offsets: of the one with the borders of the rows, empty if there
    // is none. Error project.content or project.hdf5 if the two do not make a column of `rows` rows. The
    // datasets have been checked against the profile.
    RawColumn(hid_t group, const std::string& name, const std::string& offsets, std::size_t rows,
              const std::string& place);

    std::span<const std::byte> row(std::size_t index) const;

    // The same column with row i from row source[i] of this one, or filled where there is none. Attributes
    // go along.
    void write(H5Publication& file, hid_t group, const std::vector<std::optional<std::size_t>>& source) const;

private:
    std::vector<std::byte> fill() const; // of one element
    void copy(H5Publication& file, hid_t from, hid_t group, const std::string& name, hid_t type,
              const std::vector<hsize_t>& extents, const void* values) const;

    std::string m_name, m_offsetsName, m_place;
    Id m_values, m_offsetsData, m_type;
    std::vector<hsize_t> m_extents;
    std::size_t m_elementBytes = 0; // of one row of a fixed column, of one element of a ragged one
    std::vector<std::byte> m_bytes;
    std::vector<std::uint64_t> m_offsets; // in elements; empty: fixed
};

// Attributes of `from` that `to` lacks, as they are. Returns the names of those outside the profile, which
// are left out.
std::vector<std::string> copyAttributes(hid_t from, hid_t to, const std::string& place);

} // namespace azimuth::h5
