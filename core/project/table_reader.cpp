#include "core/project/table_reader.h"

#include "core/base/text.h"

#include <algorithm>

namespace azimuth::h5 {
namespace {

// Rows are allocated as values, so their number is compared with the file's length and with the first column
// that is stored.
std::size_t checkedRows(const ReadFile& file, const std::string& path) {
    const auto group = file.group(path);
    if (file.textAttribute(group, "kind", path) != "table")
        file.bad(path, "it is not a table");
    const auto rows = file.unsignedAttribute(group, "n_rows", path);
    if (rows > file.block().fileBytes)
        file.bad(path, "it claims " + std::to_string(rows) + " rows in a file of " +
                           std::to_string(file.block().fileBytes) + " bytes");
    const auto& first = schema::table(path).columns.front();
    const bool ragged = schema::isRagged(first.type);
    const auto place = path + "/" + first.name + (ragged ? "_offsets" : "");
    const auto shape = inspectDataset(file, file.dataset(place), place);
    if (shape.extents[0] != rows + (ragged ? 1 : 0))
        file.bad(place, "its length is " + std::to_string(shape.extents[0]) + ", the table has " +
                            std::to_string(rows) + " rows");
    return static_cast<std::size_t>(rows);
}

hid_t fileTypeOf(std::int32_t) { return H5T_STD_I32LE; }
hid_t fileTypeOf(std::uint32_t) { return H5T_STD_U32LE; }
hid_t fileTypeOf(std::int64_t) { return H5T_STD_I64LE; }
hid_t fileTypeOf(std::uint64_t) { return H5T_STD_U64LE; }
hid_t fileTypeOf(double) { return H5T_IEEE_F64LE; }

bool isAscii(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

} // namespace

ColumnReader::ColumnReader(const ReadFile& file, const std::string& path)
    : m_file(file), m_path(path), m_table(schema::table(path)),
      m_version(file.unsignedAttribute(file.group(path), "table_version", path)),
      m_rows(checkedRows(file, path)) {}

const schema::Column& ColumnReader::column(const char* name, schema::Type type) const {
    const auto& column = m_table.column(name);
    if (column.type != type)
        throw Error("project.schema",
                    place(name) + " is " + toString(column.type) + " in the schema, not what is read.",
                    "This is a mistake in Azimuth.");
    return column;
}

void ColumnReader::checkLength(std::string_view name, std::size_t found) const {
    if (found != m_rows)
        bad(name, "it has " + std::to_string(found) + " rows, the table has " + std::to_string(m_rows));
}

template <class T> std::vector<T> ColumnReader::vector(const std::string& dataset) const {
    std::vector<T> values;
    const auto type = fileTypeOf(T{});
    readAll(m_file, place(dataset), type, type, 1, [&](const DatasetShape& shape) {
        values.resize(shape.elements);
        return values.data();
    });
    return values;
}
template std::vector<std::int32_t> ColumnReader::vector(const std::string&) const;
template std::vector<std::uint32_t> ColumnReader::vector(const std::string&) const;
template std::vector<std::int64_t> ColumnReader::vector(const std::string&) const;
template std::vector<std::uint64_t> ColumnReader::vector(const std::string&) const;
template std::vector<double> ColumnReader::vector(const std::string&) const;

namespace {

// The names of a file's enumeration are those of the schema, as far as it goes (a newer one may know more).
void checkEnumeration(const ReadFile& file, hid_t type, const std::vector<std::string>& names,
                      std::size_t& known, const std::string& place) {
    const int members = H5Tget_nmembers(type);
    if (members < 1 || members > 256)
        file.bad(place, "its enumeration has " + std::to_string(members) + " names");
    known = std::min(names.size(), static_cast<std::size_t>(members));
    for (unsigned i = 0; i < known; ++i) {
        char* name = H5Tget_member_name(type, i);
        std::uint8_t value = 0;
        const bool read = name && H5Tget_member_value(type, i, &value) >= 0;
        const bool right = read && names[i] == name && value == i;
        const std::string found = name ? name : "";
        H5free_memory(name);
        if (!right)
            file.bad(place, "its enumeration has \"" + forMessage(found, 40) + "\" where \"" + names[i] +
                                "\" is expected");
    }
}

// A value without a name here: a newer program may have one for it.
[[noreturn]] void unknownValue(const ReadFile& file, hid_t type, std::uint8_t value,
                               const std::string& place) {
    char name[128] = "";
    const bool named = H5Tenum_nameof(type, &value, name, sizeof name) >= 0;
    H5Eclear2(H5E_DEFAULT);
    if (!named || file.block().formatVersion <= formatVersion)
        file.bad(place, "it holds the value " + std::to_string(value) + ", which has no name");
    throw Error("project.newer",
                file.path() + " was written by " + forMessage(file.block().creator, 63) + " in format " +
                    std::to_string(file.block().formatVersion) + " and says \"" + forMessage(name, 40) +
                    "\" in " + forMessage(place, 120) +
                    ", which this program does not know; it knows format " + std::to_string(formatVersion) +
                    ".",
                "Use a newer Azimuth.");
}

} // namespace

std::vector<std::uint8_t> ColumnReader::choices(const char* name) const {
    const auto& column = m_table.column(name);
    const bool isFlag = column.type == schema::Type::Bool;
    const std::vector<std::string> flagNames{"FALSE", "TRUE"};
    const auto id = m_file.dataset(place(name));
    const auto type = datatype(H5Dget_type(id), place(name));
    if (H5Tget_class(type) != H5T_ENUM || H5Tget_size(type) != 1)
        bad(name, "its type is not the one of the format");
    std::size_t known = 0;
    checkEnumeration(m_file, type, isFlag ? flagNames : column.names, known, place(name));
    const auto shape = inspectDataset(m_file, id, place(name));
    if (shape.extents.size() != 1)
        bad(name, "it has " + std::to_string(shape.extents.size()) + " dimensions, expected 1");
    checkLength(name, static_cast<std::size_t>(shape.elements));
    std::vector<std::uint8_t> values(m_rows);
    if (m_rows > 0)
        checkStatus(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                    m_file.path() + ", " + place(name));
    for (const auto value : values)
        if (value >= known)
            unknownValue(m_file, type, value, place(name));
    return values;
}

std::vector<std::uint8_t> ColumnReader::keys(const char* name) const {
    column(name, schema::Type::Key);
    std::vector<std::uint8_t> bytes;
    readAll(m_file, place(name), H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, [&](const DatasetShape& shape) {
        checkLength(name, static_cast<std::size_t>(shape.extents[0]));
        if (shape.extents[1] != 32)
            bad(name, "a key has " + std::to_string(shape.extents[1]) + " bytes, expected 32");
        bytes.resize(shape.elements);
        return bytes.data();
    });
    return bytes;
}

std::string ColumnReader::fixedStrings(const std::string& dataset, std::size_t width) const {
    std::string padded;
    const auto type = fixedString(width);
    readAll(m_file, place(dataset), type, type, 1, [&](const DatasetShape& shape) {
        padded.resize(shape.elements * width);
        return padded.data();
    });
    if (!isAscii(padded) && !isValidUtf8(padded))
        bad(dataset, "it is not UTF-8");
    return padded;
}

std::string ColumnReader::strings(const char* name, schema::Type type, std::size_t width) const {
    auto padded = fixedStrings(column(name, type).name, width);
    checkLength(name, padded.size() / width);
    return padded;
}

std::string_view ColumnReader::unpadded(const std::string& padded, std::size_t index, std::size_t width) {
    const std::string_view field(padded.data() + index * width, width);
    return field.substr(0, field.find('\0'));
}

std::vector<std::uint64_t> ColumnReader::offsets(const char* name, schema::Type type,
                                                 std::uint64_t elements) const {
    const auto dataset = column(name, type).name + "_offsets";
    auto offsets = vector<std::uint64_t>(dataset);
    if (offsets.size() != m_rows + 1)
        bad(dataset,
            "it has " + std::to_string(offsets.size()) + " offsets for " + std::to_string(m_rows) + " rows");
    if (offsets.front() != 0 || offsets.back() != elements || !std::is_sorted(offsets.begin(), offsets.end()))
        bad(dataset, "the offsets do not run from 0 up to " + std::to_string(elements));
    return offsets;
}

std::string ColumnReader::text(const char* name, Ragged& ragged) const {
    std::string all;
    const auto dataset = std::string(name) + "_utf8";
    readAll(m_file, place(dataset), H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, [&](const DatasetShape& shape) {
        all.resize(shape.elements);
        return all.data();
    });
    ragged.offsets = offsets(name, schema::Type::Text, all.size());
    if (!isAscii(all))
        for (std::size_t i = 0; i < m_rows; ++i) {
            const auto one =
                std::string_view(all).substr(ragged.offsets[i], ragged.offsets[i + 1] - ragged.offsets[i]);
            if (!isAscii(one) && !isValidUtf8(one))
                bad(dataset, "row " + std::to_string(i) + " is not UTF-8");
        }
    return all;
}

std::string ColumnReader::digestList(const char* name, Ragged& ragged) const {
    auto padded = fixedStrings(name, 64);
    ragged.offsets = offsets(name, schema::Type::DigestList, padded.size() / 64);
    return padded;
}

} // namespace azimuth::h5
