#include "core/engine/model/cpu_kernels.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace azimuth::cpu {

namespace level_base {
#include "core/engine/model/cpu_kernel_functions.inc"
}
namespace level_v3 {
#include "core/engine/model/cpu_kernel_functions.inc"
}
namespace level_v4 {
#include "core/engine/model/cpu_kernel_functions.inc"
}
namespace level_v4_bf16 {
#include "core/engine/model/cpu_kernel_functions.inc"
}

namespace {

enum class Level { Base, V3, V4, V4Bf16 };

const char* nameOf(Level which) {
    switch (which) {
    case Level::V4Bf16:
        return "x86-64-v4 bf16";
    case Level::V4:
        return "x86-64-v4";
    case Level::V3:
        return "x86-64-v3";
    case Level::Base:
        break;
    }
    return "x86-64";
}

Level supported() {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("x86-64-v3"))
        return Level::Base;
    if (!__builtin_cpu_supports("x86-64-v4"))
        return Level::V3;
    // AMD multiplies bfloat16 pairs at twice the rate of floats; Intel's cores without AMX at half of it.
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd") ? Level::V4Bf16 : Level::V4;
}

// AZIMUTH_CPU_LEVEL names a lower level than the machine's: for tests, and to repeat what another machine
// computed. One that the machine lacks, or that nobody knows, changes nothing.
Level detect() {
    const Level best = supported();
    const char* wanted = std::getenv("AZIMUTH_CPU_LEVEL");
    for (const Level candidate : {Level::Base, Level::V3, Level::V4, Level::V4Bf16})
        if (wanted && std::strcmp(wanted, nameOf(candidate)) == 0 &&
            (candidate <= best ||
             (candidate == Level::V4Bf16 && best == Level::V4 && __builtin_cpu_supports("avx512bf16"))))
            return candidate;
    return best;
}

const Level level = detect();

} // namespace

#define AZIMUTH_CALL(call)                                                                                   \
    switch (level) {                                                                                         \
    case Level::V4Bf16:                                                                                      \
        return level_v4_bf16::call;                                                                          \
    case Level::V4:                                                                                          \
        return level_v4::call;                                                                               \
    case Level::V3:                                                                                          \
        return level_v3::call;                                                                               \
    case Level::Base:                                                                                        \
        break;                                                                                               \
    }                                                                                                        \
    return level_base::call

std::int64_t attentionQueries(const AttentionArguments& a) {
    return std::max<std::int64_t>(1, 2 * gateGroup() * a.keyValueHeads / a.heads);
}
std::int64_t attentionScratch(const AttentionArguments& a, std::int64_t length) {
    const std::int64_t tile = 32, rows = std::max(tile, a.heads / a.keyValueHeads); // of the widest level
    // Scores; columns of values; queries; keys.
    return (rows + tile) * (length + 16) + rows * (a.headWidth + 16) + 1024;
}

const char* levelName() { return nameOf(level); }

void rmsNorm(float* out, const float* x, const float* weight, const NormArguments& arguments,
             std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(rmsNorm(out, x, weight, arguments, first, last));
}
void rmsNorm(Bfloat16* out, const Bfloat16* x, const float* weight, const NormArguments& arguments,
             std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(rmsNorm(out, x, weight, arguments, first, last));
}
void rotate(float* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth, std::int64_t half,
            const std::int64_t* positions, const float* cosine, const float* sine, std::int64_t first,
            std::int64_t last) {
    AZIMUTH_CALL(rotate(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last));
}
void rotate(Bfloat16* x, std::int64_t tokenStride, std::int64_t heads, std::int64_t headWidth,
            std::int64_t half, const std::int64_t* positions, const float* cosine, const float* sine,
            std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(rotate(x, tokenStride, heads, headWidth, half, positions, cosine, sine, first, last));
}
void attend(float* out, const float* query, const AttentionSequence<float>* sequences,
            const AttentionItem* items, const AttentionArguments& arguments, float* scratch,
            std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(attend(out, query, sequences, items, arguments, scratch, first, last));
}
void attend(Bfloat16* out, const Bfloat16* query, const AttentionSequence<Bfloat16>* sequences,
            const AttentionItem* items, const AttentionArguments& arguments, float* scratch,
            std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(attend(out, query, sequences, items, arguments, scratch, first, last));
}
void steer(float* h, const float* direction, std::int64_t width, float alpha, float beta) {
    AZIMUTH_CALL(steer(h, direction, width, alpha, beta));
}
void steer(Bfloat16* h, const float* direction, std::int64_t width, float alpha, float beta) {
    AZIMUTH_CALL(steer(h, direction, width, alpha, beta));
}
std::int64_t blockRows() { AZIMUTH_CALL(blockRows()); }
std::int64_t gateGroup() { AZIMUTH_CALL(gateGroup()); }
void packRows(float* to, const float* x, const RowArguments& arguments, std::int64_t firstBlock,
              std::int64_t lastBlock) {
    AZIMUTH_CALL(packRows(to, x, arguments, firstBlock, lastBlock));
}
void packRows(float* to, const Bfloat16* x, const RowArguments& arguments, std::int64_t firstBlock,
              std::int64_t lastBlock) {
    AZIMUTH_CALL(packRows(to, x, arguments, firstBlock, lastBlock));
}
void multiply(float* out, const float* packedRows, const float* weight, const ProductArguments& arguments,
              std::int64_t firstPanel, std::int64_t lastPanel) {
    AZIMUTH_CALL(multiply(out, packedRows, weight, arguments, firstPanel, lastPanel));
}
void multiply(Bfloat16* out, const float* packedRows, const Bfloat16* weight,
              const ProductArguments& arguments, std::int64_t firstPanel, std::int64_t lastPanel) {
    AZIMUTH_CALL(multiply(out, packedRows, weight, arguments, firstPanel, lastPanel));
}
void packPanels(float* weight, std::int64_t depth, float* scratch, std::int64_t firstPanel,
                std::int64_t lastPanel) {
    AZIMUTH_CALL(packPanels(weight, depth, scratch, firstPanel, lastPanel));
}
void packPanels(Bfloat16* weight, std::int64_t depth, Bfloat16* scratch, std::int64_t firstPanel,
                std::int64_t lastPanel) {
    AZIMUTH_CALL(packPanels(weight, depth, scratch, firstPanel, lastPanel));
}
void unpackRow(float* to, const float* weight, std::int64_t output, std::int64_t depth) {
    AZIMUTH_CALL(unpackRow(to, weight, output, depth));
}
void unpackRow(Bfloat16* to, const Bfloat16* weight, std::int64_t output, std::int64_t depth) {
    AZIMUTH_CALL(unpackRow(to, weight, output, depth));
}
void activate(float* out, const float* x, Activation activation, std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(activate(out, x, activation, first, last));
}
void activate(Bfloat16* out, const Bfloat16* x, Activation activation, std::int64_t first,
              std::int64_t last) {
    AZIMUTH_CALL(activate(out, x, activation, first, last));
}
void softCap(float* out, const float* x, float cap, std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(softCap(out, x, cap, first, last));
}
void softCap(Bfloat16* out, const Bfloat16* x, float cap, std::int64_t first, std::int64_t last) {
    AZIMUTH_CALL(softCap(out, x, cap, first, last));
}
std::int64_t largest(const float* x, std::int64_t count) { AZIMUTH_CALL(largest(x, count)); }

} // namespace azimuth::cpu
