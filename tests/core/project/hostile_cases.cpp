#include "tests/core/project/hostile_cases.h"

#include "core/base/error.h"
#include "tests/core/project/resign.h"

#include <fstream>
#include <iterator>
#include <zlib.h>

namespace azimuth::hostile {

std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void writeBytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void replace(hid_t file, const char* path, hid_t type, std::vector<hsize_t> extents, const void* values,
             hid_t creation) {
    H5Ldelete(file, path, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t id = H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (values)
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Sclose(space);
}

namespace {

// Writes into a dataset as it is.
void overwrite(hid_t file, const char* path, const void* values) {
    const hid_t id = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t type = H5Dget_type(id);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Tclose(type);
    H5Dclose(id);
}

void dataOutside(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/hostname", 0, 24);
    replace(file, "/labels/time", H5T_IEEE_F64LE, {3}, nullptr, creation);
    H5Pclose(creation);
}

void claimsTooMuch(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 65536;
    H5Pset_chunk(creation, 1, &chunk);
    replace(file, "/completions/parts/p000001/text_utf8", H5T_STD_U8LE, {hsize_t{1} << 40}, nullptr,
            creation);
    H5Pclose(creation);
}

void hugeChunk(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 3;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_scaleoffset(creation, H5Z_SO_INT, 0);
    const std::int64_t values[3] = {1, 2, 3};
    replace(file, "/models/blocks", H5T_STD_I64LE, {3}, values, creation);
    H5Pclose(creation);
}

void variableStrings(hid_t file) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const char* values[3] = {"a", "b", "c"};
    replace(file, "/labels/judge", type, {3}, values);
    H5Tclose(type);
}

void virtualData(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t extent = 3;
    const hid_t space = H5Screate_simple(1, &extent, nullptr);
    H5Pset_virtual(creation, space, "/etc/hostname", "/data", space);
    replace(file, "/labels/time", H5T_IEEE_F64LE, {extent}, nullptr, creation);
    H5Sclose(space);
    H5Pclose(creation);
}

// 200 MB of zeros, deflated, in a chunk that is declared to have 4 KiB.
void deflateBomb(hid_t file) {
    constexpr std::size_t zeros = 200'000'000;
    const std::string content(zeros, '\0');
    std::string deflated(compressBound(zeros), '\0');
    uLongf size = deflated.size();
    compress2(reinterpret_cast<Bytef*>(deflated.data()), &size,
              reinterpret_cast<const Bytef*>(content.data()), zeros, 1);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 4096, offset = 0;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_deflate(creation, 1);
    const char* path = "/completions/parts/p000001/text_utf8";
    replace(file, path, H5T_STD_U8LE, {chunk}, nullptr, creation);
    const hid_t id = H5Dopen2(file, path, H5P_DEFAULT);
    H5Dwrite_chunk(id, H5P_DEFAULT, 0, &offset, size, deflated.data());
    H5Dclose(id);
    H5Pclose(creation);
}

void nestedTypes(hid_t file, const char* path) {
    const hsize_t one = 1;
    hid_t type = H5Tcopy(H5T_STD_I32LE);
    for (int level = 0; level < 28; ++level) { // comparing two of them takes twice as long for each level
        const hid_t outer = H5Tarray_create2(type, 1, &one);
        H5Tclose(type);
        type = outer;
    }
    replace(file, path, type, {3}, nullptr);
    H5Tclose(type);
}

void compound(hid_t file) {
    const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "a", 0, H5T_IEEE_F64LE);
    H5Tinsert(type, "b", 8, H5T_IEEE_F64LE);
    replace(file, "/labels/time", type, {3}, nullptr);
    H5Tclose(type);
}

void references(hid_t file) { replace(file, "/labels/odd", H5T_STD_REF_OBJ, {3}, nullptr); }

void deepGroups(hid_t file) {
    hid_t at = H5Gcreate2(file, "/deep", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int depth = 0; depth < 20000; ++depth) {
        const hid_t inner = H5Gcreate2(at, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(at);
        at = inner;
    }
    H5Gclose(at);
}

void addAttribute(hid_t file, const char* path, const char* name, std::size_t bytes) {
    const hid_t object = H5Oopen(file, path, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1),
                space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, bytes);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const std::string value(bytes, 'x');
    H5Awrite(id, type, value.data());
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
    H5Oclose(object);
}

void largeAttribute(hid_t file) { addAttribute(file, "/labels", "large", 4'000'000); }

void manyAttributes(hid_t file) {
    for (int i = 0; i < 1000; ++i)
        addAttribute(file, "/labels", ("a" + std::to_string(i)).c_str(), 8);
}

void notText(hid_t file) {
    const std::uint8_t bytes[] = {0xff, 0xfe, 0xc0, 0x80};
    const std::uint64_t offsets[] = {0, 1, 2, 4};
    replace(file, "/labels/rater_utf8", H5T_STD_U8LE, {4}, bytes);
    replace(file, "/labels/rater_offsets", H5T_STD_U64LE, {4}, offsets);
}

void replaceStudy(hid_t file, const std::string& json) {
    const std::uint64_t offsets[] = {0, json.size()};
    replace(file, "/study/json_utf8", H5T_STD_U8LE, {json.size()}, json.data());
    replace(file, "/study/json_offsets", H5T_STD_U64LE, {2}, offsets);
}

} // namespace

void makeChanged(const std::string& sound, const std::string& file,
                 const std::function<void(hid_t)>& change) {
    writeBytes(file, bytesOf(sound));
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (id < 0)
        throw Error("test", "cannot open " + file, "");
    change(id);
    H5Fclose(id);
    writeBytes(file, resigned(bytesOf(file), readUserBlock(sound)));
}

const std::vector<Case>& cases() {
    static const std::uint64_t falling[] = {0, 9, 3, 4, 5}, beyond[] = {0, 0, 0, 0, 1u << 30};
    static const std::uint8_t manyVerdicts[] = {0, 7, 1, 0};
    static const std::int32_t floats[] = {1, 2, 3};
    static const double two[] = {1, 2};
    static const std::uint64_t noSuchRow[] = {1, 1, 1, 1, 1, 1, 99}, zeroId[] = {0, 2};
    static const std::uint32_t farRow[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4000000000u};
    static const std::int64_t wide[] = {16, 1 << 21}, farChoice[] = {4, -1};
    static const std::vector<Case> list{
        {"offsets that fall", "/labels/rater",
         [](hid_t f) { overwrite(f, "/labels/rater_offsets", falling); }},
        {"offsets beyond the data", "/labels/rater",
         [](hid_t f) { overwrite(f, "/labels/rater_offsets", beyond); }},
        {"an enumeration value without a name", "/labels/verdict",
         [](hid_t f) { overwrite(f, "/labels/verdict", manyVerdicts); }},
        {"another type", "/labels/time",
         [](hid_t f) { replace(f, "/labels/time", H5T_STD_I32LE, {3}, floats); }},
        {"another length", "/labels/time",
         [](hid_t f) { replace(f, "/labels/time", H5T_IEEE_F64LE, {2}, two); }},
        {"a missing column", "/labels/time", [](hid_t f) { H5Ldelete(f, "/labels/time", H5P_DEFAULT); }},
        {"a missing table", "/labels", [](hid_t f) { H5Ldelete(f, "/labels", H5P_DEFAULT); }},
        {"a soft link", "/labels/time",
         [](hid_t f) {
             H5Ldelete(f, "/labels/time", H5P_DEFAULT);
             H5Lcreate_soft("/jobs/seconds", f, "/labels/time", H5P_DEFAULT, H5P_DEFAULT);
         }},
        {"external data", "/labels/time", dataOutside},
        {"variable-length strings", "/labels/judge", variableStrings},
        {"a filter that is not allowed", "/models/blocks", hugeChunk},
        {"a size of a terabyte", "/completions/parts/p000001/text", claimsTooMuch},
        {"a row of nothing", "/arms/interventions/arms_id",
         [](hid_t f) { replace(f, "/arms/interventions/arms_id", H5T_STD_U64LE, {7}, noSuchRow); }},
        {"an id of zero", "/banks/index/id", [](hid_t f) { overwrite(f, "/banks/index/id", zeroId); }},
        {"a row beyond its part", "", [](hid_t f) { overwrite(f, "/completions/index/row", farRow); }},
        {"a width that no model has", "", [](hid_t f) { overwrite(f, "/banks/index/width", wide); }},
        {"a choice beyond the points", "", [](hid_t f) { overwrite(f, "/calibrations/chosen", farChoice); }},
        {"a missing tensor", "", [](hid_t f) { H5Ldelete(f, "/banks/tensors/b000002", H5P_DEFAULT); }},
        {"an external link", "/labels/time",
         [](hid_t f) {
             H5Ldelete(f, "/labels/time", H5P_DEFAULT);
             H5Lcreate_external("/etc/hostname", "/", f, "/labels/time", H5P_DEFAULT, H5P_DEFAULT);
         }},
        {"a virtual dataset", "/labels/time", virtualData},
        {"a deflate bomb", "/completions/parts/p000001/text", deflateBomb},
        {"nested types", "/labels/time", [](hid_t f) { nestedTypes(f, "/labels/time"); }},
        {"nested types where nothing is expected", "/odd", [](hid_t f) { nestedTypes(f, "/odd"); }, true},
        {"a compound", "/labels/time", compound},
        {"references", "/labels/odd", references, true},
        {"a named type", "/odd",
         [](hid_t f) {
             const hid_t type = H5Tcopy(H5T_STD_I32LE);
             H5Tcommit2(f, "/odd", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
             H5Tclose(type);
         },
         true},
        {"a circle of hard links", "/labels",
         [](hid_t f) { H5Lcreate_hard(f, "/labels", f, "/labels/loop", H5P_DEFAULT, H5P_DEFAULT); }, true},
        {"20,000 groups in each other", "/deep", deepGroups, true},
        {"control characters in names", "/labels/\\x1b[31mred",
         [](hid_t f) { replace(f, "/labels/\x1b[31mred\n", H5T_IEEE_F64LE, {2}, two); }, true},
        {"an attribute of 4 MB", "/labels", largeAttribute, true},
        {"a thousand attributes", "/labels", manyAttributes, true},
        {"texts that are not UTF-8", "/labels/rater", notText},
        {"a study that is not JSON", "", [](hid_t f) { replaceStudy(f, std::string(4096, '[')); }},
        {"a study of another kind", "",
         [](hid_t f) { replaceStudy(f, "{\"azimuth\":\"judge\",\"version\":1}"); }},
        {"a second name of an object", "/zz",
         [](hid_t f) { H5Lcreate_hard(f, "/labels", f, "/zz", H5P_DEFAULT, H5P_DEFAULT); }, true},
    };
    return list;
}

} // namespace azimuth::hostile
