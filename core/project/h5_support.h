// HDF5's C API behind a few values: handles that close themselves, calls that throw, and the set-up that
// every use needs first. (The C++ API has no virtual file drivers, no link types and no chunk queries, and
// its destructors swallow errors.) Private to core/project.
#pragma once

#include "core/base/error.h"

#include <hdf5.h>
#include <string>
#include <string_view>
#include <utility>

namespace azimuth::h5 {

// Once per process: no exit handler, no plugins, external links switched off, our file driver registered.
// Once per thread: HDF5 prints nothing. Called by everything that opens a file.
void prepare();

// A handle that closes itself. The closing of a file is never left to it: see Publication and ReadFile.
class Id {
public:
    Id() = default;
    Id(hid_t id, herr_t (*close)(hid_t)) : m_id(id), m_close(close) {}
    ~Id() { reset(); }
    Id(Id&& other) noexcept : m_id(std::exchange(other.m_id, H5I_INVALID_HID)), m_close(other.m_close) {}
    Id& operator=(Id&& other) noexcept {
        std::swap(m_id, other.m_id);
        std::swap(m_close, other.m_close);
        return *this;
    }
    hid_t get() const { return m_id; }
    operator hid_t() const { return m_id; }
    bool valid() const { return m_id >= 0; }
    void reset() {
        if (m_id >= 0)
            m_close(m_id);
        m_id = H5I_INVALID_HID;
    }

private:
    hid_t m_id = H5I_INVALID_HID;
    herr_t (*m_close)(hid_t) = nullptr;
};

// Error project.hdf5 with HDF5's own error stack as detail. `what` names the object.
[[noreturn]] void fail(const std::string& what);
inline hid_t check(hid_t id, const std::string& what) {
    if (id < 0)
        fail(what);
    return id;
}
inline void checkStatus(herr_t status, const std::string& what) {
    if (status < 0)
        fail(what);
}

Id group(hid_t id, const std::string& what);
Id dataset(hid_t id, const std::string& what);
Id dataspace(hid_t id, const std::string& what);
Id datatype(hid_t id, const std::string& what);
Id properties(hid_t id, const std::string& what);
Id attribute(hid_t id, const std::string& what);

// Links and attributes of an object stay in its header: no fractal heaps and no B-trees of names, whose
// readers crash on damage.
void keepInHeader(hid_t groupCreation);      // of a group or a file
void keepAttributesInHeader(hid_t creation); // of any object

Id fixedString(std::size_t bytes); // UTF-8, null-padded
Id bfloat16();                     // the upper half of an f32

void writeAttribute(hid_t object, const char* name,
                    std::string_view text); // a fixed string of its own length
void writeAttribute(hid_t object, const char* name, std::uint32_t value);
void writeAttribute(hid_t object, const char* name, std::uint64_t value);

} // namespace azimuth::h5
