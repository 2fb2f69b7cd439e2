#include "core/project/table_writer.h"

#include "core/base/text.h"
#include "core/project/chunk_filters.h"

#include <algorithm>
#include <functional>
#include <future>
#include <numeric>
#include <thread>

namespace azimuth::h5 {
namespace {

constexpr std::size_t arrayChunkBytes = std::size_t{4} << 20;
constexpr unsigned deflateLevel = 1;

Id creationList(const std::vector<hsize_t>& chunk, bool shuffle, bool deflate, const std::string& place) {
    auto list = properties(H5Pcreate(H5P_DATASET_CREATE), place);
    checkStatus(H5Pset_fill_time(list, H5D_FILL_TIME_NEVER), place);
    keepAttributesInHeader(list);
    if (std::find(chunk.begin(), chunk.end(), hsize_t{0}) != chunk.end())
        return list; // nothing to store: contiguous
    checkStatus(H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data()), place);
    if (shuffle)
        checkStatus(H5Pset_shuffle(list), place);
    if (deflate)
        checkStatus(H5Pset_deflate(list, deflateLevel), place);
    checkStatus(H5Pset_fletcher32(list), place);
    return list;
}

// One element has to be there for the address of the data to mean something.
bool isEmpty(const std::vector<hsize_t>& extents) {
    return std::find(extents.begin(), extents.end(), hsize_t{0}) != extents.end();
}

Id enumeration(hid_t base, const std::vector<std::string>& names) {
    auto type = datatype(H5Tenum_create(base), "an enumeration");
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto value = static_cast<std::uint8_t>(i);
        checkStatus(H5Tenum_insert(type, names[i].c_str(), &value), "an enumeration");
    }
    return type;
}

} // namespace

void appendPadded(std::string& out, const std::string& value, std::size_t width, const std::string& place) {
    if (value.size() > width || value.find('\0') != std::string::npos)
        throw Error("project.value",
                    place + ": \"" + forMessage(value) + "\" does not fit " + std::to_string(width) +
                        " bytes without zeros; it has " + std::to_string(value.size()) + ".",
                    "This is a mistake in Azimuth; nothing was saved, the earlier file is as it was.");
    checkText(value, place);
    out += value;
    out.append(width - value.size(), '\0');
}

void checkText(const std::string& value, const std::string& place) {
    const bool ascii = std::none_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; });
    if (!ascii && !isValidUtf8(value))
        throw Error("project.value", place + ": \"" + forMessage(repairedUtf8(value)) + "\" is not UTF-8.",
                    "This is a mistake in Azimuth; nothing was saved, the earlier file is as it was.");
}

Digest digestForKey(const std::string& hex, const std::string& place) {
    try {
        return digestFromHex(hex);
    } catch (const Error& error) {
        throw Error("project.value", place + ": " + error.message(),
                    "This is a mistake in Azimuth; nothing was saved, the earlier file is as it was.");
    }
}

ColumnWriter::ColumnWriter(H5Publication& file, const std::string& path, std::size_t rows)
    : m_file(file), m_path(path), m_table(schema::table(path)), m_rows(rows), m_group(file.group(path)) {
    writeAttribute(m_group, "kind", "table");
    writeAttribute(m_group, "n_rows", static_cast<std::uint64_t>(rows));
    writeAttribute(m_group, "table_version", std::uint32_t{m_table.version});
}

const schema::Column& ColumnWriter::column(const char* name, std::initializer_list<schema::Type> types) {
    const auto& column = m_table.column(name);
    if (std::find(types.begin(), types.end(), column.type) == types.end() || !m_written.insert(name).second)
        throw Error("project.schema",
                    place(name) + " is " + toString(column.type) + " in the schema, not what is written.",
                    "This is a mistake in Azimuth.");
    return column;
}

void ColumnWriter::write(const std::string& name, hid_t type, const std::vector<hsize_t>& extents,
                         Filter filter, const void* data, const std::string& units,
                         const std::string& description) {
    const auto id = writeValues(m_file, m_group, name, type, extents, filter, data, columnChunkBytes,
                                m_path + "/" + name);
    writeAttribute(id, "units", units);
    writeAttribute(id, "description", description);
    m_file.check();
}

void ColumnWriter::numbers(const schema::Column& column, const std::vector<std::int64_t>& values) {
    write(column.name, H5T_STD_I64LE, {values.size()}, Filter::ShuffleDeflate, values.data(), column.units,
          column.description);
}
void ColumnWriter::numbers(const schema::Column& column, const std::vector<std::uint64_t>& values) {
    write(column.name, H5T_STD_U64LE, {values.size()}, Filter::ShuffleDeflate, values.data(), column.units,
          column.description);
}
void ColumnWriter::numbers(const schema::Column& column, const std::vector<std::int32_t>& values) {
    write(column.name, H5T_STD_I32LE, {values.size()}, Filter::ShuffleDeflate, values.data(), column.units,
          column.description);
}
void ColumnWriter::numbers(const schema::Column& column, const std::vector<std::uint32_t>& values) {
    write(column.name, H5T_STD_U32LE, {values.size()}, Filter::ShuffleDeflate, values.data(), column.units,
          column.description);
}
void ColumnWriter::numbers(const schema::Column& column, const std::vector<double>& values) {
    write(column.name, H5T_IEEE_F64LE, {values.size()}, Filter::ShuffleDeflate, values.data(), column.units,
          column.description);
}

void ColumnWriter::choices(const schema::Column& column, const std::vector<std::uint8_t>& values) {
    const bool isFlag = column.type == schema::Type::Bool;
    const std::vector<std::string> flagNames{"FALSE", "TRUE"};
    const auto& names = isFlag ? flagNames : column.names;
    for (const auto value : values)
        if (value >= names.size())
            throw Error("project.schema",
                        place(column.name.c_str()) + ": the value " + std::to_string(value) +
                            " has no name in the schema.",
                        "This is a mistake in Azimuth.");
    const auto type = enumeration(isFlag ? H5T_STD_I8LE : H5T_STD_U8LE, names);
    write(column.name, type, {values.size()}, Filter::Deflate, values.data(), column.units,
          column.description);
}

void ColumnWriter::keys(const schema::Column& column, const std::vector<std::uint8_t>& bytes) {
    write(column.name, H5T_STD_U8LE, {bytes.size() / 32, 32}, Filter::None, bytes.data(), column.units,
          column.description);
}

void ColumnWriter::strings(const schema::Column& column, const std::string& padded, std::size_t width,
                           std::size_t count) {
    const auto type = fixedString(width);
    write(column.name, type, {count}, Filter::Deflate, padded.data(), column.units, column.description);
}

void ColumnWriter::bytes(const schema::Column& column, const std::string& utf8) {
    write(column.name + "_utf8", H5T_STD_U8LE, {utf8.size()}, Filter::Deflate, utf8.data(), column.units,
          column.description);
}

void ColumnWriter::offsets(const schema::Column& column, const std::vector<std::uint64_t>& offsets) {
    write(column.name + "_offsets", H5T_STD_U64LE, {offsets.size()}, Filter::ShuffleDeflate, offsets.data(),
          "1", "row i is elements [i] to [i + 1] of " + column.name);
}

void ColumnWriter::finish() {
    for (const auto& column : m_table.columns)
        if (!m_written.count(column.name))
            throw Error("project.schema", place(column.name.c_str()) + " was not written.",
                        "This is a mistake in Azimuth.");
    m_file.check();
}

namespace {

// What HDF5 would write; but its filters use one core, and compressing is most of a save. Chunks are whole
// rows of all but the first axis.
void writeChunks(hid_t dataset, const std::vector<hsize_t>& extents, hsize_t rowsOfChunk,
                 const ChunkLayout& layout, const void* values, const std::string& place) {
    const auto rowBytes = layout.chunkBytes / rowsOfChunk;
    const std::span all(static_cast<const std::byte*>(values), extents[0] * rowBytes);
    const auto atOnce = std::max(1U, std::thread::hardware_concurrency());
    std::vector<hsize_t> at(extents.size(), 0);
    for (std::size_t next = 0; next < all.size();) {
        std::vector<std::future<std::vector<std::byte>>> chunks;
        for (; chunks.size() < atOnce && next < all.size(); next += layout.chunkBytes) {
            const auto part = all.subspan(next, std::min(layout.chunkBytes, all.size() - next));
            chunks.push_back(std::async(std::launch::async, [part, &layout] {
                std::vector<std::byte> raw(part.begin(), part.end());
                raw.resize(layout.chunkBytes); // the last one is stored whole
                return encoded(std::move(raw), layout, deflateLevel);
            }));
        }
        for (auto& chunk : chunks) {
            const auto stored = chunk.get();
            checkStatus(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, at.data(), stored.size(), stored.data()),
                        place);
            at[0] += rowsOfChunk;
        }
    }
}

} // namespace

Id writeValues(H5Publication& file, hid_t group, const std::string& name, hid_t type,
               const std::vector<hsize_t>& extents, Filter filter, const void* values, std::size_t chunkBytes,
               const std::string& place) {
    auto chunk = extents;
    for (std::size_t axis = 0; axis < chunk.size() && !isEmpty(extents);
         ++axis) { // whole trailing axes as far as they fit
        hsize_t inner = H5Tget_size(type);
        for (std::size_t i = axis + 1; i < chunk.size(); ++i)
            inner *= chunk[i];
        chunk[axis] = std::clamp<hsize_t>(chunkBytes / std::max<hsize_t>(inner, 1), 1, extents[axis]);
    }
    const auto creation =
        creationList(chunk, filter == Filter::ShuffleDeflate, filter != Filter::None, place);
    const auto space =
        dataspace(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), place);
    auto id =
        dataset(H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), place);
    const auto layout =
        chunkLayout(creation, H5Tget_size(type),
                    std::accumulate(chunk.begin(), chunk.end(), std::size_t{1}, std::multiplies<>()));
    const bool wholeRows = std::equal(chunk.begin() + 1, chunk.end(), extents.begin() + 1, extents.end());
    if (filter != Filter::None && wholeRows && chunk[0] < extents[0])
        writeChunks(id, extents, chunk[0], layout, values, place);
    else if (!isEmpty(extents))
        checkStatus(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), place);
    file.check();
    return id;
}

namespace {

void writeAnyArray(H5Publication& file, const std::string& folder, const std::string& name, hid_t type,
                   const void* data, const std::vector<std::int64_t>& shape,
                   const std::vector<std::string>& axes, const std::string& units,
                   const std::string& description,
                   const std::vector<std::pair<std::string, std::string>>& attributes) {
    const auto group = file.group(folder);
    const auto id = writeValues(file, group, name, type, {shape.begin(), shape.end()}, Filter::None, data,
                                arrayChunkBytes, folder + "/" + name);
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
        writeAttribute(id, ("axis" + std::to_string(axis)).c_str(), axes[axis]);
    writeAttribute(id, "units", units);
    writeAttribute(id, "description", description);
    for (const auto& [key, value] : attributes)
        writeAttribute(id, key.c_str(), value);
    file.check();
}

} // namespace

void writeArray(H5Publication& file, const std::string& folder, const std::string& name,
                std::span<const float> values, const std::vector<std::int64_t>& extents,
                const std::vector<std::string>& axes, const std::string& units,
                const std::string& description,
                const std::vector<std::pair<std::string, std::string>>& attributes) {
    writeAnyArray(file, folder, name, H5T_IEEE_F32LE, values.data(), extents, axes, units, description,
                  attributes);
}

void writeArray(H5Publication& file, const std::string& folder, const std::string& name,
                std::span<const double> values, const std::vector<std::int64_t>& extents,
                const std::vector<std::string>& axes, const std::string& units,
                const std::string& description,
                const std::vector<std::pair<std::string, std::string>>& attributes) {
    writeAnyArray(file, folder, name, H5T_IEEE_F64LE, values.data(), extents, axes, units, description,
                  attributes);
}

} // namespace azimuth::h5
