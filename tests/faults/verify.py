"""Says what a project holds, read with h5py and by FORMAT.md alone: the file, its shards, its logs.

One process for a whole test: it reads paths of projects from stdin, one a line, and answers each with one
line of JSON: {"records": {"<kind> <key>": [crc, ...]}, "generation", "title", "problems": [...]}. A record
that lies in several places has several sums. Problems are what a reader would refuse: a digest that is wrong,
an unreadable table.
"""

import hashlib
import json
import os
import struct
import sys
import uuid
import zlib

import h5py

KINDS = {1: "project", 2: "result shard"}


def user_block(path, kind):
    with open(path, "rb") as file:
        head, rest = file.read(1024), file.read()
    assert len(head) == 1024 and head[:8] == b"AZIMUTH\n", "no user block"
    assert struct.unpack_from("<I", head, 1020)[0] == zlib.crc32(head[:1020]), (
        "the user block's checksum is wrong"
    )
    assert KINDS.get(struct.unpack_from("<I", head, 12)[0]) == kind, "another kind of file"
    assert struct.unpack_from("<Q", head, 16)[0] == 1024 + len(rest), "another length"
    assert hashlib.sha256(rest).digest() == head[64:96], "another SHA-256"
    return struct.unpack_from("<Q", head, 24)[0], str(uuid.UUID(bytes=head[32:48]))


class Table:
    """A table of FORMAT.md: columns by name, rows as bytes, texts and lists cut out by their offsets."""

    def __init__(self, group):
        self.group, self.rows = group, int(group.attrs["n_rows"])

    def column(self, name):
        values = self.group[name][:]
        assert len(values) == self.rows, name
        return values

    def cuts(self, values, offsets):
        values, offsets = self.group[values][:], self.group[offsets][:]
        assert len(offsets) == self.rows + 1 and offsets[-1] == len(values), offsets
        return [values[offsets[i] : offsets[i + 1]].tobytes() for i in range(self.rows)]

    def texts(self, name):
        return self.cuts(name + "_utf8", name + "_offsets")

    def lists(self, name):
        return self.cuts(name, name + "_offsets")

    def names(self, name):
        words = {value: word for word, value in h5py.check_enum_dtype(self.group[name].dtype).items()}
        return [words[value].encode() for value in self.column(name)]


class Project:
    def __init__(self, path):
        self.path, self.records, self.problems = path, {}, []
        self.generation = self.title = self.uuid = None

    def add(self, kind, key, *content):
        self.records.setdefault(f"{kind} {key}", []).append(zlib.crc32(b"".join(content)))

    def read(self):
        if os.path.exists(self.path):
            self.trying(self.path, self.read_file)
        shards = os.path.join(self.path + ".d", "shards")
        for name in sorted(os.listdir(shards)) if os.path.isdir(shards) else []:
            if name.endswith(".h5") and not name.startswith("."):
                self.trying(os.path.join(shards, name), self.read_shard)
        folder = self.path + ".d"
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith(".azlog"):
                self.trying(os.path.join(folder, name), self.read_log)
        return {
            "records": self.records,
            "generation": self.generation,
            "title": self.title,
            "problems": self.problems,
        }

    def trying(self, path, read):
        try:
            read(path)
        except Exception as error:  # whatever h5py says of a broken file
            self.problems.append(f"{os.path.basename(path)}: {type(error).__name__}: {error}")

    def read_file(self, path):
        self.generation, self.uuid = user_block(path, "project")
        with h5py.File(path, "r") as file:
            assert int(file.attrs["generation"]) == self.generation
            self.title = json.loads(Table(file["study"]).texts("json")[0])["title"]
            self.read_results(file)
            self.read_labels(Table(file["labels"]))

    def read_shard(self, path):
        _, owner = user_block(path, "result shard")
        if owner == self.uuid:
            with h5py.File(path, "r") as file:
                self.read_results(file)

    def read_results(self, file):
        for part in file["completions/parts"].values():
            self.read_completions(Table(part))
        banks = Table(file["banks/index"])
        keys, models = banks.column("key"), banks.column("model")
        for i, (concept, job) in enumerate(zip(banks.texts("concept"), banks.column("job"))):
            tensor = file[f"banks/tensors/b{i + 1:06}"][:]
            self.add("bank", keys[i].tobytes().hex(), models[i], concept, tensor.tobytes(), job)

    def read_completions(self, part):
        columns = [part.column(name) for name in ("key", "model", "prompt", "arm")]
        numbers = [part.column(name) for name in ("log_probability", "prompt_tokens", "job")]
        for i, (ids, text, finish) in enumerate(
            zip(part.lists("ids"), part.texts("text"), part.names("finish"))
        ):
            first = [column[i].tobytes() for column in columns]
            last = [column[i].tobytes() for column in numbers]
            self.add("completion", columns[0][i].tobytes().hex(), *first, ids, text, finish, *last)

    def read_labels(self, labels):
        keys = labels.column("key")
        for i, (verdict, rater) in enumerate(zip(labels.names("verdict"), labels.texts("rater"))):
            self.add("label", keys[i].tobytes().hex(), verdict, rater)

    def read_log(self, path):
        with open(path, "rb") as file:
            content = file.read()
        frames = list(self.frames(content))
        head = json.loads(frames[0][1]) if frames and frames[0][0] == 0 else {}
        if head.get("project") != self.uuid:
            return
        for _, payload in frames[1:]:
            edit = json.loads(payload)
            for item in edit["items"] if edit["edit"] == "labels" else []:
                self.add("label", item["key"], item["verdict"].encode(), edit["rater"].encode())

    @staticmethod
    def frames(content):
        at = content.find(b"AZF1")
        while at >= 0:
            size, number, expected = struct.unpack("<IQI", content[at + 4 : at + 20].ljust(16, b"\0"))
            payload = content[at + 20 : at + 20 + size]
            if len(payload) == size and zlib.crc32(content[at + 8 : at + 16] + payload) == expected:
                yield number, payload
                at = content.find(b"AZF1", at + 20 + size)
            else:
                at = content.find(b"AZF1", at + 1)


def main():
    for line in sys.stdin:
        print(json.dumps(Project(line.rstrip("\n")).read()), flush=True)


if __name__ == "__main__":
    main()
