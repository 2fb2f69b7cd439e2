"""Reads a project with h5py as FORMAT.md says and compares it with what the test saved (a JSON file)."""
import json
import sys

import h5py
import numpy as np


def same(found, expected):
    if isinstance(expected, str):
        expected = float(expected)
    return (np.isnan(found) and np.isnan(expected)) or found == expected


def texts(table, column):
    offsets, raw = table[column + "_offsets"][:], table[column + "_utf8"][:].tobytes()
    return [raw[offsets[i]:offsets[i + 1]].decode("utf-8") for i in range(len(offsets) - 1)]


def names(dataset):
    words = {value: name for name, value in h5py.check_enum_dtype(dataset.dtype).items()}
    return [words[value] for value in dataset[:]]


def main(path, expected_path):
    with open(expected_path, encoding="utf-8") as source:
        expected = json.load(source)
    with h5py.File(path, "r") as f:
        assert f.userblock_size == 1024
        assert f.attrs["format"].decode() == "azimuth"
        assert f.attrs["project_uuid"].decode() == expected["uuid"]
        assert texts(f["study"], "title") == [expected["title"]]
        assert json.loads(texts(f["study"], "json")[0])["azimuth"] == "study"

        part = f["completions/parts/p000001"]
        assert part.attrs["n_rows"] == len(expected["rows"]) == len(part["key"])
        offsets, ids = part["ids_offsets"][:], part["ids"][:]
        for i, (row, text) in enumerate(zip(expected["rows"], texts(part, "text"))):
            assert part["key"][i].tobytes().hex() == row["key"]
            assert f["completions/index/key"][i].tobytes().hex() == row["key"]
            assert text == row["text"], i
            assert ids[offsets[i]:offsets[i + 1]].tolist() == row["ids"], i
            assert part["arm"][i].decode() == row["arm"]
            assert same(part["log_probability"][i], row["log_probability"])
        assert names(part["finish"]) == [row["finish"] for row in expected["rows"]]
        arms = f["arms/arm"].asstr()[:]
        for i, arm in enumerate(f["completions/index/arms_id"][:]):
            assert arms[arm - 1] == expected["rows"][i]["arm"]

        labels = f["labels"]
        assert names(labels["verdict"]) == [label["verdict"] for label in expected["labels"]]
        assert labels["behaves"].dtype == np.dtype(bool)
        assert labels["behaves"][:].tolist() == [label["behaves"] for label in expected["labels"]]
        assert texts(labels, "rater") == [label["rater"] for label in expected["labels"]]
        assert all(same(a, label["time"]) for a, label in zip(labels["time"][:], expected["labels"]))

        tensor = f["banks/tensors/b000001"]
        assert list(tensor.shape) == expected["shape"] and tensor.dtype == np.float32
        assert all(same(a, b) for a, b in zip(tensor[:].ravel().tolist(), expected["tensor"]))
        bank = f["banks/index"]
        first = bank["raw_norm"][bank["raw_norm_offsets"][0]:bank["raw_norm_offsets"][1]]
        assert all(same(a, b) for a, b in zip(first, expected["raw_norm"])) and len(first) == 93
        assert str(f["models/file_bytes"][0]) == expected["file_bytes"]
        assert same(f["transfer/matrices/t000001"][0, 1], expected["excess_te"])
        assert np.isnan(f["transfer/matrices/t000001"][0, 0])

        def has_units(name, item):
            if isinstance(item, h5py.Dataset):
                assert "units" in item.attrs and "description" in item.attrs, name
        f.visititems(has_units)
    counts = (len(expected["rows"]), len(expected["labels"]), len(expected["tensor"]))
    print("%d completions, %d labels, %d values compared" % counts)


main(*sys.argv[1:])
