#include "core/project/user_block.h"

#include "core/base/crc32.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

static_assert(std::endian::native == std::endian::little, "the user block is written as it lies in memory");

namespace azimuth {
namespace {

constexpr char magic[8] = {'A', 'Z', 'I', 'M', 'U', 'T', 'H', '\n'};
constexpr unsigned char hdf5Signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr const char* note =
    "This is an HDF5 file with a user block of 1,024 bytes, written by Azimuth. Any HDF5 program reads it, "
    "for "
    "instance h5py.File(name). Do not change it in place: Azimuth would call it damaged.";

template <class T>
void put(std::array<std::byte, userBlockBytes>& bytes, std::size_t offset, const T& value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}
template <class T> T get(const std::array<std::byte, userBlockBytes>& bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

void putText(std::array<std::byte, userBlockBytes>& bytes, std::size_t offset, std::size_t room,
             const std::string& text) {
    std::memcpy(bytes.data() + offset, text.data(), std::min(text.size(), room - 1));
}

int hexDigit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

void putUuid(std::array<std::byte, userBlockBytes>& bytes, std::size_t offset, const std::string& uuid) {
    if (uuid.empty())
        return;
    std::vector<int> digits;
    for (const char c : uuid)
        if (c != '-')
            digits.push_back(hexDigit(c));
    if (uuid.size() != 36 || digits.size() != 32 || std::count(digits.begin(), digits.end(), -1) != 0)
        throw Error("project.value", "The uuid \"" + uuid + "\" is not 36 characters of a uuid.", "");
    for (std::size_t i = 0; i < 16; ++i)
        bytes[offset + i] = static_cast<std::byte>(digits[2 * i] * 16 + digits[2 * i + 1]);
}

std::string uuidAt(const std::array<std::byte, userBlockBytes>& bytes, std::size_t offset) {
    std::string text;
    bool any = false;
    for (std::size_t i = 0; i < 16; ++i) {
        const auto value = static_cast<unsigned>(bytes[offset + i]);
        any = any || value != 0;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text += '-';
        text += "0123456789abcdef"[value >> 4];
        text += "0123456789abcdef"[value & 15];
    }
    return any ? text : std::string();
}

std::uint32_t checksum(const std::array<std::byte, userBlockBytes>& bytes) {
    return crc32(std::span(bytes).first(1020));
}

Error damaged(const std::string& path, const std::string& what) {
    return Error("project.damaged", path + " is damaged or was changed by another program: " + what + ".",
                 "Open an earlier generation of it, or copy the file again from where it came.");
}

Error truncated(const std::string& path, std::uint64_t found, std::uint64_t written) {
    return Error("project.truncated",
                 path + " is cut off: it has " + std::to_string(found) + " of " + std::to_string(written) +
                     " bytes.",
                 "Copy the file again from where it came.");
}

Error foreign(const std::string& path, const std::string& what) {
    return Error("project.foreign", path + " " + what + ".", "Open a file that Azimuth saved.");
}

Error newer(const std::string& path, const UserBlock& block, std::uint32_t container) {
    const auto writer = forMessage(block.creator, 63);
    const auto needed = container != containerVersion ? "container " + std::to_string(container)
                                                      : "format " + std::to_string(block.minimumReader);
    const auto known = container != containerVersion ? "container " + std::to_string(containerVersion)
                                                     : "format " + std::to_string(azimuth::formatVersion);
    return Error("project.newer",
                 path + " was written by " + (writer.empty() ? "a newer Azimuth" : writer) +
                     " and needs a program that reads " + needed + "; this one reads up to " + known + ".",
                 "Open it with " + (writer.empty() ? "a newer Azimuth" : writer + " or newer") + ".");
}

std::uint64_t fileLength(int descriptor, const std::string& path) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        throw systemError("read", path, errno);
    if (S_ISDIR(status.st_mode))
        throw systemError("open", path, EISDIR);
    if (!S_ISREG(status.st_mode))
        throw foreign(path, "is not a regular file");
    return static_cast<std::uint64_t>(status.st_size);
}

std::size_t readAt(int descriptor, std::uint64_t offset, std::byte* out, std::size_t size,
                   const std::string& path) {
    std::size_t done = 0;
    while (done < size) {
        const auto count = ::pread(descriptor, out + done, size - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", path, errno);
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

} // namespace

std::string toString(FileKind kind) {
    switch (kind) {
    case FileKind::Project:
        return "project";
    case FileKind::Shard:
        return "result shard";
    case FileKind::Cache:
        return "activation cache";
    }
    return "unknown kind " + std::to_string(static_cast<std::uint32_t>(kind));
}

std::array<std::byte, userBlockBytes> encodeUserBlock(const UserBlock& block) {
    std::array<std::byte, userBlockBytes> bytes{};
    std::memcpy(bytes.data(), magic, sizeof magic);
    put(bytes, 8, containerVersion);
    put(bytes, 12, static_cast<std::uint32_t>(block.kind));
    put(bytes, 16, block.fileBytes);
    put(bytes, 24, block.generation);
    putUuid(bytes, 32, block.project);
    putUuid(bytes, 48, block.file);
    put(bytes, 64, block.digest);
    put(bytes, 96, block.formatVersion);
    put(bytes, 100, block.minimumReader);
    put(bytes, 104, block.saved);
    putText(bytes, 112, 64, block.creator);
    put(bytes, 176, block.logSequence);
    putText(bytes, 256, 512, note);
    put(bytes, 1020, checksum(bytes));
    return bytes;
}

UserBlock decodeUserBlock(const std::array<std::byte, userBlockBytes>& bytes, const std::string& path) {
    if (std::memcmp(bytes.data(), magic, sizeof magic) != 0)
        throw foreign(path, std::memcmp(bytes.data(), hdf5Signature, sizeof hdf5Signature) == 0
                                ? "is an HDF5 file of another program, not a project of Azimuth"
                                : "is not a project of Azimuth");
    if (get<std::uint32_t>(bytes, 1020) != checksum(bytes))
        throw damaged(path, "the checksum of its first 1,024 bytes is wrong");
    UserBlock block;
    block.kind = static_cast<FileKind>(get<std::uint32_t>(bytes, 12));
    block.fileBytes = get<std::uint64_t>(bytes, 16);
    block.generation = get<std::uint64_t>(bytes, 24);
    block.project = uuidAt(bytes, 32);
    block.file = uuidAt(bytes, 48);
    block.digest = get<Digest>(bytes, 64);
    block.formatVersion = get<std::uint32_t>(bytes, 96);
    block.minimumReader = get<std::uint32_t>(bytes, 100);
    block.saved = get<double>(bytes, 104);
    const auto* creator = reinterpret_cast<const char*>(bytes.data() + 112);
    block.creator.assign(creator, ::strnlen(creator, 64));
    block.logSequence = block.formatVersion >= 3 ? get<std::uint64_t>(bytes, 176) : 0;
    const auto container = get<std::uint32_t>(bytes, 8);
    if (container != containerVersion || block.minimumReader > azimuth::formatVersion)
        throw newer(path, block, container);
    return block;
}

UserBlock readUserBlockAsWritten(int descriptor, const std::string& path) {
    fileLength(descriptor, path); // a folder or a device has no block
    std::array<std::byte, userBlockBytes> bytes{};
    const auto count = readAt(descriptor, 0, bytes.data(), bytes.size(), path);
    if (count == bytes.size())
        return decodeUserBlock(bytes, path);
    if (count >= sizeof magic && std::memcmp(bytes.data(), magic, sizeof magic) == 0)
        throw truncated(path, count, userBlockBytes);
    throw foreign(path, count == 0 ? "is empty" : "is not a project of Azimuth");
}

UserBlock readUserBlock(int descriptor, const std::string& path) {
    const auto block = readUserBlockAsWritten(descriptor, path);
    const auto length = fileLength(descriptor, path);
    if (length < block.fileBytes)
        throw truncated(path, length, block.fileBytes);
    if (length > block.fileBytes)
        throw damaged(path, "it has " + std::to_string(length) + " bytes, written were " +
                                std::to_string(block.fileBytes));
    return block;
}

UserBlock readUserBlock(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        throw systemError("open", path, errno);
    try {
        auto block = readUserBlock(descriptor, path);
        ::close(descriptor);
        return block;
    } catch (...) {
        ::close(descriptor);
        throw;
    }
}

Digest contentDigest(int descriptor, std::uint64_t fileBytes, const std::string& path,
                     const std::function<void()>& pause) {
    Sha256 hash;
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    for (std::uint64_t offset = userBlockBytes; offset < fileBytes;) {
        const auto wanted = std::min<std::uint64_t>(buffer.size(), fileBytes - offset);
        const auto count = readAt(descriptor, offset, buffer.data(), static_cast<std::size_t>(wanted), path);
        if (count == 0)
            throw damaged(path, "it became shorter while it was read");
        hash.update(std::span<const std::byte>(buffer.data(), count));
        offset += count;
        if (pause)
            pause();
    }
    return hash.finish();
}

void requireKind(const UserBlock& block, FileKind kind, const std::string& path) {
    if (block.kind != kind)
        throw Error("project.kind",
                    path + " is a " + toString(block.kind) + ", not a " + toString(kind) + ".",
                    "Open the project it belongs to.");
}

void checkDigest(const UserBlock& block, const Digest& found, const std::string& path) {
    if (found != block.digest)
        throw damaged(path, "its SHA-256 is " + toHex(found).substr(0, 12) + "…, written was " +
                                toHex(block.digest).substr(0, 12) + "…");
}

UserBlock verifyFile(int descriptor, const std::string& path) {
    const auto block = readUserBlock(descriptor, path);
    checkDigest(block, contentDigest(descriptor, block.fileBytes, path), path);
    return block;
}

} // namespace azimuth
