"""Writes tests/core/engine/checkpoint/simulated_precision_fixture.json with numpy.

Matrices of values that the test makes itself (xorshift64; four bytes give one float32 in -4 .. 4, some rows
scaled, some zero), rounded by the definitions in simulated_precision.h written here as whole-array numpy, and
the SHA-256 of the float32 results. The NF4 codebook is computed from its definition (QLoRA, appendix E):
quantiles of the normal distribution, normalised to -1 .. 1, with an exact zero. Run with a Python that has
numpy:
    python tests/peers/make_simulated_precision_fixture.py
"""
import hashlib
import json
import pathlib
from statistics import NormalDist

import numpy as np

SHAPES = [[5, 64], [7, 192], [3, 100], [16, 31], [1, 1], [2, 2048]]


def values_of(seed, rows, columns):
    state, words = seed, np.empty(rows * columns, np.uint32)
    for i in range(rows * columns):
        state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
        words[i] = state >> 32
    values = (words.astype(np.int64) - 2**31).astype(np.float32) / np.float32(2**29)
    values = values.reshape(rows, columns)
    values[1::3] *= np.float32(0.001)
    values[2::5] = 0
    return values


def int8_rows(w):
    scale = np.abs(w).max(1, keepdims=True) / np.float32(127)
    safe = np.where(scale > 0, scale, np.float32(1))
    return np.where(scale > 0, safe * np.clip(np.rint(w / safe), -127, 127), w).astype(np.float32)


def int4_groups(w):
    out = np.empty_like(w)
    for begin in range(0, w.shape[1], 64):
        group = w[:, begin:begin + 64]
        low, high = np.minimum(group.min(1, keepdims=True), 0), np.maximum(group.max(1, keepdims=True), 0)
        scale = (high - low) / np.float32(15)
        safe = np.where(scale > 0, scale, np.float32(1))
        zero = np.rint(-low / safe)
        codes = np.clip(np.rint(group / safe) + zero, 0, 15)
        out[:, begin:begin + 64] = np.where(scale > 0, safe * (codes - zero), group)
    return out.astype(np.float32)


def nf4_codebook():
    """As bitsandbytes' create_normal_map: 8 positive steps, 7 negative ones, offset 0.9677083."""
    quantile = np.vectorize(NormalDist().inv_cdf)
    positive = quantile(np.linspace(0.9677083, 0.5, 9)[:-1])
    negative = -quantile(np.linspace(0.9677083, 0.5, 8)[:-1])
    codes = np.sort(np.concatenate([positive, [0.0], negative]))
    return (codes / codes.max()).astype(np.float32)


def nf4_blocks(w, codes):
    flat, out = w.reshape(-1), np.empty(w.size, np.float32)
    middles = ((codes[1:].astype(np.float64) + codes[:-1].astype(np.float64)) / 2).astype(np.float32)
    for begin in range(0, flat.size, 64):
        block = flat[begin:begin + 64]
        largest = np.abs(block).max()
        if largest == 0:
            out[begin:begin + 64] = block
            continue
        normal = block * (np.float32(1) / largest)
        out[begin:begin + 64] = codes[np.searchsorted(middles, normal, side="left")] * largest
    return out.reshape(w.shape)


def main():
    folder = pathlib.Path(__file__).parent.parent / "core/engine/checkpoint"
    computed = nf4_codebook()
    published = np.array([
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ], np.float32)
    assert np.abs(computed - published).max() < 1e-6, computed - published
    rows = []
    for number, (height, width) in enumerate(SHAPES):
        w = values_of(77 + number, height, width)
        digest = lambda values: hashlib.sha256((values + np.float32(0)).tobytes()).hexdigest()
        rows.append({"shape": [height, width], "values": digest(w), "int8-rtn-row": digest(int8_rows(w)),
                     "int4-rtn-g64": digest(int4_groups(w)), "nf4-b64": digest(nf4_blocks(w, published))})
    # From the definition: this far from the published values at most.
    fixture = {"codebook": [float(c) for c in computed], "matrices": rows}
    (folder / "simulated_precision_fixture.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
