"""Says what a project holds, read with h5py and by FORMAT.md alone: the file, its shards, its logs.

One process for a whole test: it reads lines {"path", "kept"} from stdin and answers each with one line of
JSON: {"records": {"<kind> <key>": [crc, ...]}, "study": crc, "generation", "title", "broken", "problems":
[...], "kept": {...}}. A record that lies in several places has several sums. Problems are what a reader would
refuse: a digest that is wrong, an unreadable table; "broken" is what it would refuse of the project's own file.
With "kept" the earlier generations are read too, and where the file is broken the newest one says which edits
of the log it lacks.
"""

import collections
import glob
import hashlib
import json
import os
import struct
import sys
import uuid
import zlib

import h5py

KINDS = {1: "project", 2: "result shard"}
Block = collections.namedtuple("Block", "generation project last_edit sha256 broken")


def user_block(path, kind):
    with open(path, "rb") as file:
        head, rest = file.read(1024), file.read()
    assert len(head) == 1024 and head[:8] == b"AZIMUTH\n", "no user block"
    assert struct.unpack_from("<I", head, 1020)[0] == zlib.crc32(head[:1020]), (
        "the user block's checksum is wrong"
    )
    assert KINDS.get(struct.unpack_from("<I", head, 12)[0]) == kind, "another kind of file"
    broken = None  # what another program changed can be read all the same
    if struct.unpack_from("<Q", head, 16)[0] != 1024 + len(rest):
        broken = "another length"
    elif hashlib.sha256(rest).digest() != head[64:96]:
        broken = "another SHA-256"
    return Block(
        struct.unpack_from("<Q", head, 24)[0],
        str(uuid.UUID(bytes=head[32:48])),
        struct.unpack_from("<Q", head, 176)[0],
        head[64:96].hex(),
        broken,
    )


def patched(value, patch):
    """RFC 6902 with the operations that a change of the study has."""
    for operation in patch:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = value
        for part in path:
            place = place[int(part) if isinstance(place, list) else part]
        key = last if isinstance(place, dict) else len(place) if last == "-" else int(last)
        if operation["op"] == "test":
            assert place[key] == operation["value"], f"the log has a change that does not fit: {operation}"
        elif operation["op"] == "remove":
            del place[key]
        elif operation["op"] == "add" and isinstance(place, list):
            place.insert(key, operation["value"])
        else:
            assert operation["op"] in ("add", "replace"), operation
            place[key] = operation["value"]
    return value


def canonical(value):
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


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
        self.generation = self.title = self.uuid = self.broken = self.study = None
        self.last_edit, self.edits = 0, {}  # edits by number and text: two writers may have had one number

    def add(self, kind, key, *content):
        self.records.setdefault(f"{kind} {key}", []).append(zlib.crc32(b"".join(content)))

    def read(self, kept):
        if os.path.exists(self.path):
            self.broken = self.trying(self.path, self.read_file)
        earlier = [Project(path) for path in self.earlier()] if kept else []
        for one in earlier:
            one.broken = one.trying(one.path, one.read_file)
            self.problems += [one.broken] if one.broken else []
        if self.study is None and earlier:
            newest = max(earlier, key=lambda one: one.generation or 0)
            self.uuid, self.last_edit, self.study = newest.uuid, newest.last_edit, newest.study
        for folder, ending, read in (
            (self.path + ".d/shards", ".h5", self.read_shard),
            (self.path + ".d", ".azlog", self.read_log),
            (self.path + ".d/blobs", ".safetensors", self.read_blob),
            (self.path + ".d/jobs", ".json", self.read_job_file),
            (self.path + ".d/cache", "", self.read_cache),
        ):
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                if name.endswith(ending) and not name.startswith("."):
                    problem = self.trying(os.path.join(folder, name), read)
                    self.problems += [problem] if problem else []
        problem = self.trying("the log", lambda _: self.apply_edits())
        return {
            "records": self.records,
            "study": self.study and zlib.crc32(canonical(self.study).encode()),
            "generation": self.generation,
            "title": self.title,
            "broken": self.broken,
            "problems": self.problems + ([problem] if problem else []),
            "kept": {record: sums for one in earlier for record, sums in one.records.items()},
        }

    def earlier(self):
        name = os.path.splitext(os.path.basename(self.path))[0]
        return sorted(glob.glob(glob.escape(f"{self.path}.d/prev/{name}.") + "[0-9]*.h5"))

    @staticmethod
    def trying(path, read):
        try:
            return read(path)
        except Exception as error:  # whatever h5py says of a broken file
            return f"{os.path.basename(path)}: {type(error).__name__}: {error}"

    def read_file(self, path):
        block = user_block(path, "project")
        self.generation, self.uuid, self.last_edit = block.generation, block.project, block.last_edit
        with h5py.File(path, "r") as file:
            assert int(file.attrs["generation"]) == self.generation
            text = Table(file["study"]).texts("json")[0].decode()
            self.study = json.loads(text)
            assert canonical(self.study) == text, "the study is not in its canonical form"
            self.title = self.study["title"]
            self.read_results(file)
            self.read_labels(Table(file["labels"]))
            self.read_notes(file)
            self.read_provenance(Table(file["provenance"]))
            jobs = Table(file["jobs"])
            for job, state in zip(jobs.column("job"), jobs.names("state")):
                if state == b"done":
                    self.add("attached", job.decode(), job)
        return block.broken

    def read_shard(self, path):
        block = user_block(path, "result shard")
        if block.project == self.uuid:
            with h5py.File(path, "r") as file:
                self.read_results(file)
        return block.broken

    def read_results(self, file):
        for part in file["completions/parts"].values():
            self.read_completions(Table(part))
        self.read_jobs(Table(file["jobs"]))
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

    def read_jobs(self, jobs):
        texts = [jobs.texts(name) for name in ("kind", "environment", "error")]
        columns = [jobs.column(name) for name in ("job", "model", "started", "ended", "seconds", "results")]
        for i, state in enumerate(jobs.names("state")):
            job, model, started, ended, seconds, results = (column[i] for column in columns)
            self.add_job(job, texts[0][i], state, model, started, ended, seconds, results, *(t[i] for t in texts[1:]))

    def add_job(self, job, kind, state, model, started, ended, seconds, results, environment, error):
        numbers = struct.pack("<dq", seconds, results)
        self.add("job", job.decode(), kind, state, model, started, ended, numbers, environment, error)

    def read_labels(self, labels):
        keys, sources = labels.column("key"), labels.names("source")
        for i, (verdict, rater) in enumerate(zip(labels.names("verdict"), labels.texts("rater"))):
            if sources[i] == b"human":
                self.add_label(keys[i].tobytes().hex(), verdict, rater)

    def add_label(self, key, verdict, rater):
        self.add("label", hashlib.sha256(key.encode() + rater).hexdigest(), key.encode(), verdict, rater)

    def read_notes(self, file):
        if "notes" in file:
            notes = Table(file["notes"])
            for subject, *texts in zip(notes.names("subject"), *map(notes.texts, ("object", "text", "author"))):
                self.add("note", texts[0].decode(), subject, *texts)

    def read_provenance(self, records):
        for actor, action, what in zip(*map(records.texts, ("actor", "action", "object"))):
            if action == b"change the study":
                self.add("edit", hashlib.sha256(what).hexdigest(), actor, what)

    def read_log(self, path):
        with open(path, "rb") as file:
            content = file.read()
        frames = list(self.frames(content))
        head = json.loads(frames[0][1]) if frames and frames[0][0] == 0 else {}
        if head.get("project") == self.uuid:
            self.edits.update(((number, edit), None) for number, edit in frames[1:] if number > self.last_edit)

    def apply_edits(self):
        for _, text in sorted(self.edits, key=lambda one: one[0]):
            edit = json.loads(text)
            kind, author = edit["edit"], edit["author"].encode()
            if kind == "labels":
                for item in edit["items"]:
                    self.add_label(item["key"], item["verdict"].encode(), edit["rater"].encode())
            elif kind == "note":
                texts = [edit[name].encode() for name in ("subject", "object", "note")]
                self.add("note", edit["object"], *texts, author)
            elif kind == "study":
                self.study = patched(self.study, edit["patch"])
                text = edit["text"].encode()
                self.add("edit", hashlib.sha256(text).hexdigest(), author, text)
            elif kind == "job":
                one = {k: v.encode() if isinstance(v, str) else v for k, v in edit["job"].items()}
                self.add_job(one.pop("id"), **one)
            elif kind == "shard":
                path = os.path.join(self.path + ".d", "shards", edit["file"])
                if os.path.exists(path) and user_block(path, "result shard").sha256 == edit["sha256"]:
                    self.add("attached", edit["job"], edit["job"].encode())

    def read_blob(self, path):
        with open(path, "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() in os.path.basename(path), "not what its name says"

    def read_job_file(self, path):
        with open(path, encoding="utf-8") as file:
            job = json.load(file)
        blobs = [os.path.join(self.path + ".d", "blobs", name + ".safetensors") for name in job["payload"]["blobs"].values()]
        assert job["id"] + ".json" == os.path.basename(path), "not what its name says"
        assert blobs and all(map(os.path.exists, blobs)), "a direction is not there"
        self.add("prepared", job["id"], job["id"].encode())

    def read_cache(self, path):
        with open(path, "rb") as file:
            self.add("cache", os.path.basename(path), file.read())

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
        asked = json.loads(line)
        print(json.dumps(Project(asked["path"]).read(asked["kept"])), flush=True)


if __name__ == "__main__":
    main()
