#include "core/project/h5_support.h"

#include "core/project/latching_driver.h"

#include <mutex>

namespace azimuth::h5 {
namespace {

herr_t collect(unsigned, const H5E_error2_t* entry, void* out) {
    auto& text = *static_cast<std::string*>(out);
    if (entry->func_name)
        text += std::string(entry->func_name) + ": ";
    text += (entry->desc ? entry->desc : "") + std::string("\n");
    return 0;
}

void prepareProcess() {
    H5dont_atexit();
    if (H5open() < 0)
        throw Error("project.hdf5", "The HDF5 library could not be started.",
                    "Install Azimuth's HDF5 package again.");
    H5PLset_loading_state(0);
    H5Lunregister(H5L_TYPE_EXTERNAL);
    check(registerLatchingDriver(), "the file driver");
}

} // namespace

void prepare() {
    static std::once_flag once;
    std::call_once(once, prepareProcess);
    thread_local bool quiet = false;
    if (!quiet) {
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
        quiet = true;
    }
}

void fail(const std::string& what) {
    std::string stack;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &stack);
    H5Eclear2(H5E_DEFAULT);
    throw Error("project.hdf5", what + ": the HDF5 library refused.",
                "The file is damaged or was not written by Azimuth.", stack);
}

Id group(hid_t id, const std::string& what) { return Id(check(id, what), H5Gclose); }
Id dataset(hid_t id, const std::string& what) { return Id(check(id, what), H5Dclose); }
Id dataspace(hid_t id, const std::string& what) { return Id(check(id, what), H5Sclose); }
Id datatype(hid_t id, const std::string& what) { return Id(check(id, what), H5Tclose); }
Id properties(hid_t id, const std::string& what) { return Id(check(id, what), H5Pclose); }
Id attribute(hid_t id, const std::string& what) { return Id(check(id, what), H5Aclose); }

void keepInHeader(hid_t groupCreation) {
    checkStatus(H5Pset_link_phase_change(groupCreation, 65535, 0), "group creation");
    checkStatus(H5Pset_link_creation_order(groupCreation, H5P_CRT_ORDER_TRACKED), "group creation");
    keepAttributesInHeader(groupCreation);
}

void keepAttributesInHeader(hid_t creation) {
    checkStatus(H5Pset_attr_phase_change(creation, 64, 0), "object creation");
    checkStatus(H5Pset_obj_track_times(creation, false),
                "object creation"); // equal content gives equal bytes
}

Id fixedString(std::size_t bytes) {
    auto type = datatype(H5Tcopy(H5T_C_S1), "a string type");
    checkStatus(H5Tset_size(type, bytes), "a string type");
    checkStatus(H5Tset_strpad(type, H5T_STR_NULLPAD), "a string type");
    checkStatus(H5Tset_cset(type, H5T_CSET_UTF8), "a string type");
    return type;
}

Id bfloat16() {
    auto type = datatype(H5Tcopy(H5T_IEEE_F32LE), "bf16");
    checkStatus(H5Tset_fields(type, 15, 7, 8, 0, 7), "bf16");
    checkStatus(H5Tset_size(type, 2), "bf16");
    checkStatus(H5Tset_ebias(type, 127), "bf16");
    return type;
}

namespace {
void writeScalar(hid_t object, const char* name, hid_t fileType, hid_t memoryType, const void* value) {
    const auto space = dataspace(H5Screate(H5S_SCALAR), name);
    const auto id = attribute(H5Acreate2(object, name, fileType, space, H5P_DEFAULT, H5P_DEFAULT), name);
    checkStatus(H5Awrite(id, memoryType, value), name);
}
} // namespace

void writeAttribute(hid_t object, const char* name, std::string_view text) {
    const std::string value =
        text.empty() ? std::string(1, '\0') : std::string(text); // a string type has at least one byte
    const auto type = fixedString(value.size());
    writeScalar(object, name, type, type, value.data());
}

void writeAttribute(hid_t object, const char* name, std::uint32_t value) {
    writeScalar(object, name, H5T_STD_U32LE, H5T_NATIVE_UINT32, &value);
}

void writeAttribute(hid_t object, const char* name, std::uint64_t value) {
    writeScalar(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

} // namespace azimuth::h5
