#include "core/engine/checkpoint/simulated_precision.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace azimuth {

const std::array<float, 16> nf4Codebook = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

namespace {

constexpr std::int64_t groupValues = 64;

float largestMagnitude(std::span<const float> values) {
    float largest = 0;
    for (const float value : values)
        largest = std::max(largest, std::fabs(value));
    return largest;
}

// To the nearest integer, ties to even, of a magnitude below 2^22: as nearbyint, but vectorised.
float rounded(float value) {
    constexpr float shift = 12582912.f; // 1.5 * 2^23
    return (value + shift) - shift;
}

void roundToInt8(std::span<float> row) {
    const float scale = largestMagnitude(row) / 127;
    if (!(scale > 0))
        return;
    for (auto& value : row)
        value = scale * std::clamp(rounded(value / scale), -127.f, 127.f);
}

void roundToInt4(std::span<float> group) {
    float low = 0, high = 0;
    for (const float value : group) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    const float scale = (high - low) / 15;
    if (!(scale > 0))
        return;
    const float zero = rounded(-low / scale);
    for (auto& value : group)
        value = scale * (std::clamp(rounded(value / scale) + zero, 0.f, 15.f) - zero);
}

void roundToNf4(std::span<float> block) {
    static const auto thresholds = [] {
        std::array<float, 15> middles{};
        for (std::size_t i = 0; i < middles.size(); ++i)
            middles[i] =
                static_cast<float>((double{nf4Codebook[i]} + double{nf4Codebook[i + 1]}) / 2);
        return middles;
    }();
    const float largest = largestMagnitude(block);
    if (!(largest > 0))
        return;
    const float inverse = 1 / largest;
    std::array<float, groupValues> normal{};
    std::array<std::int32_t, groupValues> code{};
    for (std::size_t i = 0; i < block.size(); ++i)
        normal[i] = block[i] * inverse;
    for (const float threshold : thresholds)
        for (std::size_t i = 0; i < normal.size(); ++i)
            code[i] += normal[i] > threshold ? 1 : 0;
    for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = nf4Codebook[static_cast<std::size_t>(code[i])] * largest;
}

template <class Work>
void inGroups(std::span<float> values, std::int64_t size, const Work& work) {
    const auto step = static_cast<std::size_t>(size);
    for (std::size_t at = 0; at < values.size(); at += step)
        work(values.subspan(at, std::min(step, values.size() - at)));
}

} // namespace

bool isSimulated(Precision precision) { return precision != Precision::Fp32 && precision != Precision::Bf16; }

bool isRounded(std::string_view canonical) {
    if (!canonical.starts_with("blocks."))
        return false;
    constexpr std::array<std::string_view, 7> linear = {
        ".attention.q.weight", ".attention.k.weight", ".attention.v.weight", ".attention.o.weight",
        ".mlp.gate.weight",    ".mlp.up.weight",      ".mlp.down.weight"};
    return std::ranges::any_of(linear, [&](std::string_view name) { return canonical.ends_with(name); });
}

std::int64_t simulationUnit(Precision precision, std::int64_t columns) {
    return precision == Precision::Nf4B64 ? groupValues : columns;
}

void simulate(Precision precision, std::int64_t columns, std::span<float> values) {
    switch (precision) {
    case Precision::Int8RtnRow:
        return inGroups(values, columns, roundToInt8);
    case Precision::Int4RtnG64:
        return inGroups(values, columns,
                        [](std::span<float> row) { inGroups(row, groupValues, roundToInt4); });
    case Precision::Nf4B64:
        return inGroups(values, groupValues, roundToNf4);
    case Precision::Fp32:
    case Precision::Bf16:
        break;
    }
    throw Error("checkpoint.precision", toString(precision) + " is not a simulated precision.", "");
}

} // namespace azimuth
