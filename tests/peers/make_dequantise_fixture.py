"""Writes tests/core/engine/checkpoint/dequantise_fixture.json with the gguf package.

For each type: random blocks from a generator that the test repeats (xorshift64, one byte each: bits 32..39),
scales made finite (bit 14 of each half cleared), and the SHA-256 of the package's float32 values. Run with a
Python that has gguf:
    python tests/peers/make_dequantise_fixture.py
"""
import hashlib
import json
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

BLOCKS = 600
SCALES = {  # byte offsets of halves inside a block
    Type.F16: [0], Type.BF16: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2],
    Type.Q8_0: [0], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.Q2_K: [80, 82], Type.Q3_K: [108],
}


def random_bytes(seed, count):
    state, out = seed, bytearray(count)
    for i in range(count):
        state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
        out[i] = state >> 32 & 0xFF
    return np.frombuffer(bytes(out), np.uint8).copy()


fixture = {"gguf": "0.19.0", "blocks": BLOCKS, "types": {}}
for kind, halves in SCALES.items():
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random_bytes(1000 + kind.value, BLOCKS * size).reshape(BLOCKS, size)
    for at in halves:
        blocks[:, at + 1] &= 0xBF
    values = gguf.dequantize(blocks, kind).astype(np.float32)
    assert values.size == BLOCKS * elements and np.isfinite(values).all()
    fixture["types"][kind.name] = hashlib.sha256(values.tobytes()).hexdigest()

path = pathlib.Path(__file__).parent.parent / "core/engine/checkpoint/dequantise_fixture.json"
path.write_text(json.dumps(fixture, indent=2) + "\n")
