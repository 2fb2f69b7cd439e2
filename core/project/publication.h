// Writes one HDF5 file with a user block and publishes it: latching driver, close, digest, user block, fsync,
// rename.
//
//   H5Publication file(path, options);
//   ... create groups and datasets under file.root(), file.check() after each ...
//   const std::string sha256 = file.publish();
//
// Until publish() returned, the target is as it was. Destroying an unpublished one removes the temporary
// file. One thread. Private to core/project.
#pragma once

#include "core/base/atomic_file.h"
#include "core/project/h5_support.h"
#include "core/project/latching_driver.h"
#include "core/project/user_block.h"

#include <functional>
#include <memory>
#include <string>

namespace azimuth::h5 {

class H5Publication {
public:
    struct Options {
        UserBlock block; // kind, project, generation; the rest is filled in by publish()
        std::string temporaryFolder;
        std::uint64_t expectedBytes = 0;
        std::function<void()> fence;
    };

    H5Publication(std::string target, Options options); // Error file.open, file.space
    ~H5Publication();
    H5Publication(const H5Publication&) = delete;
    H5Publication& operator=(const H5Publication&) = delete;

    hid_t root() const { return m_root; }
    const std::string& target() const { return m_file.target(); }

    // The group at an absolute path; groups that are missing are created.
    Id group(const std::string& path);

    // Throws file.write or file.space if a write has failed since.
    void check() const;

    // Returns the digest in the user block, 64 hex digits; it is one of the KnownFiles then. Error file.*,
    // project.write.
    std::string publish();

private:
    H5Publication(Options options, std::string target);
    void close();

    AtomicFile m_file;
    UserBlock m_block;
    DriverState m_state;
    hid_t m_h5 = H5I_INVALID_HID;
    Id m_root;
};

} // namespace azimuth::h5
