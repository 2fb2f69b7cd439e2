// A virtual file driver of HDF5 on a descriptor that somebody else owns.
//
// Writing: a failed write never reaches HDF5, whose shut-down crashes after one. The first error is
// remembered ("latched"), bytes that could not be written are kept in memory so that HDF5 reads back what it
// wrote, and the caller looks at the latch before it believes in the file. Reading: errors are reported to
// HDF5 (unless forgiving) and remembered too. The descriptor is never closed here. No locks are taken.
// Private to core/project; one thread per file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hdf5.h>
#include <map>
#include <vector>

namespace azimuth::h5 {

struct DriverState {
    int descriptor = -1;
    bool writable = false;
    bool forgiving =
        false;          // a read that fails gives zeros: H5Ocopy of HDF5 1.10 crashes after one that does not
    int firstError = 0; // errno of the first failed call; 0: none
    std::uint64_t end = 0;                                 // end of the file as HDF5 sees it
    std::map<std::uint64_t, std::vector<std::byte>> pages; // undeliverable content by page number
};

hid_t registerLatchingDriver(); // once per process

// Makes a file access list use the driver on `state`, which must outlive the file.
void useLatchingDriver(hid_t accessList, DriverState& state);

} // namespace azimuth::h5
