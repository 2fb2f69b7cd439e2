#include "core/project/read_file.h"

#include "core/base/text.h"
#include "core/base/units.h"

#include <algorithm>

namespace azimuth::h5 {
namespace {

constexpr std::uint64_t maximumAttributeBytes = 64 << 10, maximumChunkBytes = 4 << 20;
constexpr std::uint64_t maximumChunks = 1 << 18;
constexpr std::uint64_t smallBytes = 1 << 20; // up to here a dataset may claim more than it stores
constexpr std::uint64_t deflateLimit = 1100;  // deflate cannot do better than 1,032 : 1

} // namespace

ReadFile::ReadFile(const std::string& path, FileKind kind, Trust trust) : m_source(path) {
    const int descriptor = m_source.descriptor();
    m_block = trust == Trust::Digest ? verifyFile(descriptor, path) : readUserBlock(descriptor, path);
    requireKind(m_block, kind, path);
    open();
}

ReadFile::ReadFile(const SourceFile& source, const UserBlock& block)
    : m_source(source.descriptor(), source.path()), m_block(block) {
    open();
}

void ReadFile::open() {
    prepare();
    m_state.descriptor = m_source.descriptor();
    const auto access = properties(H5Pcreate(H5P_FILE_ACCESS), path());
    useLatchingDriver(access, m_state);
    checkStatus(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), path());
    const auto id = H5Fopen(path().c_str(), H5F_ACC_RDONLY, access);
    if (m_state.firstError != 0) {
        const int error = m_state.firstError;
        if (id >= 0)
            H5Fclose(id);
        throw systemError("read", path(), error);
    }
    reading(*this, [&] {
        m_h5 = Id(check(id, path()), H5Fclose);
        const auto creation = properties(H5Fget_create_plist(m_h5), path());
        hsize_t userBlock = 0;
        checkStatus(H5Pget_userblock(creation, &userBlock), path());
        if (userBlock != userBlockBytes)
            bad("", "HDF5 begins at byte " + std::to_string(userBlock) + ", expected 1024");
        m_root = azimuth::h5::group(H5Gopen2(m_h5, "/", H5P_DEFAULT), path());
        checkGroup(m_root, "/");
    });
}

void ReadFile::checkGroup(hid_t group, const std::string& place) const {
    H5G_info_t info;
    checkStatus(H5Gget_info(group, &info), path() + ", " + place);
    if (info.storage_type != H5G_STORAGE_TYPE_COMPACT)
        bad(place, "its links are not stored in its header");
    if (info.nlinks > block().fileBytes)
        bad(place, "it claims " + std::to_string(info.nlinks) + " links");
}

void ReadFile::copyTo(hid_t root, hid_t group, const std::string& place) const {
    m_state.forgiving = true;
    const auto status = H5Ocopy(group, ".", root, place.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    m_state.forgiving = false;
    if (m_state.firstError != 0)
        throw systemError("read", path(), m_state.firstError);
    checkStatus(status, path() + ", " + place);
}

void ReadFile::bad(const std::string& place, const std::string& finding) const {
    throw Error("project.content",
                path() + (place.empty() ? "" : ", " + forMessage(place, 120)) + ": " + finding + ".",
                "The file was not written by Azimuth, or by one with a defect; open an earlier copy.");
}

namespace {

// The link `name` in a group: 1 a hard link, 0 none, -1 another kind.
int linkState(hid_t group, const std::string& name) {
    const auto there = H5Lexists(group, name.c_str(), H5P_DEFAULT);
    if (there <= 0)
        return 0;
    H5L_info_t info;
    if (H5Lget_info(group, name.c_str(), &info, H5P_DEFAULT) < 0)
        return -1;
    return info.type == H5L_TYPE_HARD ? 1 : -1;
}

std::vector<std::string> components(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t begin = 1; begin < path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        out.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

} // namespace

bool ReadFile::exists(const std::string& path) const {
    Id current;
    hid_t at = m_root;
    const auto parts = components(path);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (linkState(at, parts[i]) != 1)
            return false;
        if (i + 1 == parts.size())
            return true;
        H5O_info_t info;
        if (H5Oget_info_by_name2(at, parts[i].c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
            info.type != H5O_TYPE_GROUP)
            return false;
        auto next = azimuth::h5::group(H5Gopen2(at, parts[i].c_str(), H5P_DEFAULT), path);
        checkGroup(next, path);
        current = std::move(next);
        at = current;
    }
    return true;
}

std::vector<std::string> ReadFile::names(hid_t group) const {
    std::vector<std::string> names;
    hsize_t index = 0;
    const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
        auto& list = *static_cast<std::vector<std::string>*>(out);
        list.emplace_back(name);
        return list.size() > maximumObjects ? 1 : 0;
    };
    checkStatus(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &index, add, &names), path());
    return names;
}

Id ReadFile::object(const std::string& path, H5O_type_t type) const {
    Id current;
    hid_t at = m_root;
    const auto parts = components(path);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const int state = linkState(at, parts[i]);
        if (state == 0)
            bad(path, "missing");
        if (state < 0)
            bad(path, "\"" + forMessage(parts[i], 40) +
                          "\" is a soft or external link, which projects do not have");
        H5O_info_t info;
        checkStatus(H5Oget_info_by_name2(at, parts[i].c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT),
                    m_source.path() + ", " + path);
        const bool last = i + 1 == parts.size();
        if (info.type != (last ? type : H5O_TYPE_GROUP))
            bad(path, "\"" + forMessage(parts[i], 40) + "\" is not the kind of object that is expected here");
        if (last && type == H5O_TYPE_DATASET)
            return azimuth::h5::dataset(H5Dopen2(at, parts[i].c_str(), H5P_DEFAULT),
                                        m_source.path() + ", " + path);
        auto next =
            azimuth::h5::group(H5Gopen2(at, parts[i].c_str(), H5P_DEFAULT), m_source.path() + ", " + path);
        checkGroup(next, path);
        current = std::move(next);
        at = current;
    }
    return current;
}

Id ReadFile::group(const std::string& path) const { return object(path, H5O_TYPE_GROUP); }
Id ReadFile::dataset(const std::string& path) const { return object(path, H5O_TYPE_DATASET); }

namespace {
Id scalarAttribute(const ReadFile& file, hid_t object, const char* name, const std::string& place,
                   H5T_class_t expected, std::size_t& bytes) {
    if (H5Aexists(object, name) <= 0)
        file.bad(place, std::string("the attribute ") + name + " is missing");
    auto id = attribute(H5Aopen(object, name, H5P_DEFAULT), file.path() + ", " + place + " " + name);
    const auto space = dataspace(H5Aget_space(id), place);
    const auto type = datatype(H5Aget_type(id), place);
    bytes = H5Tget_size(type);
    const bool isScalar =
        H5Sget_simple_extent_type(space) == H5S_SCALAR || H5Sget_simple_extent_npoints(space) == 1;
    if (!isScalar || H5Tget_class(type) != expected || H5Tis_variable_str(type) > 0 || bytes == 0 ||
        bytes > maximumAttributeBytes)
        file.bad(place, std::string("the attribute ") + name + " is not of the expected type");
    return id;
}
} // namespace

std::string ReadFile::textAttribute(hid_t object, const char* name, const std::string& place) const {
    std::size_t bytes = 0;
    const auto id = scalarAttribute(*this, object, name, place, H5T_STRING, bytes);
    std::string value(bytes, '\0');
    checkStatus(H5Aread(id, fixedString(bytes), value.data()), path() + ", " + place + " " + name);
    value.resize(value.find('\0') == std::string::npos ? bytes : value.find('\0'));
    if (!isValidUtf8(value))
        bad(place, std::string("the attribute ") + name + " is not UTF-8");
    return value;
}

std::uint64_t ReadFile::unsignedAttribute(hid_t object, const char* name, const std::string& place) const {
    std::size_t bytes = 0;
    const auto id = scalarAttribute(*this, object, name, place, H5T_INTEGER, bytes);
    const auto type = datatype(H5Aget_type(id), place);
    if (H5Tget_sign(type) != H5T_SGN_NONE || bytes > 8)
        bad(place, std::string("the attribute ") + name + " is not an unsigned number");
    std::uint64_t value = 0;
    checkStatus(H5Aread(id, H5T_NATIVE_UINT64, &value), path() + ", " + place + " " + name);
    return value;
}

namespace {

// True if one of them is deflate.
bool checkFilters(const ReadFile& file, hid_t creation, const std::string& place) {
    bool deflated = false;
    const int count = H5Pget_nfilters(creation);
    if (count < 0 || count > 3)
        file.bad(place, "it has " + std::to_string(count) + " filters, at most 3 are allowed");
    for (int i = 0; i < count; ++i) {
        unsigned flags = 0, config = 0;
        std::size_t values = 0;
        const auto filter =
            H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
            file.bad(place, "its filter " + std::to_string(filter) + " is not allowed");
        deflated = deflated || filter == H5Z_FILTER_DEFLATE;
    }
    return deflated;
}

// Inflating does not stop at the size of a chunk, so what is stored of one must not be larger than deflate
// could have made it.
void checkStoredChunks(const ReadFile& file, hid_t dataset, const DatasetShape& shape,
                       const std::vector<hsize_t>& chunk, std::uint64_t chunkBytes,
                       const std::string& place) {
    const auto most = chunkBytes + chunkBytes / 100 + 256;
    std::vector<hsize_t> at(chunk.size(), 0);
    for (std::uint64_t count = 0; shape.elements > 0;) {
        unsigned skipped = 0;
        haddr_t address = HADDR_UNDEF;
        hsize_t bytes = 0;
        checkStatus(H5Dget_chunk_info_by_coord(dataset, at.data(), &skipped, &address, &bytes),
                    file.path() + ", " + place);
        if (address != HADDR_UNDEF && bytes > most)
            file.bad(place, "a chunk of " + bytesText(chunkBytes) + " is stored as " + bytesText(bytes));
        if (++count > maximumChunks)
            file.bad(place, "it has more than " + std::to_string(maximumChunks) + " chunks");
        auto axis = chunk.size();
        while (axis > 0 && (at[axis - 1] += chunk[axis - 1]) >= shape.extents[axis - 1])
            at[--axis] = 0;
        if (axis == 0)
            return;
    }
}

void checkChunks(const ReadFile& file, hid_t dataset, hid_t creation, bool deflated,
                 const DatasetShape& shape, const std::string& place) {
    const auto rank = shape.extents.size();
    std::vector<hsize_t> chunk(rank);
    if (H5Pget_chunk(creation, static_cast<int>(rank), chunk.data()) != static_cast<int>(rank))
        file.bad(place, "its chunks have another rank");
    std::uint64_t bytes = shape.elementBytes;
    for (const auto extent : chunk)
        if (extent == 0 || __builtin_mul_overflow(bytes, std::uint64_t{extent}, &bytes) ||
            bytes > maximumChunkBytes)
            file.bad(place, "a chunk has more than 4 MiB");
    if (deflated)
        checkStoredChunks(file, dataset, shape, chunk, bytes, place);
}

} // namespace

DatasetShape inspectDataset(const ReadFile& file, hid_t dataset, const std::string& place) {
    DatasetShape shape;
    const auto what = file.path() + ", " + place;
    const auto space = dataspace(H5Dget_space(dataset), what);
    const auto type = datatype(H5Dget_type(dataset), what);
    const int rank = H5Sget_simple_extent_ndims(space);
    if (H5Sget_simple_extent_type(space) != H5S_SIMPLE || rank < 1 || rank > 3)
        file.bad(place, "it has " + std::to_string(rank) + " dimensions, expected 1 to 3");
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    check(H5Sget_simple_extent_dims(space, extents.data(), nullptr), what);
    shape.extents.assign(extents.begin(), extents.end());
    shape.elementBytes = H5Tget_size(type);
    std::uint64_t bytes = shape.elementBytes;
    shape.elements = 1;
    for (const auto extent : shape.extents)
        if (__builtin_mul_overflow(bytes, extent, &bytes) ||
            __builtin_mul_overflow(shape.elements, extent, &shape.elements))
            file.bad(place, "it claims more elements than a file can have");
    shape.storedBytes = H5Dget_storage_size(dataset);
    const auto creation = properties(H5Dget_create_plist(dataset), what);
    if (H5Pget_external_count(creation) != 0)
        file.bad(place, "its data lie in another file");
    const auto layout = H5Pget_layout(creation);
    if (layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT)
        file.bad(place, "its layout is not allowed");
    const bool deflated = checkFilters(file, creation, place);
    if (shape.storedBytes > file.block().fileBytes)
        file.bad(place, "it claims " + bytesText(shape.storedBytes) + " in a file of " +
                            bytesText(file.block().fileBytes));
    const auto most = layout == H5D_CHUNKED ? shape.storedBytes * deflateLimit : shape.storedBytes;
    if (bytes > most && (layout != H5D_CHUNKED || bytes > smallBytes || shape.storedBytes == 0))
        file.bad(place, "it claims " + bytesText(bytes) + " and stores " + bytesText(shape.storedBytes));
    if (layout == H5D_CHUNKED)
        checkChunks(file, dataset, creation, deflated, shape, place);
    return shape;
}

void readAll(const ReadFile& file, const std::string& place, hid_t expectedType, hid_t memoryType,
             std::size_t rank, const std::function<void*(const DatasetShape&)>& allocate) {
    const auto id = file.dataset(place);
    const auto type = datatype(H5Dget_type(id), file.path() + ", " + place);
    if (H5Tequal(type, expectedType) <= 0)
        file.bad(place, "its type is not the one of the format");
    const auto shape = inspectDataset(file, id, place);
    if (shape.extents.size() != rank)
        file.bad(place, "it has " + std::to_string(shape.extents.size()) + " dimensions, expected " +
                            std::to_string(rank));
    void* out = allocate(shape);
    if (shape.elements > 0)
        checkStatus(H5Dread(id, memoryType, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), file.path() + ", " + place);
}

} // namespace azimuth::h5
