#include "core/project/publication.h"

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/project/known_files.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

namespace azimuth::h5 {
namespace {

AtomicFile::Options fileOptions(const H5Publication::Options& options) {
    AtomicFile::Options out;
    out.temporaryFolder = options.temporaryFolder;
    out.expectedBytes = options.expectedBytes;
    out.uuid = options.block.file;
    out.fence = options.fence;
    return out;
}

// The temporary file has the uuid of the file in its name: see keepReplaced.
H5Publication::Options named(H5Publication::Options options) {
    if (options.block.file.empty())
        options.block.file = newUuid();
    return options;
}

} // namespace

H5Publication::H5Publication(std::string target, Options options)
    : H5Publication(named(std::move(options)), std::move(target)) {}

H5Publication::H5Publication(Options options, std::string target)
    : m_file(std::move(target), fileOptions(options)), m_block(std::move(options.block)) {
    prepare();
    m_state.descriptor = m_file.descriptor();
    m_state.writable = true;
    const auto access = properties(H5Pcreate(H5P_FILE_ACCESS), "file access");
    useLatchingDriver(access, m_state);
    checkStatus(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "file access");
    checkStatus(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "file access");
    const auto creation = properties(H5Pcreate(H5P_FILE_CREATE), "file creation");
    checkStatus(H5Pset_userblock(creation, userBlockBytes), "file creation");
    keepInHeader(creation);
    m_h5 = H5Fcreate(m_file.temporaryPath().c_str(), H5F_ACC_TRUNC, creation, access);
    try {
        check();
        azimuth::h5::check(m_h5, this->target());
        m_root = azimuth::h5::group(H5Gopen2(m_h5, "/", H5P_DEFAULT), this->target());
    } catch (...) { // no destructor runs, and HDF5 must not go on knowing the file
        m_root.reset();
        if (m_h5 >= 0)
            H5Fclose(m_h5);
        throw;
    }
}

H5Publication::~H5Publication() {
    m_root.reset();
    if (m_h5 >= 0)
        H5Fclose(m_h5); // cannot fail on the disk: the driver latches
}

Id H5Publication::group(const std::string& path) {
    const auto creation = properties(H5Pcreate(H5P_GROUP_CREATE), path);
    keepInHeader(creation);
    for (std::size_t end = 1; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const auto part = path.substr(0, end);
        const auto there = H5Lexists(m_root, part.c_str(), H5P_DEFAULT);
        if (there < 0)
            fail(part);
        if (there == 0)
            azimuth::h5::group(H5Gcreate2(m_root, part.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), part);
    }
    return azimuth::h5::group(H5Gopen2(m_root, path.c_str(), H5P_DEFAULT), path);
}

void H5Publication::check() const {
    if (m_state.firstError != 0)
        throw m_file.writeError(m_state.firstError);
}

void H5Publication::close() {
    m_root.reset();
    const auto status = H5Fclose(std::exchange(m_h5, H5I_INVALID_HID));
    check();
    checkStatus(status, m_file.target());
}

std::string H5Publication::publish() {
    check();
    close();
    struct stat status {};
    if (::fstat(m_file.descriptor(), &status) != 0)
        throw systemError("read", m_file.target(), errno);
    m_block.fileBytes = static_cast<std::uint64_t>(status.st_size);
    if (m_block.saved == 0)
        m_block.saved = unixSeconds();
    m_block.digest = sha256File(m_file.temporaryPath(), userBlockBytes);
    m_file.writeAt(0, encodeUserBlock(m_block));
    KnownFiles().remember(m_block.digest); // before it can be found: whenever this is killed, it is known
    m_file.publish();
    return toHex(m_block.digest);
}

} // namespace azimuth::h5
