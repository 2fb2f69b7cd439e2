// Attention for one instruction set; part of cpu_kernels_body.h.
//
// Two ways, by the number of queries that share their keys. Few: one query and the heads of its group at a
// time, keys and values as they lie. Many: a tile of up to two vectors of rows (queries times heads of the
// group) in lanes, so that scores, softmax and the sum over values are products like those of weights.
#pragma once

namespace azimuth::cpu::AZIMUTH_LEVEL {
namespace {

constexpr std::int64_t keyDepth = 64;                  // elements of keys that are copied at a time
constexpr std::int64_t fewestTileRows = lanes * 3 / 4; // fewer are quicker one by one

AZIMUTH_INLINE std::int64_t upTo(std::int64_t value, std::int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

AZIMUTH_INLINE Floats capped(Floats score, float cap) { return cap * hyperbolicTangent(score / cap); }

// totals * factors to rows of one panel of the head's width.
template <int Rows, class T>
AZIMUTH_INLINE void mixRows(T* const* out, const float* factor, const float* weights, std::int64_t weightRow,
                            std::int64_t weightStep, const T* values, std::int64_t valueStride,
                            std::int64_t count, std::int64_t columns) {
    Floats totals[Rows][2] = {};
    addProducts<Rows, false>(totals, weights, weightRow, weightStep, values, valueStride, count);
    for (int row = 0; row < Rows; ++row)
        putTile(out[row], totals[row][0] * factor[row], totals[row][1] * factor[row], columns);
}
template <int Rows, class T>
AZIMUTH_INLINE void mixSomeRows(std::int64_t rows, T* const* out, const float* factor, const float* weights,
                                std::int64_t weightRow, std::int64_t weightStep, const T* values,
                                std::int64_t valueStride, std::int64_t count, std::int64_t columns) {
    if constexpr (Rows > 0) {
        if (rows == Rows)
            mixRows<Rows>(out, factor, weights, weightRow, weightStep, values, valueStride, count, columns);
        else
            mixSomeRows<Rows - 1>(rows, out, factor, weights, weightRow, weightStep, values, valueStride,
                                  count, columns);
    }
}

// out[row] = factor[row] * sum over t of weights[row * weightRow + t * weightStep] * values[t], of a whole
// head. scratch: two vectors for each of count, where the width is not a multiple of that.
template <class T>
AZIMUTH_INLINE void mixValues(T** out, const float* factor, std::int64_t rows, const float* weights,
                              std::int64_t weightRow, std::int64_t weightStep, const T* values,
                              std::int64_t valueStride, std::int64_t count, std::int64_t width, T* scratch) {
    for (std::int64_t d = 0; d < width; d += tileOutputs) {
        const std::int64_t columns = width - d < tileOutputs ? width - d : tileOutputs;
        const T* from = values + d;
        std::int64_t stride = valueStride;
        if (columns < tileOutputs) { // what follows the last value need not be ours to read
            for (std::int64_t t = 0; t < count; ++t) {
                T* to = scratch + t * tileOutputs;
                __builtin_memset(to, 0, tileOutputs * sizeof(T));
                __builtin_memcpy(to, from + t * stride, static_cast<std::size_t>(columns) * sizeof(T));
            }
            from = scratch;
            stride = tileOutputs;
        }
        for (std::int64_t row = 0; row < rows; row += rowsOfBlock) {
            const std::int64_t here = rows - row < rowsOfBlock ? rows - row : rowsOfBlock;
            mixSomeRows<rowsOfBlock>(here, out + row, factor + row, weights + row * weightRow, weightRow,
                                     weightStep, from, stride, count, columns);
        }
        for (std::int64_t row = 0; row < rows; ++row)
            out[row] += columns;
    }
}

template <class T> AZIMUTH_INLINE void askFor(const T* x, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += 64 / static_cast<std::int64_t>(sizeof(T)))
        __builtin_prefetch(x + i);
}

// The scores of one query for a vector of keys (those beyond `count` repeat the last one).
template <class T>
AZIMUTH_INLINE Floats scoresOfSome(const float* query, const T* keys, std::int64_t stride, std::int64_t count,
                                   std::int64_t width) {
    Floats parts[lanes];
#pragma GCC unroll 16
    for (std::int64_t i = 0; i < lanes; ++i) {
        const T* key = keys + (i < count ? i : count - 1) * stride;
        Floats first{}, second{};
        std::int64_t d = 0;
        for (; d + 2 * lanes <= width; d += 2 * lanes) {
            first += load(query + d) * load(key + d);
            second += load(query + d + lanes) * load(key + d + lanes);
        }
        for (; d < width; d += lanes)
            first += load(query + d) * loadSome(key + d, width - d);
        parts[i] = first + second;
    }
    return sums(parts);
}

// In place: scores -> exp(scores - maximum), whole vectors; returns 1 / sum.
AZIMUTH_INLINE float softmaxWeights(float* scores, std::int64_t padded) {
    Floats most = splat(-__builtin_inff());
    for (std::int64_t i = 0; i < padded; i += lanes) {
        const Floats value = load(scores + i);
        most = select(value > most, value, most);
    }
    float maximum = most[0];
    for (int lane = 1; lane < lanes; ++lane)
        maximum = most[lane] > maximum ? most[lane] : maximum;
    Floats total{};
    for (std::int64_t i = 0; i < padded; i += lanes) {
        const Floats value = exponential(load(scores + i) - maximum);
        store(scores + i, value);
        total += value;
    }
    return 1.0f / sum(total);
}

// One query token and one key-value head. scratch: group * (padded width + padded count) floats, then values.
template <class T>
AZIMUTH_INLINE void attendFew(T* out, const T* query, const AttentionArguments& a,
                              const AttentionSequence<T>& s, std::int64_t token, std::int64_t head,
                              float* scratch) {
    const std::int64_t group = a.heads / a.keyValueHeads, width = a.headWidth;
    const std::int64_t to = a.position[token] + 1, from = a.window > 0 && to > a.window ? to - a.window : 0;
    const std::int64_t count = to - from, padded = upTo(count, lanes), wide = upTo(width, lanes);
    const T* keys = s.keys + from * s.keyStride + head * s.keyHeadStride;
    const T* values = s.values + from * s.valueStride + head * s.valueHeadStride;
    float *queries = scratch, *scores = queries + group * wide;
    for (std::int64_t g = 0; g < group; ++g)
        for (std::int64_t d = 0; d < width; d += lanes) {
            const T* q = query + token * a.queryStride + (head * group + g) * width + d;
            store(queries + g * wide + d, a.scale * loadSome(q, width - d));
        }
    for (std::int64_t t = 0; t < count; t += lanes) {
        for (std::int64_t i = t; i < t + lanes; ++i) { // the next keys and, for later, these values
            askFor(keys + (i + lanes) * s.keyStride, width);
            askFor(values + i * s.valueStride, width);
        }
        for (std::int64_t g = 0; g < group; ++g) {
            Floats score =
                scoresOfSome(queries + g * wide, keys + t * s.keyStride, s.keyStride, count - t, width);
            if (a.softCap > 0)
                score = capped(score, a.softCap);
            store(scores + g * padded + t, score);
        }
    }
    for (std::int64_t g = 0; g < group; ++g) {
        for (std::int64_t t = count; t < padded; ++t)
            scores[g * padded + t] = -__builtin_inff();
        const float factor = softmaxWeights(scores + g * padded, padded);
        queries[g * wide] = factor; // done with: its place holds the factor
    }
    for (std::int64_t first = 0; first < group; first += rowsOfBlock) {
        const std::int64_t rows = group - first < rowsOfBlock ? group - first : rowsOfBlock;
        T* to[rowsOfBlock];
        float factor[rowsOfBlock];
        for (std::int64_t row = 0; row < rows; ++row) {
            to[row] = out + (token * a.heads + head * group + first + row) * width;
            factor[row] = queries[(first + row) * wide];
        }
        mixValues(to, factor, rows, scores + first * padded, padded, 1, values, s.valueStride, count, width,
                  reinterpret_cast<T*>(scores + group * padded));
    }
}

// Rows of a tile: query r / group, head r % group of the group.
template <class T> struct Tile {
    const AttentionArguments& a;
    const AttentionSequence<T>& s;
    std::int64_t token, queries, head; // first token and how many
    std::int64_t group = a.heads / a.keyValueHeads, rows = queries * group;
    std::int64_t to = a.position[token + queries - 1] + 1;
    std::int64_t from =
        a.window > 0 && a.position[token] + 1 > a.window ? a.position[token] + 1 - a.window : 0;

    AZIMUTH_INLINE_MEMBER std::int64_t place(std::int64_t row, std::int64_t tokenStride) const {
        return (token + row / group) * tokenStride + (head * group + row % group) * a.headWidth;
    }
};

// [padded width][tile], scaled; rows beyond the tile's are zero.
template <class T> AZIMUTH_INLINE void packQueries(float* packed, const T* query, const Tile<T>& tile) {
    for (std::int64_t half = 0; half < tileOutputs; half += lanes)
        for (std::int64_t d = 0; d < tile.a.headWidth; d += lanes) {
            Floats rows[lanes];
            for (std::int64_t i = 0; i < lanes; ++i)
                rows[i] = half + i < tile.rows
                              ? tile.a.scale * loadSome(query + tile.place(half + i, tile.a.queryStride) + d,
                                                        tile.a.headWidth - d)
                              : Floats{};
            transpose(rows);
            for (std::int64_t i = 0; i < lanes; ++i)
                store(packed + (d + i) * tileOutputs + half, rows[i]);
        }
}

struct TileMask {
    Integers low, high; // positions of the rows
    std::int64_t first; // the smallest
    std::int64_t window;

    AZIMUTH_INLINE_MEMBER bool needed(std::int64_t key, std::int64_t last) const {
        return key > first || (window > 0 && key <= last - window);
    }
    AZIMUTH_INLINE_MEMBER Floats hide(Floats score, Integers positions, std::int64_t key) const {
        const std::int32_t at = static_cast<std::int32_t>(key);
        Integers seen = positions >= at;
        if (window > 0)
            seen = seen & (positions < static_cast<std::int32_t>(key + window));
        return select(seen, score, splat(-__builtin_inff()));
    }
};

template <class T> AZIMUTH_INLINE TileMask maskOf(const Tile<T>& tile) {
    TileMask mask;
    std::int32_t positions[tileOutputs];
    for (std::int64_t row = 0; row < tileOutputs; ++row)
        positions[row] = static_cast<std::int32_t>(
            row < tile.rows ? tile.a.position[tile.token + row / tile.group] : tile.to - 1);
    __builtin_memcpy(&mask.low, positions, sizeof mask.low);
    __builtin_memcpy(&mask.high, positions + lanes, sizeof mask.high);
    mask.first = tile.a.position[tile.token];
    mask.window = tile.a.window;
    return mask;
}

// scores: [keys][tile]; most: the rows' maxima. copy: keys as floats, [block][64].
template <class T>
AZIMUTH_INLINE void scoreTile(float* scores, Floats (&most)[2], const float* packed, float* copy,
                              const Tile<T>& tile) {
    const auto& a = tile.a;
    const TileMask mask = maskOf(tile);
    const T* keys = tile.s.keys + tile.head * tile.s.keyHeadStride;
    most[0] = most[1] = splat(-__builtin_inff());
    for (std::int64_t key = tile.from; key < tile.to; key += rowsOfBlock) {
        const std::int64_t here = tile.to - key < rowsOfBlock ? tile.to - key : rowsOfBlock;
        Floats totals[rowsOfBlock][2] = {};
        for (std::int64_t d = 0; d < a.headWidth; d += keyDepth) {
            const std::int64_t depth = a.headWidth - d < keyDepth ? a.headWidth - d : keyDepth;
            for (std::int64_t i = 0; i < rowsOfBlock; ++i)
                for (std::int64_t e = 0; e < depth; e += lanes)
                    store(copy + i * keyDepth + e,
                          loadSome(keys + (key + (i < here ? i : here - 1)) * tile.s.keyStride + d + e,
                                   depth - e));
            addProducts<rowsOfBlock, false>(totals, copy, keyDepth, 1, packed + d * tileOutputs, tileOutputs,
                                            depth);
        }
        for (std::int64_t i = 0; i < here; ++i) {
            Floats low = totals[i][0], high = totals[i][1];
            if (a.softCap > 0) {
                low = capped(low, a.softCap);
                high = capped(high, a.softCap);
            }
            if (mask.needed(key + i, tile.to - 1)) {
                low = mask.hide(low, mask.low, key + i);
                high = mask.hide(high, mask.high, key + i);
            }
            most[0] = select(low > most[0], low, most[0]);
            most[1] = select(high > most[1], high, most[1]);
            float* to = scores + (key + i - tile.from) * tileOutputs;
            store(to, low);
            store(to + lanes, high);
        }
    }
}

template <class T>
AZIMUTH_INLINE void attendTile(T* out, const T* query, const Tile<T>& tile, float* scratch) {
    const auto& a = tile.a;
    const std::int64_t count = tile.to - tile.from;
    float *packed = scratch, *copy = packed + upTo(a.headWidth, lanes) * tileOutputs;
    float *scores = copy + rowsOfBlock * keyDepth, *values = scores + count * tileOutputs;
    packQueries(packed, query, tile);
    Floats most[2], total[2] = {};
    scoreTile(scores, most, packed, copy, tile);
    for (std::int64_t t = 0; t < count; ++t)
        for (int half = 0; half < 2; ++half) {
            float* at = scores + t * tileOutputs + half * lanes;
            const Floats value = exponential(load(at) - most[half]);
            store(at, value);
            total[half] += value;
        }
    float factor[tileOutputs];
    store(factor, 1.0f / total[0]);
    store(factor + lanes, 1.0f / total[1]);
    T* to[tileOutputs];
    for (std::int64_t row = 0; row < tile.rows; ++row)
        to[row] = out + tile.place(row, a.heads * a.headWidth);
    mixValues(to, factor, tile.rows, scores, 1, tileOutputs,
              tile.s.values + tile.from * tile.s.valueStride + tile.head * tile.s.valueHeadStride,
              tile.s.valueStride, count, a.headWidth, reinterpret_cast<T*>(values));
}

template <class T>
AZIMUTH_INLINE void attendItems(T* out, const T* query, const AttentionSequence<T>* sequences,
                                const AttentionItem* items, const AttentionArguments& a, float* scratch,
                                std::int64_t first, std::int64_t last) {
    const std::int64_t group = a.heads / a.keyValueHeads;
    for (std::int64_t i = first; i < last; ++i) {
        const AttentionItem& item = items[i];
        const auto& sequence = sequences[item.sequence];
        if (item.queries * group >= fewestTileRows && item.queries * group <= tileOutputs)
            attendTile(out, query, Tile<T>{a, sequence, item.firstQuery, item.queries, item.head}, scratch);
        else
            for (std::int64_t q = 0; q < item.queries; ++q)
                attendFew(out, query, a, sequence, item.firstQuery + q, item.head, scratch);
    }
}

} // namespace
} // namespace azimuth::cpu::AZIMUTH_LEVEL
