#include "tests/app/session/failing_calls.h"

#include <array>
#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <string_view>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int writeFlags = 0x3 | 0x40; // O_WRONLY, O_RDWR, O_CREAT; <fcntl.h> would declare open

struct Rule {
    std::string part;
    int error = 0;
    int of(std::string_view path) const {
        return error != 0 && path.find(part) != std::string_view::npos ? error : 0;
    }
};
struct Rules {
    std::mutex mutex;
    Rule open, openForWriting, read;
    bool full = false;
};
Rules& rules() {
    static Rules value;
    return value;
}

template <class Choose> int errorFor(std::string_view path, Choose choose) {
    const std::lock_guard lock(rules().mutex);
    return choose(rules()).of(path);
}

int failWith(int error) {
    errno = error;
    return -1;
}

int openFile(const char* path, int flags, unsigned mode) {
    const bool writes = (flags & writeFlags) != 0;
    if (const int error = errorFor(path, [&](Rules& all) { return writes ? all.openForWriting : all.open; }))
        return failWith(error);
    constexpr int currentFolder = -100; // AT_FDCWD
    return static_cast<int>(::syscall(SYS_openat, currentFolder, path, flags, mode));
}

ssize_t readFile(int descriptor, void* buffer, std::size_t size, off_t offset) {
    std::array<char, 4096> path{};
    const auto link = "/proc/self/fd/" + std::to_string(descriptor);
    if (::readlink(link.c_str(), path.data(), path.size() - 1) > 0)
        if (const int error = errorFor(path.data(), [](Rules& all) { return all.read; }))
            return failWith(error);
    return ::syscall(SYS_pread64, descriptor, buffer, size, offset);
}

} // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = va_arg(arguments, unsigned);
    va_end(arguments);
    return openFile(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = va_arg(arguments, unsigned);
    va_end(arguments);
    return openFile(path, flags, mode);
}
ssize_t pread(int descriptor, void* buffer, size_t size, off_t offset) {
    return readFile(descriptor, buffer, size, offset);
}
ssize_t pread64(int descriptor, void* buffer, size_t size, off64_t offset) {
    return readFile(descriptor, buffer, size, offset);
}
int statvfs(const char* path, struct statvfs* out) noexcept {
    struct statfs status {};
    if (::statfs(path, &status) != 0)
        return -1;
    *out = {};
    out->f_bsize = out->f_frsize = static_cast<unsigned long>(status.f_frsize);
    const std::lock_guard lock(rules().mutex);
    out->f_bavail = rules().full ? 0 : status.f_bavail;
    return 0;
}
}

namespace azimuth::failing {
namespace {
void set(Rule Rules::*rule, const std::string& part, int error) {
    const std::lock_guard lock(rules().mutex);
    rules().*rule = {part, error};
}
} // namespace

void open(const std::string& part, int error) { set(&Rules::open, part, error); }
void openForWriting(const std::string& part, int error) { set(&Rules::openForWriting, part, error); }
void read(const std::string& part, int error) { set(&Rules::read, part, error); }
void fullDisk() {
    const std::lock_guard lock(rules().mutex);
    rules().full = true;
}
void clear() {
    const std::lock_guard lock(rules().mutex);
    rules().open = rules().openForWriting = rules().read = {};
    rules().full = false;
}

} // namespace azimuth::failing
