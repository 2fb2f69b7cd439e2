// Products with packed weights for one instruction set; part of cpu_kernels_body.h.
#pragma once

namespace azimuth::cpu::AZIMUTH_LEVEL {
namespace {

// The sums of a block are variables of their own: GCC 12 keeps an array of them in memory.
#define AZIMUTH_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define AZIMUTH_DECLARE(i) [[maybe_unused]] Floats low##i{}, high##i{};
#define AZIMUTH_TOTAL(i)                                                                                     \
    if constexpr (Rows > i) {                                                                                \
        totals[i][0] += low##i;                                                                              \
        totals[i][1] += high##i;                                                                             \
    }

// A later panel of weights, asked for bit by bit while an earlier one is in use.
struct Later {
    const char* bytes = nullptr;
    std::int64_t step = 0; // bytes of it for each step over the depths
};

// totals[i] += sum over k of a[i * aRow + k * aStep] times the two vectors of elements at b + k * bStep. Each
// 256 terms are a sum of their own: a single one over thousands of terms would lose two digits. Streams: b
// comes from memory.
template <int Rows, bool Streams, class B>
AZIMUTH_INLINE void addProducts(Floats (&totals)[Rows][2], const float* a, std::int64_t aRow,
                                std::int64_t aStep, const B* b, std::int64_t bStep, std::int64_t depth,
                                Later later = {}) {
    for (std::int64_t done = 0; done < depth; done += chunkDepth) {
        const std::int64_t count = depth - done < chunkDepth ? depth - done : chunkDepth;
        AZIMUTH_ROWS(AZIMUTH_DECLARE)
        for (std::int64_t k = 0; k < count; ++k, a += aStep, b += bStep, later.bytes += later.step) {
            if constexpr (Streams) {
                __builtin_prefetch(b + ahead);
                __builtin_prefetch(b + ahead + lanes);
                __builtin_prefetch(later.bytes, 0, 2);
            }
            const Floats first = load(b), second = load(b + lanes);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        const Floats value = splat(a[i * aRow]);                                                             \
        low##i += first * value;                                                                             \
        high##i += second * value;                                                                           \
    }
            AZIMUTH_ROWS(AZIMUTH_STEP)
#undef AZIMUTH_STEP
        }
        AZIMUTH_ROWS(AZIMUTH_TOTAL)
    }
}

// The same of bfloat16 weights in pairs of depths, [depth / 2][32][2].
template <int Rows>
AZIMUTH_INLINE void addPairProducts(Floats (&totals)[Rows][2], const float* x, const Bfloat16* w,
                                    std::int64_t depth, Later later) {
    for (std::int64_t done = 0; done < depth; done += chunkDepth) {
        const std::int64_t count = depth - done < chunkDepth ? depth - done : chunkDepth;
        AZIMUTH_ROWS(AZIMUTH_DECLARE)
        for (std::int64_t k = 0; k < count; k += 2, w += 2 * panelOutputs, later.bytes += later.step) {
            __builtin_prefetch(w + 2 * ahead);
            __builtin_prefetch(w + 2 * ahead + 2 * lanes);
            __builtin_prefetch(later.bytes, 0, 2);
#ifdef __AVX512BF16__ // rows hold pairs of bfloat16 here, as the instruction takes them
            const __m512i first = _mm512_loadu_si512(w), second = _mm512_loadu_si512(w + 2 * lanes);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        std::int32_t pair;                                                                                   \
        __builtin_memcpy(&pair, x + i, sizeof pair);                                                         \
        const __m512i value = _mm512_set1_epi32(pair);                                                       \
        low##i = _mm512_dpbf16_ps(low##i, (__m512bh)first, (__m512bh)value);                                 \
        high##i = _mm512_dpbf16_ps(high##i, (__m512bh)second, (__m512bh)value);                              \
    }
            AZIMUTH_ROWS(AZIMUTH_STEP)
            x += Rows;
#else
            Words first, second;
            __builtin_memcpy(&first, w, sizeof first);
            __builtin_memcpy(&second, w + 2 * lanes, sizeof second);
            const Floats even0 = asFloats(first << 16), odd0 = asFloats(first & 0xffff0000u);
            const Floats even1 = asFloats(second << 16), odd1 = asFloats(second & 0xffff0000u);
#define AZIMUTH_STEP(i)                                                                                      \
    if constexpr (Rows > i) {                                                                                \
        const Floats even = splat(x[i]), odd = splat(x[Rows + i]);                                           \
        low##i += even0 * even;                                                                              \
        low##i += odd0 * odd;                                                                                \
        high##i += even1 * even;                                                                             \
        high##i += odd1 * odd;                                                                               \
    }
            AZIMUTH_ROWS(AZIMUTH_STEP)
            x += 2 * Rows;
#endif
#undef AZIMUTH_STEP
        }
        AZIMUTH_ROWS(AZIMUTH_TOTAL)
    }
}
#undef AZIMUTH_TOTAL
#undef AZIMUTH_DECLARE
#undef AZIMUTH_ROWS

// The first `columns` of two vectors.
template <class T> AZIMUTH_INLINE void putTile(T* to, Floats low, Floats high, std::int64_t columns) {
    if (columns == tileOutputs) {
        store(to, low);
        store(to + lanes, high);
        return;
    }
    if (columns == lanes) {
        store(to, low);
        return;
    }
    T all[tileOutputs];
    store(all, low);
    store(all + lanes, high);
    __builtin_memcpy(to, all, static_cast<std::size_t>(columns) * sizeof(T));
}

// What becomes of a row's sums.
template <class T>
AZIMUTH_INLINE void finish(T* out, Floats low, Floats high, std::int64_t columns, const ProductArguments& a) {
    switch (a.after) {
    case After::Store:
        return putTile(out, low, high, columns);
    case After::Add:
        low = loadSome(out, columns) + roundTo(out, low);
        if (columns > lanes)
            high = loadSome(out + lanes, columns - lanes) + roundTo(out, high);
        return putTile(out, low, high, columns);
    case After::Gate: // a vector of gates and one of what they let through
        const Floats active = roundTo(out, activated(roundTo(out, low), a.activation, out));
        return putTile(out, active * roundTo(out, high), Floats{}, columns);
    }
}

// A block of rows times a part of a panel of outputs.
template <int Rows, class T>
AZIMUTH_INLINE void multiplyBlock(T* out, const float* x, const T* w, std::int64_t columns, const float* bias,
                                  const ProductArguments& a, Later later) {
    Floats totals[Rows][2] = {};
    if constexpr (sizeof(T) == sizeof(float))
        addProducts<Rows, true>(totals, x, 1, Rows, w, panelOutputs, a.depth, later);
    else
        addPairProducts<Rows>(totals, x, w, a.depth, later);
    if (bias) {
        const Floats low = load(bias), high = load(bias + lanes);
        for (int row = 0; row < Rows; ++row) {
            totals[row][0] += low;
            totals[row][1] += high;
        }
    }
    for (int row = 0; row < Rows; ++row)
        finish(out + row * a.outStride, totals[row][0], totals[row][1], columns, a);
}

template <int Rows, class T>
AZIMUTH_INLINE void multiplyRest(std::int64_t rows, T* out, const float* x, const T* w, std::int64_t columns,
                                 const float* bias, const ProductArguments& a, Later later) {
    if constexpr (Rows > 0) {
        if (rows == Rows)
            multiplyBlock<Rows>(out, x, w, columns, bias, a, later);
        else
            multiplyRest<Rows - 1>(rows, out, x, w, columns, bias, a, later);
    }
}

// A block of rows times one panel.
template <class T>
AZIMUTH_INLINE void multiplyPanel(T* out, const float* x, const T* w, std::int64_t rows, std::int64_t columns,
                                  const float* bias, const ProductArguments& a, Later later) {
    constexpr std::int64_t tiles = panelOutputs / tileOutputs;
    constexpr std::int64_t ofWord = sizeof(T) == 2 ? 2 : 1; // elements of one output that lie side by side
    const std::int64_t perTile = a.after == After::Gate ? lanes : tileOutputs;
    for (std::int64_t tile = 0; tile < tiles && tile * perTile < columns; ++tile) {
        const std::int64_t left = columns - tile * perTile, here = left < perTile ? left : perTile;
        const T* from = w + tile * tileOutputs * ofWord;
        const float* added = bias ? bias + tile * tileOutputs : nullptr;
        T* to = out + tile * perTile;
        if (rows == rowsOfBlock)
            multiplyBlock<rowsOfBlock>(to, x, from, here, added, a, later);
        else
            multiplyRest<rowsOfBlock - 1>(rows, to, x, from, here, added, a, later);
        later.step = 0;
    }
}

template <class T>
AZIMUTH_INLINE void multiplyPanels(T* out, const float* packed, const T* weight, const ProductArguments& a,
                                   std::int64_t firstPanel, std::int64_t lastPanel) {
    // Pairs of bfloat16 take half the room of floats.
    constexpr std::int64_t perDepth = sizeof(T) == 2 && pairedRows ? 2 : 1;
    const std::int64_t perPanel = a.after == After::Gate ? panelOutputs / 2 : panelOutputs;
    const std::int64_t blocks = (a.rows + rowsOfBlock - 1) / rowsOfBlock;
    const std::int64_t panelElements = panelOutputs * a.depth;
    // While the rows pass one panel, the next one comes from memory, a part with each block of rows; a single
    // block asks for what it needs itself.
    const std::int64_t stepsOfBlock = sizeof(T) == 2 ? a.depth / 2 : a.depth;
    const std::int64_t bytesOfStep = panelElements * static_cast<std::int64_t>(sizeof(T)) / stepsOfBlock;
    Later later;
    later.step = blocks < 2 ? 0 : bytesOfStep / blocks;
    for (std::int64_t panel = firstPanel; panel < lastPanel; ++panel) {
        const std::int64_t n = panel * perPanel;
        const std::int64_t columns = a.lastOutput - n < perPanel ? a.lastOutput - n : perPanel;
        const T* w = weight + panel * panelElements;
        const float* bias = a.bias ? a.bias + panel * panelOutputs : nullptr;
        for (std::int64_t row = 0; row < a.rows; row += rowsOfBlock) {
            later.bytes = reinterpret_cast<const char*>(w + panelElements) +
                          row / rowsOfBlock * stepsOfBlock * later.step;
            multiplyPanel(out + row * a.outStride + n - a.firstOutput, packed + row * a.depth / perDepth, w,
                          a.rows - row < rowsOfBlock ? a.rows - row : rowsOfBlock, columns, bias, a, later);
        }
    }
}

// A vector of a row, or what is left of it, as the product is to see it.
template <class T>
AZIMUTH_INLINE Floats readRow(const T* x, const float* normWeight, float factor, bool castThenScale,
                              std::int64_t left) {
    const Floats value = loadSome(x, left);
    return normWeight ? normalised(x, value, loadSome(normWeight, left), factor, castThenScale) : value;
}

// The same as words: floats, or pairs of bfloat16 where the instruction takes pairs.
template <class T>
AZIMUTH_INLINE Floats readWords(const T* x, const float* normWeight, float factor, bool castThenScale,
                                std::int64_t left) {
    if constexpr (sizeof(T) == 2 && pairedRows) {
        T part[2 * lanes];
        if (!normWeight && left >= 2 * lanes) {
            __builtin_memcpy(part, x, sizeof part);
        } else {
            store(part, readRow(x, normWeight, factor, castThenScale, left));
            store(part + lanes, left > lanes ? readRow(x + lanes, normWeight ? normWeight + lanes : nullptr,
                                                       factor, castThenScale, left - lanes)
                                             : Floats{});
        }
        Floats words;
        __builtin_memcpy(&words, part, sizeof words);
        return words;
    } else {
        return roundTo(x, readRow(x, normWeight, factor, castThenScale, left));
    }
}

// `count` rows beside each other, word by word.
template <class T>
AZIMUTH_INLINE void packBlock(float* out, const T* x, const RowArguments& a, std::int64_t count) {
    constexpr std::int64_t ofWord = sizeof(T) == 2 && pairedRows ? 2 : 1;
    const std::int64_t words = a.depth / ofWord;
    float factor[rowsOfBlock] = {};
    for (std::int64_t row = 0; a.normWeight && row < count; ++row)
        factor[row] = inverseRootMeanSquare(x + row * a.stride, a.depth, a.epsilon);
    const auto read = [&](std::int64_t row, std::int64_t k) __attribute__((always_inline)) {
        return readWords(x + row * a.stride + k * ofWord, a.normWeight ? a.normWeight + k * ofWord : nullptr,
                         factor[row], a.castThenScale, a.depth - k * ofWord);
    };
    for (std::int64_t k = 0; k < words; k += lanes) {
        const std::int64_t here = words - k < lanes ? words - k : lanes;
        if (count == 1) {
            const Floats value = read(0, k);
            __builtin_memcpy(out + k, &value, static_cast<std::size_t>(here) * sizeof(float));
            continue;
        }
        Floats part[lanes] = {};
        for (std::int64_t row = 0; row < count; ++row) {
            __builtin_prefetch(x + (row + count) * a.stride + k * ofWord); // of the next block
            part[row] = read(row, k);
        }
        transpose(part);
        float* to = out + k * count;
        if (k + lanes < words) { // what a word writes beyond `count` rows the next one overwrites
            for (std::int64_t word = 0; word < lanes; ++word)
                store(to + word * count, part[word]);
            continue;
        }
        for (std::int64_t word = 0; word < here; ++word)
            __builtin_memcpy(to + word * count, &part[word], static_cast<std::size_t>(count) * sizeof(float));
    }
}

template <class T>
AZIMUTH_INLINE void packRowBlocks(float* to, const T* x, const RowArguments& a, std::int64_t firstBlock,
                                  std::int64_t lastBlock) {
    constexpr std::int64_t ofWord = sizeof(T) == 2 && pairedRows ? 2 : 1;
    for (std::int64_t block = firstBlock; block < lastBlock; ++block) {
        const std::int64_t first = block * rowsOfBlock, left = a.rows - first;
        packBlock(to + first * (a.depth / ofWord), x + first * a.stride, a,
                  left < rowsOfBlock ? left : rowsOfBlock);
    }
}

// Elements [depth][32] or [depth / 2][32][2].
template <class T> AZIMUTH_INLINE std::int64_t placeInPanel(std::int64_t output, std::int64_t k) {
    if constexpr (sizeof(T) == 2)
        return (k / 2 * panelOutputs + output) * 2 + k % 2;
    else
        return k * panelOutputs + output;
}

template <class T>
AZIMUTH_INLINE void packPanelRange(T* weight, std::int64_t depth, T* scratch, std::int64_t firstPanel,
                                   std::int64_t lastPanel) {
    for (std::int64_t panel = firstPanel; panel < lastPanel; ++panel) {
        T* to = weight + panel * panelOutputs * depth;
        __builtin_memcpy(scratch, to, static_cast<std::size_t>(panelOutputs * depth) * sizeof(T));
        for (std::int64_t output = 0; output < panelOutputs; ++output)
            for (std::int64_t k = 0; k < depth; ++k)
                to[placeInPanel<T>(output, k)] = scratch[output * depth + k];
    }
}

template <class T>
AZIMUTH_INLINE void unpackOne(T* to, const T* weight, std::int64_t output, std::int64_t depth) {
    const T* panel = weight + output / panelOutputs * panelOutputs * depth;
    for (std::int64_t k = 0; k < depth; ++k)
        to[k] = panel[placeInPanel<T>(output % panelOutputs, k)];
}

} // namespace
} // namespace azimuth::cpu::AZIMUTH_LEVEL
