// Projects that are legal HDF5 and signed by their own digest, but not what Azimuth writes: each a change to
// a sound project, by somebody hostile or careless.
#pragma once

#include <functional>
#include <hdf5.h>
#include <string>
#include <vector>

namespace azimuth::hostile {

struct Case {
    const char* name;
    const char* place; // where validate has to see it
    std::function<void(hid_t)> change;
    bool opens = false; // what only validation refuses
};
const std::vector<Case>& cases();

// The project at `sound` with the change, at `file`, signed again.
void makeChanged(const std::string& sound, const std::string& file, const std::function<void(hid_t)>& change);

// Replaces a dataset by one with these values; none for null.
void replace(hid_t file, const char* path, hid_t type, std::vector<hsize_t> extents, const void* values,
             hid_t creation = H5P_DEFAULT);

std::string bytesOf(const std::string& path);
void writeBytes(const std::string& path, const std::string& bytes);

} // namespace azimuth::hostile
