// A regular file, mapped read-only. Its size is fixed at open; nothing is read before it is touched.
// Reading a page behind a new end of a file that was cut meanwhile raises SIGBUS: call checkUnchanged()
// before each long read. Immutable after construction, so any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace azimuth {

// What tells one content of a file from another without reading it.
struct FileStamp {
    std::uint64_t device = 0, inode = 0, bytes = 0;
    std::int64_t modified = 0; // nanoseconds since 1970

    bool operator==(const FileStamp&) const = default;
};

FileStamp
stampOf(const std::string& path); // follows symbolic links; error file.open, file.kind if not a regular file

class MappedFile {
public:
    explicit MappedFile(const std::string& path); // error file.open, file.kind, file.map
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const std::string& path() const { return m_path; }
    const FileStamp& stamp() const { return m_stamp; }
    std::span<const std::byte> bytes() const { return {m_start, static_cast<std::size_t>(m_stamp.bytes)}; }

    void
    checkUnchanged() const; // error file.changed if size or time of the open file differ from those at open

    // Hints to the kernel about the pages of a part of bytes(): will be read soon, not needed any more. Never
    // fail.
    void announce(std::span<const std::byte> part) const noexcept;
    void release(std::span<const std::byte> part) const noexcept;

private:
    std::string m_path;
    FileStamp m_stamp;
    int m_descriptor = -1;
    const std::byte* m_start = nullptr;
};

} // namespace azimuth
