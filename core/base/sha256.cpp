#include "core/base/sha256.h"

#include "core/base/error.h"

#include <cerrno>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace azimuth {

struct Sha256::Context {
    EVP_MD_CTX* handle = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(handle); }
};

Sha256::Sha256() : m_context(std::make_unique<Context>()) {
    if (!m_context->handle || EVP_DigestInit_ex(m_context->handle, EVP_sha256(), nullptr) != 1)
        throw Error("digest.start", "SHA-256 is not available in libcrypto.", "Reinstall OpenSSL.");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(m_context->handle, bytes.data(), bytes.size());
    return *this;
}

Sha256& Sha256::update(std::string_view text) {
    return update(std::as_bytes(std::span(text.data(), text.size())));
}

Digest Sha256::finish() {
    Digest digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(m_context->handle, digest.data(), &size);
    return digest;
}

Digest sha256(std::span<const std::byte> bytes) { return Sha256().update(bytes).finish(); }
Digest sha256(std::string_view text) { return Sha256().update(text).finish(); }

namespace {
struct Descriptor {
    int fd = -1;
    ~Descriptor() {
        if (fd >= 0)
            ::close(fd);
    }
};
} // namespace

Digest sha256File(const std::string& path, std::uint64_t from,
                  const std::function<bool(std::uint64_t, std::uint64_t)>& progress) {
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0)
        throw systemError("open", path, errno);
    struct stat status {};
    if (::fstat(file.fd, &status) != 0)
        throw systemError("read", path, errno);
    const auto total = static_cast<std::uint64_t>(status.st_size);
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    Sha256 hash;
    for (std::uint64_t at = from; at < total;) {
        const auto count = ::pread(file.fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw systemError("read", path, errno);
        if (count == 0)
            break;
        hash.update(std::span(buffer.data(), static_cast<std::size_t>(count)));
        at += static_cast<std::uint64_t>(count);
        if (progress && !progress(at, total))
            throw Error("cancelled", path + ": reading was cancelled.", "");
    }
    return hash.finish();
}

std::string toHex(const Digest& digest) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(64);
    for (const auto byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

Digest digestFromHex(std::string_view hex) {
    const auto value = [&](char c) -> int {
        if (c >= '0' && c <= '9')
            return c - '0';
        if (c >= 'a' && c <= 'f')
            return c - 'a' + 10;
        return -1;
    };
    Digest digest{};
    if (hex.size() != 64)
        throw Error("digest.syntax",
                    "A digest has 64 hexadecimal digits, this one has " + std::to_string(hex.size()) + ".",
                    "Copy the digest again.");
    for (std::size_t i = 0; i < 32; ++i) {
        const int high = value(hex[2 * i]), low = value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            throw Error("digest.syntax", "A digest has only the digits 0-9 and a-f.",
                        "Copy the digest again.");
        digest[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return digest;
}

} // namespace azimuth
