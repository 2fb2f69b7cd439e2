#include "core/container/mapped_file.h"

#include "core/base/error.h"
#include "core/base/units.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace azimuth {
namespace {

FileStamp stampFrom(const struct stat& status) {
    return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
            static_cast<std::uint64_t>(status.st_size),
            std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

void checkRegular(const std::string& path, const struct stat& status) {
    if (S_ISDIR(status.st_mode))
        throw Error("file.kind", path + ": this is a folder, expected is a file.", "Give a file.");
    if (!S_ISREG(status.st_mode))
        throw Error("file.kind", path + ": this is not a regular file.",
                    "Copy the content into a file first.");
}

// The whole pages inside a part, for hints that must not touch a neighbour's page.
std::span<std::byte> wholePages(std::span<const std::byte> part) {
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto start = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
    if (end <= start)
        return {};
    return {reinterpret_cast<std::byte*>(start), end - start};
}

} // namespace

FileStamp stampOf(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        throw systemError("open", path, errno);
    checkRegular(path, status);
    return stampFrom(status);
}

MappedFile::MappedFile(const std::string& path) : m_path(path) {
    // Not blocking: a pipe would wait for a writer before it can be refused.
    m_descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (m_descriptor < 0)
        throw systemError("open", path, errno);
    try {
        struct stat status {};
        if (::fstat(m_descriptor, &status) != 0)
            throw systemError("open", path, errno);
        checkRegular(path, status);
        m_stamp = stampFrom(status);
        if (m_stamp.bytes == 0)
            return;
        void* start = ::mmap(nullptr, m_stamp.bytes, PROT_READ, MAP_PRIVATE, m_descriptor, 0);
        if (start == MAP_FAILED)
            throw systemError("map", path, errno);
        m_start = static_cast<const std::byte*>(start);
    } catch (...) {
        ::close(m_descriptor);
        throw;
    }
}

MappedFile::~MappedFile() {
    if (m_start)
        ::munmap(const_cast<std::byte*>(m_start), m_stamp.bytes);
    ::close(m_descriptor);
}

void MappedFile::checkUnchanged() const {
    struct stat status {};
    if (::fstat(m_descriptor, &status) != 0)
        throw systemError("read", m_path, errno);
    const auto now = stampFrom(status);
    if (now.bytes != m_stamp.bytes)
        throw Error("file.changed",
                    m_path + ": the file changed while it was open: it had " + std::to_string(m_stamp.bytes) +
                        " bytes, now it has " + std::to_string(now.bytes) + ".",
                    "Wait until it is complete, then open it again.");
    if (now.modified != m_stamp.modified)
        throw Error("file.changed", m_path + ": the file was written to while it was open.",
                    "Wait until it is complete, then open it again.");
}

void MappedFile::announce(std::span<const std::byte> part) const noexcept {
    if (const auto pages = wholePages(part); !pages.empty())
        ::madvise(pages.data(), pages.size(), MADV_WILLNEED);
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
    if (const auto pages = wholePages(part); !pages.empty())
        ::madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

} // namespace azimuth
