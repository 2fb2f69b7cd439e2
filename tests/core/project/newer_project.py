"""What a newer program might add to a project, made and checked with h5py alone.

newer_project.py add FILE: adds columns, a table and attributes, and signs the file again as format 99.
newer_project.py check FILE ROWS: all of it is there, labels have ROWS rows, what was appended is filled.
"""
import hashlib
import struct
import sys
import zlib

import h5py
import numpy as np

COLUMNS = {
    "serial": np.array([7, 2**64 - 1, 9], dtype="<u8"),
    "confidence": np.array([0.25, -1.0, 3e300]),
    "remark_utf8": np.frombuffer("grün".encode() + b"xyz", dtype="u1"),
    "remark_offsets": np.array([0, 5, 5, 8], dtype="<u8"),
    "tags": np.array([1, 2, 3], dtype="<i4"),
    "tags_offsets": np.array([0, 0, 3, 3], dtype="<u8"),
    "colour": np.array([b"red", b"", b"blue"], dtype="S32"),
}
ACTIVATIONS = np.array([1.0, -2.5, 3.140625], dtype="<f4")


def bfloat16():
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)
    kind.set_ebias(127)
    return kind


def described(dataset):
    dataset.attrs["units"] = np.bytes_("1")
    dataset.attrs["description"] = np.bytes_("of a newer program")


def sign(path):
    with open(path, "r+b") as f:
        block = bytearray(f.read(1024))
        digest = hashlib.sha256(f.read()).digest()
        struct.pack_into("<Q", block, 16, f.tell())
        block[64:96] = digest
        minimum = struct.unpack_from("<I", block, 96)[0]
        struct.pack_into("<II", block, 96, 99, minimum)
        struct.pack_into("<I", block, 1020, zlib.crc32(block[:1020]))
        f.seek(0)
        f.write(block)


def add(path):
    with h5py.File(path, "r+", libver=("v110", "v110")) as f:
        labels = f["labels"]
        for name, values in COLUMNS.items():
            described(labels.create_dataset(name, data=values))
        grade = h5py.enum_dtype({"none": 0, "good": 1}, basetype="u1")
        described(labels.create_dataset("grade", data=np.array([1, 0, 1], dtype=grade)))
        labels.attrs["table_version"] = np.uint32(9)
        labels.attrs["protocol"] = np.bytes_("two raters, blind")
        circuits = f.create_group("circuits", track_order=True)
        circuits.attrs["kind"] = np.bytes_("table")
        circuits.attrs["n_rows"] = np.uint64(3)
        space = h5py.h5s.create_simple((3,))
        raw = h5py.h5d.create(circuits.id, b"activation", bfloat16(), space)
        raw.write(h5py.h5s.ALL, h5py.h5s.ALL, ACTIVATIONS)
        described(circuits["activation"])
        f.attrs["laboratory"] = np.uint32(42)
        minimum = f.attrs["format_version"]
        f.attrs["format_version"] = np.uint32(99)
        f.attrs["min_reader_version"] = np.uint32(minimum)
    sign(path)


def texts(table, column):
    offsets, raw = table[column + "_offsets"][:], table[column + "_utf8"][:].tobytes()
    return [raw[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]


def check(path, rows):
    rows = int(rows)
    added = rows - 3
    with h5py.File(path, "r") as f:
        labels = f["labels"]
        assert labels.attrs["n_rows"] == rows and labels.attrs["table_version"] == 9
        assert labels.attrs["protocol"] == b"two raters, blind"
        assert labels["serial"].dtype == np.dtype("<u8")
        assert labels["serial"][:].tolist() == [7, 2**64 - 1, 9] + [0] * added
        assert labels["confidence"][:3].tolist() == [0.25, -1.0, 3e300]
        assert np.isnan(labels["confidence"][3:]).all() and len(labels["confidence"]) == rows
        assert texts(labels, "remark") == ["grün", "", "xyz"] + [""] * added
        assert labels["tags"][:].tolist() == [1, 2, 3]
        assert labels["tags_offsets"][:].tolist() == [0, 0, 3, 3] + [3] * added
        assert labels["colour"][:].tolist() == [b"red", b"", b"blue"] + [b""] * added
        assert labels["grade"][:].tolist() == [1, 0, 1] + [0] * added
        assert h5py.check_enum_dtype(labels["grade"].dtype) == {"none": 0, "good": 1}
        assert labels["grade"].attrs["description"] == b"of a newer program"
        activation = f["circuits/activation"]
        assert activation.dtype == np.float32 and activation[:].tolist() == ACTIVATIONS.tolist()
        assert activation.id.get_type().get_size() == 2
        assert f.attrs["laboratory"] == 42 and f.attrs["format_version"] == 99
        assert f["circuits"].attrs["n_rows"] == 3
    with open(path, "rb") as f:
        block = f.read(1024)
        assert struct.unpack_from("<I", block, 96)[0] == 99
        assert hashlib.sha256(f.read()).digest() == block[64:96]
    print("%d labels checked" % rows)


{"add": add, "check": check}[sys.argv[1]](*sys.argv[2:])
