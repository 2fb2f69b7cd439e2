#include "core/base/file_identity.h"

#include "core/base/error.h"

#include <cerrno>
#include <sys/stat.h>

namespace azimuth {
namespace {

FileIdentity identityFrom(const struct stat& status) {
    return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
            static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

} // namespace

FileIdentity identityOf(int descriptor, const std::string& path) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        throw systemError("read", path, errno);
    return identityFrom(status);
}

FileIdentity identityAt(const std::string& path) {
    const auto found = identityIfThere(path);
    if (!found)
        throw systemError("read", path, ENOENT);
    return *found;
}

std::optional<FileIdentity> identityIfThere(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0)
        return identityFrom(status);
    if (errno != ENOENT)
        throw systemError("read", path, errno);
    return {};
}

} // namespace azimuth
