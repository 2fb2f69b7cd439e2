#include "core/project/raw_column.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace azimuth::h5 {
namespace {

constexpr hsize_t maximumAttributes = 64, maximumAttributeBytes = 64 << 10;

std::vector<hsize_t> extentsOf(hid_t dataset, const std::string& place) {
    const auto space = dataspace(H5Dget_space(dataset), place);
    std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
    check(H5Sget_simple_extent_dims(space, extents.data(), nullptr), place);
    return extents;
}

Filter filterOf(hid_t dataset, const std::string& place) {
    const auto creation = properties(H5Dget_create_plist(dataset), place);
    bool deflate = false, shuffle = false;
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
        unsigned flags = 0, config = 0;
        std::size_t values = 0;
        const auto filter =
            H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
        deflate |= filter == H5Z_FILTER_DEFLATE;
        shuffle |= filter == H5Z_FILTER_SHUFFLE;
    }
    return !deflate ? Filter::None : shuffle ? Filter::ShuffleDeflate : Filter::Deflate;
}

[[noreturn]] void badColumn(const std::string& place, const std::string& finding) {
    throw Error("project.content", place + ": " + finding + ".", "");
}

} // namespace

RawColumn::RawColumn(hid_t group, const std::string& name, const std::string& offsets, std::size_t rows,
                     const std::string& place)
    : m_name(name), m_offsetsName(offsets), m_place(place),
      m_values(dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), place)),
      m_type(datatype(H5Dget_type(m_values), place)), m_extents(extentsOf(m_values, place)) {
    m_elementBytes = H5Tget_size(m_type);
    if (m_extents.empty())
        badColumn(place, "it is a single value");
    for (std::size_t axis = 1; axis < m_extents.size(); ++axis)
        m_elementBytes *= m_extents[axis];
    if (!offsets.empty()) {
        m_offsetsData = dataset(H5Dopen2(group, offsets.c_str(), H5P_DEFAULT), place);
        const auto type = datatype(H5Dget_type(m_offsetsData), place);
        if (H5Tequal(type, H5T_STD_U64LE) <= 0 ||
            extentsOf(m_offsetsData, place) != std::vector<hsize_t>{rows + 1})
            badColumn(place, "its offsets are not those of " + std::to_string(rows) + " rows");
        m_offsets.resize(rows + 1);
        checkStatus(
            H5Dread(m_offsetsData, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, m_offsets.data()),
            place);
        if (m_offsets.front() != 0 || m_offsets.back() != m_extents[0] ||
            !std::is_sorted(m_offsets.begin(), m_offsets.end()))
            badColumn(place, "its offsets do not run from 0 up to " + std::to_string(m_extents[0]));
    } else if (m_extents[0] != rows) {
        badColumn(place,
                  "it has " + std::to_string(m_extents[0]) + " rows, the table has " + std::to_string(rows));
    }
    m_bytes.resize(m_extents[0] * m_elementBytes);
    if (!m_bytes.empty())
        checkStatus(H5Dread(m_values, m_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, m_bytes.data()), place);
}

std::span<const std::byte> RawColumn::row(std::size_t index) const {
    const auto begin = m_offsets.empty() ? index : m_offsets.at(index);
    const auto end = m_offsets.empty() ? index + 1 : m_offsets.at(index + 1);
    return std::span(m_bytes).subspan(begin * m_elementBytes, (end - begin) * m_elementBytes);
}

std::vector<std::byte> RawColumn::fill() const {
    std::vector<std::byte> row(m_elementBytes);
    const auto repeat = [&](auto value) {
        for (std::size_t at = 0; at + sizeof value <= row.size(); at += sizeof value)
            std::memcpy(row.data() + at, &value, sizeof value);
    };
    if (H5Tequal(m_type, H5T_IEEE_F64LE) > 0)
        repeat(std::numeric_limits<double>::quiet_NaN());
    else if (H5Tequal(m_type, H5T_IEEE_F32LE) > 0)
        repeat(std::numeric_limits<float>::quiet_NaN());
    else if (H5Tequal(m_type, bfloat16()) > 0)
        repeat(std::uint16_t{0x7FC0}); // a quiet NaN
    return row;
}

void RawColumn::copy(H5Publication& file, hid_t from, hid_t group, const std::string& name, hid_t type,
                     const std::vector<hsize_t>& extents, const void* values) const {
    const auto id = writeValues(file, group, name, type, extents, filterOf(from, m_place), values,
                                columnChunkBytes, m_place);
    copyAttributes(from, id, m_place);
    file.check();
}

void RawColumn::write(H5Publication& file, hid_t group,
                      const std::vector<std::optional<std::size_t>>& source) const {
    std::vector<std::byte> bytes;
    std::vector<std::uint64_t> offsets{0};
    const auto missing = m_offsets.empty() ? fill() : std::vector<std::byte>();
    for (const auto& from : source) {
        const auto one = from ? row(*from) : std::span<const std::byte>(missing);
        bytes.insert(bytes.end(), one.begin(), one.end());
        offsets.push_back(m_elementBytes == 0 ? 0 : bytes.size() / m_elementBytes);
    }
    auto extents = m_extents;
    extents[0] = m_offsets.empty() ? source.size() : offsets.back();
    copy(file, m_values, group, m_name, m_type, extents, bytes.data());
    if (!m_offsets.empty())
        copy(file, m_offsetsData, group, m_offsetsName, H5T_STD_U64LE, {offsets.size()}, offsets.data());
}

std::vector<std::string> copyAttributes(hid_t from, hid_t to, const std::string& place) {
    H5O_info_t info;
    checkStatus(H5Oget_info2(from, &info, H5O_INFO_NUM_ATTRS), place);
    std::vector<std::string> leftOut;
    for (hsize_t i = 0; i < info.num_attrs; ++i) {
        const auto id = attribute(
            H5Aopen_by_idx(from, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), place);
        char name[256] = "";
        check(H5Aget_name(id, sizeof name, name), place);
        if (H5Aexists(to, name) > 0)
            continue;
        const auto type = datatype(H5Aget_type(id), place);
        const auto kind = H5Tget_class(type);
        const auto bytes = H5Aget_storage_size(id);
        if ((kind != H5T_STRING && kind != H5T_INTEGER && kind != H5T_FLOAT) ||
            H5Tis_variable_str(type) > 0 || bytes > maximumAttributeBytes || i >= maximumAttributes) {
            leftOut.emplace_back(name);
            continue;
        }
        std::vector<std::byte> value(std::max<hsize_t>(bytes, 1));
        checkStatus(H5Aread(id, type, value.data()), place);
        const auto space = dataspace(H5Aget_space(id), place);
        const auto made = attribute(H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT), place);
        checkStatus(H5Awrite(made, type, value.data()), place);
    }
    return leftOut;
}

} // namespace azimuth::h5
