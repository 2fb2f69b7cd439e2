#include "core/engine/checkpoint/dequantise.h"

#include "core/base/error.h"
#include "core/container/half.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define AZIMUTH_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AZIMUTH_CLONES
#endif
#define AZIMUTH_INLINE [[gnu::always_inline]] static inline

namespace azimuth {
namespace {

using Byte = std::uint8_t;

AZIMUTH_INLINE std::uint16_t half16(const Byte* at) {
    std::uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
}
AZIMUTH_INLINE float half(const Byte* at) { return halfToFloat(half16(at)); }
AZIMUTH_INLINE std::uint32_t word(const Byte* at) {
    std::uint32_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
}

// Each struct is one type: sizes of a block and its expansion. d is the block's scale, m its minimum.

struct F16 {
    static constexpr std::size_t elements = 1, bytes = 2;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) { *y = half(b); }
};

struct BF16 {
    static constexpr std::size_t elements = 1, bytes = 2;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) { *y = bfloatToFloat(half16(b)); }
};

struct Q4_0 { // f16 d; 16 bytes of nibbles: low ones first. y = (q - 8) d
    static constexpr std::size_t elements = 32, bytes = 18;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b);
        for (int j = 0; j < 16; ++j) {
            y[j] = static_cast<float>((b[2 + j] & 15) - 8) * d;
            y[j + 16] = static_cast<float>((b[2 + j] >> 4) - 8) * d;
        }
    }
};

struct Q4_1 { // f16 d, f16 m; nibbles. y = q d + m
    static constexpr std::size_t elements = 32, bytes = 20;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b), m = half(b + 2);
        for (int j = 0; j < 16; ++j) {
            y[j] = static_cast<float>(b[4 + j] & 15) * d + m;
            y[j + 16] = static_cast<float>(b[4 + j] >> 4) * d + m;
        }
    }
};

struct Q5_0 { // f16 d; u32 fifth bits; nibbles. y = (q - 16) d
    static constexpr std::size_t elements = 32, bytes = 22;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b);
        const std::uint32_t high = word(b + 2);
        for (std::uint32_t j = 0; j < 16; ++j) {
            const auto low = static_cast<int>((b[6 + j] & 15u) | (((high >> j) & 1u) << 4));
            const auto upper = static_cast<int>((b[6 + j] >> 4) | (((high >> (j + 16)) & 1u) << 4));
            y[j] = static_cast<float>(low - 16) * d;
            y[j + 16] = static_cast<float>(upper - 16) * d;
        }
    }
};

struct Q5_1 { // f16 d, f16 m; u32 fifth bits; nibbles. y = q d + m
    static constexpr std::size_t elements = 32, bytes = 24;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b), m = half(b + 2);
        const std::uint32_t high = word(b + 4);
        for (std::uint32_t j = 0; j < 16; ++j) {
            const auto low = static_cast<int>((b[8 + j] & 15u) | (((high >> j) & 1u) << 4));
            const auto upper = static_cast<int>((b[8 + j] >> 4) | (((high >> (j + 16)) & 1u) << 4));
            y[j] = static_cast<float>(low) * d + m;
            y[j + 16] = static_cast<float>(upper) * d + m;
        }
    }
};

struct Q8_0 { // f16 d; 32 signed bytes. y = q d
    static constexpr std::size_t elements = 32, bytes = 34;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b);
        for (int j = 0; j < 32; ++j)
            y[j] = static_cast<float>(static_cast<std::int8_t>(b[2 + j])) * d;
    }
};

struct Q2_K { // 16 bytes of scale (low) and minimum (high nibble) of 16 values each; 64 bytes of bit pairs; f16 d,
              // f16 dmin
    static constexpr std::size_t elements = 256, bytes = 84;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) { // y = (d scale) q - (dmin minimum)
        const float d = half(b + 80), least = half(b + 82);
        for (int g = 0; g < 16; ++g) {
            const Byte* q = b + 16 + 32 * (g / 8) + 16 * (g % 2);
            const int shift = 2 * (g % 8 / 2);
            const float scale = d * static_cast<float>(b[g] & 15), minimum = least * static_cast<float>(b[g] >> 4);
            for (int l = 0; l < 16; ++l)
                y[16 * g + l] = scale * static_cast<float>((q[l] >> shift) & 3) - minimum;
        }
    }
};

struct Q3_K { // 32 bytes of third bits, 64 of bit pairs, 12 of scales (6 bits each, minus 32), f16 d. y = (d scale) q
    static constexpr std::size_t elements = 256, bytes = 110;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const Byte* packed = b + 96;
        const float d = half(b + 108);
        for (int g = 0; g < 16; ++g) {
            const int low = g < 8 ? packed[g] & 15 : packed[g - 8] >> 4;
            const int high = (packed[8 + g % 4] >> (2 * (g / 4))) & 3;
            const float scale = d * static_cast<float>((low | (high << 4)) - 32);
            const Byte* third = b + 16 * (g % 2);
            const Byte* q = b + 32 + 32 * (g / 8) + 16 * (g % 2);
            const int shift = 2 * (g % 8 / 2), bit = g / 2;
            for (int l = 0; l < 16; ++l)
                y[16 * g + l] =
                    scale * static_cast<float>(((q[l] >> shift) & 3) - 4 * (1 - ((third[l] >> bit) & 1)));
        }
    }
};

// Scales and minima of the eight groups of a Q4_K or Q5_K block: 6 bits each in 12 bytes.
AZIMUTH_INLINE void unpackScales(const Byte* packed, Byte* scale, Byte* minimum) {
    for (int j = 0; j < 4; ++j) {
        scale[j] = packed[j] & 63;
        minimum[j] = packed[j + 4] & 63;
        scale[j + 4] = static_cast<Byte>((packed[j + 8] & 15) | ((packed[j] >> 6) << 4));
        minimum[j + 4] = static_cast<Byte>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
    }
}

struct Q4_K { // f16 d, f16 dmin; scales; four runs of 32 bytes, low nibbles are one group, high ones the
              // next.
    static constexpr std::size_t elements = 256, bytes = 144;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) { // y = (d scale) q - (dmin minimum)
        const float d = half(b), least = half(b + 2);
        Byte scale[8], minimum[8];
        unpackScales(b + 4, scale, minimum);
        for (int c = 0; c < 4; ++c) {
            const Byte* q = b + 16 + 32 * c;
            const float d1 = d * scale[2 * c], m1 = least * minimum[2 * c];
            const float d2 = d * scale[2 * c + 1], m2 = least * minimum[2 * c + 1];
            for (int l = 0; l < 32; ++l)
                y[64 * c + l] = d1 * static_cast<float>(q[l] & 15) - m1;
            for (int l = 0; l < 32; ++l)
                y[64 * c + 32 + l] = d2 * static_cast<float>(q[l] >> 4) - m2;
        }
    }
};

struct Q5_K { // as Q4_K, with 32 bytes of fifth bits: bit g of byte l belongs to group g
    static constexpr std::size_t elements = 256, bytes = 176;
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        const float d = half(b), least = half(b + 2);
        const Byte* high = b + 16;
        Byte scale[8], minimum[8];
        unpackScales(b + 4, scale, minimum);
        for (int c = 0; c < 4; ++c) {
            const Byte* q = b + 48 + 32 * c;
            const float d1 = d * scale[2 * c], m1 = least * minimum[2 * c];
            const float d2 = d * scale[2 * c + 1], m2 = least * minimum[2 * c + 1];
            for (int l = 0; l < 32; ++l)
                y[64 * c + l] = d1 * static_cast<float>((q[l] & 15) + (((high[l] >> (2 * c)) & 1) << 4)) - m1;
            for (int l = 0; l < 32; ++l)
                y[64 * c + 32 + l] =
                    d2 * static_cast<float>((q[l] >> 4) + (((high[l] >> (2 * c + 1)) & 1) << 4)) - m2;
        }
    }
};

struct Q6_K { // 128 bytes of low nibbles, 64 of upper bit pairs, 16 signed scales, f16 d. y = (d scale) (q -
              // 32)
    static constexpr std::size_t elements = 256, bytes = 210;
    // The values are unpacked in four passes first: in one interleaved loop they are not vectorised.
    AZIMUTH_INLINE void expand(const Byte* b, float* y) {
        std::int8_t q[256];
        for (int h = 0; h < 2; ++h) {
            const Byte* low = b + 64 * h;
            const Byte* high = b + 128 + 32 * h;
            std::int8_t* out = q + 128 * h;
            for (int l = 0; l < 32; ++l)
                out[l] = static_cast<std::int8_t>(((low[l] & 15) | ((high[l] & 3) << 4)) - 32);
            for (int l = 0; l < 32; ++l)
                out[l + 32] =
                    static_cast<std::int8_t>(((low[l + 32] & 15) | (((high[l] >> 2) & 3) << 4)) - 32);
            for (int l = 0; l < 32; ++l)
                out[l + 64] = static_cast<std::int8_t>(((low[l] >> 4) | (((high[l] >> 4) & 3) << 4)) - 32);
            for (int l = 0; l < 32; ++l)
                out[l + 96] = static_cast<std::int8_t>(((low[l + 32] >> 4) | ((high[l] >> 6) << 4)) - 32);
        }
        const float d = half(b + 208);
        for (int g = 0; g < 16; ++g) {
            const float scale = d * static_cast<float>(static_cast<std::int8_t>(b[192 + g]));
            for (int l = 0; l < 16; ++l)
                y[16 * g + l] = scale * static_cast<float>(q[16 * g + l]);
        }
    }
};

using Kernel = void (*)(const Byte*, std::size_t, float*);

// One function per type, so that each has its clones; a template cannot.
#define AZIMUTH_KERNEL(Type)                                                                                 \
    AZIMUTH_CLONES void expand##Type(const Byte* __restrict source, std::size_t blocks,                      \
                                     float* __restrict target) {                                             \
        for (std::size_t i = 0; i < blocks; ++i)                                                             \
            Type::expand(source + i * Type::bytes, target + i * Type::elements);                             \
    }
AZIMUTH_KERNEL(F16)
AZIMUTH_KERNEL(BF16)
AZIMUTH_KERNEL(Q4_0)
AZIMUTH_KERNEL(Q4_1)
AZIMUTH_KERNEL(Q5_0)
AZIMUTH_KERNEL(Q5_1)
AZIMUTH_KERNEL(Q8_0)
AZIMUTH_KERNEL(Q2_K)
AZIMUTH_KERNEL(Q3_K)
AZIMUTH_KERNEL(Q4_K)
AZIMUTH_KERNEL(Q5_K)
AZIMUTH_KERNEL(Q6_K)
#undef AZIMUTH_KERNEL

void copyFloats(const Byte* source, std::size_t count, float* target) {
    std::memcpy(target, source, count * sizeof(float));
}

struct KernelRow {
    GgufType type;
    Kernel kernel;
};
constexpr std::array kernels = {
    KernelRow{GgufType::F32, copyFloats},  KernelRow{GgufType::F16, expandF16},
    KernelRow{GgufType::BF16, expandBF16}, KernelRow{GgufType::Q4_0, expandQ4_0},
    KernelRow{GgufType::Q4_1, expandQ4_1}, KernelRow{GgufType::Q5_0, expandQ5_0},
    KernelRow{GgufType::Q5_1, expandQ5_1}, KernelRow{GgufType::Q8_0, expandQ8_0},
    KernelRow{GgufType::Q2_K, expandQ2_K}, KernelRow{GgufType::Q3_K, expandQ3_K},
    KernelRow{GgufType::Q4_K, expandQ4_K}, KernelRow{GgufType::Q5_K, expandQ5_K},
    KernelRow{GgufType::Q6_K, expandQ6_K},
};

const KernelRow* kernelOf(GgufType type) {
    const auto found = std::ranges::find(kernels, type, &KernelRow::type);
    return found == kernels.end() ? nullptr : &*found;
}

AZIMUTH_CLONES std::uint32_t largestMagnitude(const float* values, std::size_t count) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t bits;
        std::memcpy(&bits, values + i, sizeof bits);
        largest = std::max(largest, bits & 0x7fffffffu);
    }
    return largest;
}

AZIMUTH_CLONES void addOffset(float* values, std::size_t count, float offset) {
    for (std::size_t i = 0; i < count; ++i)
        values[i] += offset;
}

AZIMUTH_CLONES void roundAll(const float* __restrict values, std::size_t count,
                             std::uint16_t* __restrict target) {
    for (std::size_t i = 0; i < count; ++i)
        target[i] = floatToBfloat(values[i]);
}

} // namespace

bool canDequantise(GgufType type) { return kernelOf(type) != nullptr; }

std::string dequantisableTypes() {
    std::string names;
    for (const auto& row : kernels)
        names += (names.empty() ? "" : ", ") + ggufTypeName(row.type);
    return names;
}

void dequantise(GgufType type, std::span<const std::byte> source, std::span<float> target) {
    const auto* row = kernelOf(type);
    if (!row)
        throw Error("checkpoint.type", "Weights stored as " + ggufTypeName(type) + " cannot be read.",
                    "Give a file with " + dequantisableTypes() + ".");
    const auto block = *ggufBlock(type);
    const auto blocks = target.size() / block.elements;
    if (target.size() % block.elements != 0 || source.size() != blocks * block.bytes)
        throw Error("checkpoint.size",
                    std::to_string(target.size()) + " elements of " + ggufTypeName(type) + " take " +
                        std::to_string(blocks * block.bytes) + " bytes, given are " +
                        std::to_string(source.size()) + ".",
                    "");
    row->kernel(reinterpret_cast<const Byte*>(source.data()), blocks, target.data());
}

bool allFinite(std::span<const float> values) {
    return largestMagnitude(values.data(), values.size()) < 0x7f800000u;
}
void addToAll(std::span<float> values, float offset) { addOffset(values.data(), values.size(), offset); }
void roundToBfloat(std::span<const float> values, std::uint16_t* target) {
    roundAll(values.data(), values.size(), target);
}

} // namespace azimuth
