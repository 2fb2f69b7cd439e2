#include "core/project/source_file.h"

#include "core/base/error.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace azimuth {
// A descriptor is owned before anything can throw.
SourceFile::SourceFile(std::string path, Owned descriptor)
    : m_path(std::move(path)), m_descriptor(descriptor.value) {}

// Not blocking: a pipe under this name must not stop the program. On files it has no effect.
SourceFile::SourceFile(const std::string& path)
    : SourceFile(path, Owned{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)}) {
    begin();
}

SourceFile::SourceFile(int descriptor, const std::string& path)
    : SourceFile(path, Owned{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)}) {
    begin();
}

void SourceFile::begin() {
    if (m_descriptor < 0)
        throw systemError("open", m_path, errno);
    m_identity = identityOf(m_descriptor, m_path);
}

SourceFile::~SourceFile() {
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : m_path(std::move(other.m_path)), m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_identity(other.m_identity) {}

SourceFile& SourceFile::operator=(SourceFile&& other) noexcept {
    std::swap(m_path, other.m_path);
    std::swap(m_descriptor, other.m_descriptor);
    std::swap(m_identity, other.m_identity);
    return *this;
}

void SourceFile::requireUnchanged() const {
    if (identityOf(m_descriptor, m_path) != m_identity)
        throw Error("project.changing", m_path + " was written to by another program while it was read.",
                    "Wait until that program has closed it, then open it again.");
}

} // namespace azimuth
