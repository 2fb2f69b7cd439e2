#include "core/project/known_files.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/log.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace azimuth {
namespace {

constexpr std::size_t digits = 64;
constexpr std::uint64_t mostBytes = 2 * KnownFiles::mostEntries * (digits + 1); // some lines may be torn

struct List {
    int descriptor = -1;
    ~List() {
        if (descriptor >= 0)
            ::close(descriptor);
    }
};

// Somebody else's list, or one that others may write, says nothing.
bool isOurs(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool isDigest(std::string_view line) {
    return line.size() == digits && line.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Whole lines that are digests, in their order; a line that was torn by a crash is none.
std::vector<std::string> digestsIn(const std::string& content) {
    std::vector<std::string> found;
    for (std::size_t begin = 0; begin < content.size();) {
        const auto end = content.find('\n', begin);
        if (end == std::string::npos)
            break;
        if (const auto line = std::string_view(content).substr(begin, end - begin); isDigest(line))
            found.emplace_back(line);
        begin = end + 1;
    }
    return found;
}

std::vector<std::string> digestsAt(const std::string& path) {
    const List list{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (list.descriptor < 0 || !isOurs(list.descriptor))
        return {};
    std::string content(mostBytes, '\0');
    std::size_t size = 0;
    while (size < content.size()) {
        const auto count = ::read(list.descriptor, content.data() + size, content.size() - size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        size += static_cast<std::size_t>(count);
    }
    content.resize(size);
    return digestsIn(content);
}

} // namespace

std::string KnownFiles::defaultPath() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/')
        return std::string(state) + "/azimuth/known-files";
    if (const char* home = std::getenv("HOME"); home && *home == '/')
        return std::string(home) + "/.local/state/azimuth/known-files";
    return {};
}

KnownFiles::KnownFiles(std::string path) : m_path(std::move(path)) {}

void KnownFiles::load() {
    struct stat status {};
    if (m_path.empty() || ::stat(m_path.c_str(), &status) != 0) {
        m_entries.clear();
        m_loaded.reset();
        return;
    }
    const auto now = identityAt(m_path);
    if (m_loaded == now)
        return;
    const auto found = digestsAt(m_path);
    m_entries = {found.begin(), found.end()};
    m_loaded = now;
}

bool KnownFiles::contains(const Digest& digest) {
    try {
        load();
    } catch (const Error& error) {
        log::debug(error.message());
    }
    return m_entries.count(toHex(digest)) > 0;
}

void KnownFiles::remember(const Digest& digest) {
    if (m_path.empty() || contains(digest))
        return;
    std::error_code failure;
    std::filesystem::create_directories(std::filesystem::path(m_path).parent_path(), failure);
    {
        // One write of one line: two processes cannot mix theirs.
        const List list{::open(m_path.c_str(),
                               O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                               S_IRUSR | S_IWUSR)};
        const auto line = toHex(digest) + "\n";
        if (list.descriptor < 0 || !isOurs(list.descriptor) ||
            ::write(list.descriptor, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            return log::debug(m_path + " cannot be added to");
    }
    m_entries.insert(toHex(digest));
    if (m_entries.size() > mostEntries || (m_loaded && m_loaded->bytes > mostBytes / 4 * 3))
        forgetOldHalf();
}

void KnownFiles::forgetOldHalf() {
    try {
        const auto all = digestsAt(m_path);
        std::string content;
        for (std::size_t i = all.size() - std::min(all.size(), mostEntries / 2); i < all.size(); ++i)
            content += all[i] + "\n";
        writeFileAtomically(m_path, content);
    } catch (const Error& error) {
        log::debug(error.message());
    }
}

} // namespace azimuth
