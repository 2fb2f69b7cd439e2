// Opens a file of Azimuth for reading, strictly: user block and digest on the same descriptor that HDF5 then
// reads, one path component at a time (hard links only), and for every dataset its type, rank, layout and
// filters before a byte of it is allocated. Error project.*; one thread. Private to core/project.
#pragma once

#include "core/project/h5_support.h"
#include "core/project/latching_driver.h"
#include "core/project/source_file.h"
#include "core/project/user_block.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace azimuth::h5 {

enum class Trust { Digest, HeaderOnly }; // hash the whole file first, or believe the user block

class ReadFile {
public:
    ReadFile(const std::string& path, FileKind kind, Trust trust = Trust::Digest);
    // A file that is open already and whose block and digest somebody else has looked at; any kind. The
    // descriptor is duplicated.
    ReadFile(const SourceFile& source, const UserBlock& block);
    ReadFile(const ReadFile&) = delete;
    ReadFile& operator=(const ReadFile&) = delete;

    const std::string& path() const { return m_source.path(); }
    const SourceFile& source() const { return m_source; }
    const UserBlock& block() const { return m_block; }
    hid_t root() const { return m_root; }
    int readError() const { return m_state.firstError; } // errno of a read that the disk refused; 0: none

    bool exists(const std::string& path) const; // a hard link to it, component by component
    static constexpr std::size_t maximumObjects = 100000;
    std::vector<std::string> names(hid_t group) const; // of its links; a few more than the maximum at most
    Id group(const std::string& path) const;
    Id dataset(const std::string& path) const;

    std::string textAttribute(hid_t object, const char* name, const std::string& place) const;
    std::uint64_t unsignedAttribute(hid_t object, const char* name, const std::string& place) const;

    // Error project.content unless the group's links lie in its header, as FORMAT.md has it.
    void checkGroup(hid_t group, const std::string& place) const;

    // Copies a group with all it holds to a place in another file, as the bytes lie. Error file.read.
    void copyTo(hid_t root, hid_t group, const std::string& place) const;

    [[noreturn]] void bad(const std::string& place,
                          const std::string& finding) const; // Error project.content

private:
    void open();
    Id object(const std::string& path, H5O_type_t type) const;

    SourceFile m_source; // goes last: HDF5 lets go of the file before it is closed
    UserBlock m_block;
    mutable DriverState m_state; // reading changes it
    Id m_h5, m_root;
};

// Runs a piece of reading; what HDF5 says after the disk refused a read is replaced by what the disk said.
template <class Body> auto reading(const ReadFile& file, Body body) {
    try {
        return body();
    } catch (const Error&) {
        if (file.readError() != 0)
            throw systemError("read", file.path(), file.readError());
        throw;
    }
}

// What a dataset says of itself, checked against the profile of FORMAT.md ("HDF5 profile").
struct DatasetShape {
    std::vector<std::uint64_t> extents;
    std::uint64_t elements = 0, elementBytes = 0, storedBytes = 0;
};
// Error project.content if the layout, a filter, a chunk or the declared size is not of the profile.
DatasetShape inspectDataset(const ReadFile& file, hid_t dataset, const std::string& place);

// Reads everything after the checks. expectedType is compared with the file's type; extents with `extents`
// where given.
void readAll(const ReadFile& file, const std::string& place, hid_t expectedType, hid_t memoryType,
             std::size_t rank, const std::function<void*(const DatasetShape&)>& allocate);

} // namespace azimuth::h5
