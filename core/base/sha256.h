// SHA-256 (FIPS 180-4) through libcrypto. Values, no shared state; safe from any thread on separate objects.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace azimuth {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    Sha256& update(std::span<const std::byte> bytes);
    Sha256& update(std::string_view text);
    Digest finish(); // once

private:
    struct Context;
    std::unique_ptr<Context> m_context;
};

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);

// progress(done, total) may be empty; returning false cancels with Error "cancelled". Reads from byte `from`
// to the end.
Digest sha256File(const std::string& path, std::uint64_t from = 0,
                  const std::function<bool(std::uint64_t, std::uint64_t)>& progress = {});

std::string toHex(const Digest& digest);    // 64 lower-case digits
Digest digestFromHex(std::string_view hex); // Error digest.syntax

} // namespace azimuth
