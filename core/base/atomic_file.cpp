#include "core/base/atomic_file.h"

#include "core/base/ids.h"
#include "core/base/units.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace azimuth {
namespace {

std::string folderOf(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

bool sameFileSystem(const std::string& a, const std::string& b) {
    struct stat first {
    }, second{};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

struct Descriptor {
    int value;
    ~Descriptor() {
        if (value >= 0)
            ::close(value);
    }
};

// A symbolic link stays a link: what it points to is replaced, also if that is not there yet.
std::string resolved(std::string path) {
    constexpr int mostLinks = 40; // as the kernel
    for (int links = 0; links < mostLinks; ++links) {
        std::error_code failure;
        const auto next = std::filesystem::read_symlink(path, failure);
        if (failure)
            return path;
        path = (next.is_absolute() ? next : std::filesystem::path(path).parent_path() / next).string();
    }
    throw systemError("create", path, ELOOP);
}

Error changedError(const std::string& path) {
    return Error("file.changed", path + " was changed by another program while it was saved.",
                 "Save under another name, then look at both.");
}

} // namespace

AtomicFile::AtomicFile(std::string target) : AtomicFile(std::move(target), Options{}) {}

AtomicFile::AtomicFile(std::string target, Options options)
    : m_target(resolved(std::move(target))), m_options(std::move(options)) {
    auto& folder = m_options.temporaryFolder;
    if (folder.empty() || !sameFileSystem(folder, folderOf(m_target)))
        folder = folderOf(m_target); // nothing can be renamed from another file system
    if (m_options.expectedBytes > 0) {
        constexpr auto most = std::numeric_limits<std::uint64_t>::max() / 2; // no wrapping round
        const auto expected = std::min(m_options.expectedBytes, most);
        const auto needed = expected + expected / 5 + m_options.reserve;
        const auto available = freeBytes(folder);
        if (available < needed)
            throw Error("file.space",
                        m_target + " needs " + bytesText(needed) + ", " + bytesText(available) + " are free.",
                        "Free some space on this disk and try again; nothing was lost.");
    }
    const auto name = std::filesystem::path(m_target).filename().string();
    m_temporary = folder + "/." + name + "." + (m_options.uuid.empty() ? newUuid() : m_options.uuid) + ".tmp";
    struct stat status {};
    m_replaces = ::stat(m_target.c_str(), &status) == 0;
    m_descriptor =
        ::open(m_temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, m_replaces ? 0600 : 0644);
    if (m_descriptor < 0)
        throw systemError("create", m_temporary, errno);
    // The umask shapes new files only. A file system without modes (FAT) refuses; the content matters more.
    if (m_replaces && S_ISREG(status.st_mode) && ::fchmod(m_descriptor, status.st_mode & 07777) != 0)
        errno = 0;
}

AtomicFile::~AtomicFile() {
    if (m_descriptor >= 0)
        ::close(m_descriptor);
    if (!m_keepsTemporary)
        ::unlink(m_temporary.c_str());
}

// .<target>.<uuid>.tmp
bool AtomicFile::isTemporaryName(std::string_view name, std::string_view target) {
    constexpr std::string_view ending = ".tmp";
    constexpr std::size_t uuidLength = 36;
    if (!name.starts_with('.') || !name.ends_with(ending) || name.size() < uuidLength + ending.size() + 3)
        return false;
    const auto uuid = name.substr(name.size() - ending.size() - uuidLength, uuidLength);
    const auto middle = name.substr(1, name.size() - ending.size() - uuidLength - 2);
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? uuid[i] != '-'
                 : std::string_view("0123456789abcdef").find(uuid[i]) == std::string_view::npos)
            return false;
    }
    return name[1 + middle.size()] == '.' && (target.empty() || middle == target);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    const auto end = ::lseek(m_descriptor, 0, SEEK_END);
    if (end < 0)
        throw systemError("write", m_target, errno);
    writeAt(static_cast<std::uint64_t>(end), bytes);
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::writeAt(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = ::pwrite(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw writeError(errno);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

Error AtomicFile::writeError(int errorNumber) const {
    struct stat status {};
    const auto written = ::fstat(m_descriptor, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    return azimuth::writeError(m_target, std::max(m_options.expectedBytes, written), errorNumber);
}

void AtomicFile::publish() {
    // A failed fsync is final: the kernel may have dropped the pages, so this descriptor is never tried
    // again.
    if (::fsync(m_descriptor) != 0)
        throw writeError(errno);
    if (m_options.fence) {
        const auto seen = identityIfThere(m_target);
        m_options.fence();
        replaceWhatTheFenceSaw(seen);
    } else {
        replace();
    }
    m_keepsTemporary = true;
    syncTarget();
}

void AtomicFile::replace() {
    if (::rename(m_temporary.c_str(), m_target.c_str()) != 0)
        throw systemError("replace", m_target, errno);
}

void AtomicFile::replaceWhatTheFenceSaw(const std::optional<FileIdentity>& seen) {
    if (std::error_code unknown; std::filesystem::is_directory(m_target, unknown))
        return replace(); // which refuses a folder
    const unsigned how = seen ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (::renameat2(AT_FDCWD, m_temporary.c_str(), AT_FDCWD, m_target.c_str(), how) != 0) {
        const int reason = errno;
        if (reason == EINVAL || reason == ENOSYS || reason == EOPNOTSUPP) {
            if (identityIfThere(m_target) != seen)
                throw changedError(m_target);
            return replace();
        }
        if (reason == EEXIST || (reason == ENOENT && !identityIfThere(m_target)))
            throw changedError(m_target);
        throw systemError("replace", m_target, reason);
    }
    m_keepsTemporary = true;
    if (!seen)
        return;
    if (identityIfThere(m_temporary) != seen)
        putBack();
    ::unlink(m_temporary.c_str());
}

// What lies under the temporary name was never seen. It is removed in no case.
void AtomicFile::putBack() {
    const auto ours = identityOf(m_descriptor, m_target);
    if (::renameat2(AT_FDCWD, m_temporary.c_str(), AT_FDCWD, m_target.c_str(), RENAME_EXCHANGE) != 0)
        throw Error("file.changed",
                    m_target + " was changed by another program while it was saved, and is replaced now (" +
                        systemError("put back", m_target, errno).message() + ").",
                    "Copy " + m_temporary + " away: it is what the other program wrote.");
    try { // or a power cut would bring the exchange back
        syncFolder(folderOf(m_target));
        syncFolder(folderOf(m_temporary));
    } catch (const Error&) { // what is said next matters more
    }
    m_keepsTemporary = identityIfThere(m_temporary) != ours;
    throw changedError(m_target);
}

void AtomicFile::syncTarget() {
    const auto folder = folderOf(m_target);
    try {
        syncFolder(folder);
    } catch (const Error&) {
        if (!m_replaces)
            ::unlink(m_target.c_str());
        throw;
    }
    // That the temporary name is gone need not be durable: what a power cut brings back under it is the
    // published file, or the one that it replaced.
}

void writeFileAtomically(const std::string& path, std::string_view content) {
    AtomicFile file(path, {{}, content.size(), {}, {}, 0});
    file.write(content);
    file.publish();
}

void copyFileAtomically(const std::string& from, const std::string& to) {
    const Descriptor source{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (source.value < 0 || ::fstat(source.value, &status) != 0)
        throw systemError("open", from, errno);
    AtomicFile copy(to, {{}, static_cast<std::uint64_t>(status.st_size), {}, {}});
    std::array<std::byte, 1 << 16> buffer;
    for (;;) {
        const auto count = ::read(source.value, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", from, errno);
        if (count == 0)
            return copy.publish();
        copy.write(std::span<const std::byte>(buffer.data(), static_cast<std::size_t>(count)));
    }
}

std::string readFile(const std::string& path, std::uint64_t maximumBytes) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.value < 0)
        throw systemError("open", path, errno);
    struct stat status {};
    if (::fstat(file.value, &status) != 0)
        throw systemError("read", path, errno);
    if (S_ISDIR(status.st_mode))
        throw systemError("read", path, EISDIR);
    std::string content;
    char buffer[1 << 16];
    for (;;) {
        const auto count = ::read(file.value, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", path, errno);
        if (count == 0)
            return content;
        if (content.size() + static_cast<std::size_t>(count) > maximumBytes)
            throw Error("file.size", path + " has more than " + bytesText(maximumBytes) + ".",
                        "Give a smaller file; this one is not of the expected kind.");
        content.append(buffer, static_cast<std::size_t>(count));
    }
}

void syncFolder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        throw systemError("open", folder, errno);
    const int result = ::fsync(descriptor), reason = errno;
    ::close(descriptor);
    // Some file systems have no fsync of folders (EINVAL): there rename is as durable as they get.
    if (result != 0 && reason != EINVAL)
        throw systemError("sync", folder, reason);
}

std::uint64_t freeBytes(const std::string& path) {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0)
        throw systemError("read", path, errno);
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

Error writeError(const std::string& path, std::uint64_t neededBytes, int errorNumber) {
    const auto error = systemError("write", path, errorNumber);
    if (errorNumber != ENOSPC && errorNumber != EDQUOT)
        return error;
    std::string free = "an unknown part of it";
    try {
        free = bytesText(freeBytes(folderOf(path)));
    } catch (const Error&) {
    }
    return Error("file.space",
                 error.message() + "; it needs " + bytesText(neededBytes) + ", " + free + " are free.",
                 error.remedy());
}

} // namespace azimuth
