"""What the tests of storage share: the writer under the shim, the reader, folders, counts."""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def options():
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for name in ("writer", "azimuth", "shim", "python"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--seed", type=int, default=20260314)
    chosen = parser.parse_args()
    if not os.path.exists(chosen.python):
        print("the peers are not installed: installer/test.sh sets them up")
        sys.exit(77)
    random.seed(chosen.seed)
    print(f"seed {chosen.seed}", flush=True)
    return chosen


class Verifier:
    """The one independent reader of a test."""

    def __init__(self, chosen):
        self.process = subprocess.Popen(
            [chosen.python, "-B", str(HERE / "verify.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.readings = 0

    def read(self, project, kept=False):
        self.process.stdin.write(json.dumps({"path": str(project), "kept": kept}) + "\n")
        self.process.stdin.flush()
        self.readings += 1
        return json.loads(self.process.stdout.readline())

    def missing(self, project, acknowledged):
        """What an acknowledged record lacks, as sentences; the reading."""
        found = self.read(project, kept=bool(acknowledged.earlier or acknowledged.replaced))
        bad = list(found["problems"])
        as_it_was = acknowledged.replaced and sha256(project) == acknowledged.replaced
        if acknowledged.replaced and not as_it_was:
            aside = [path for path in pathlib.Path(f"{project}.d/prev").iterdir() if "-" in path.name]
            if acknowledged.replaced not in map(sha256, aside):
                bad.append("the file that was replaced is not kept")
        if found["broken"] and not as_it_was:
            bad.append(found["broken"])
        everywhere = {**found["kept"], **found["records"]}
        for records, places in ((acknowledged.records, found["records"]), (acknowledged.earlier, everywhere)):
            for record, expected in records.items():
                sums = places.get(record, [])
                if any(one != expected for one in sums):
                    bad.append(f"{record} has the sums {sums}, acknowledged was {expected}")
                elif not sums:
                    bad.append(f"{record} is lost")
        if acknowledged.generation > (found["generation"] or 0) and not as_it_was:
            bad.append(
                f"generation {acknowledged.generation} was acknowledged, {found['generation']} is there"
            )
        if acknowledged.studies and found["study"] not in acknowledged.studies:
            bad.append(f"the study is {found['study']}, not one of {acknowledged.studies}")
        return bad, found

    def missing_in_copy(self, project, acknowledged):
        """The same of a new project or one saved under another name, if it is there or has to be."""
        if not project.exists() and not acknowledged.published:
            return []
        found = self.read(project)
        bad = found["problems"] + ([found["broken"]] if found["broken"] else [])
        if found["generation"] != 1:
            bad.append(f"the new project has generation {found['generation']}")
        if found["title"] != "generation 1":  # saved under another name
            kinds = ("completion", "bank", "label", "note", "job", "edit", "prepared")
            lost = [one for one in acknowledged.records if one.split(" ")[0] in kinds]
            bad += [f"{one} is not in the new project" for one in lost if one not in found["records"]]
        return bad


Refused = collections.namedtuple("Refused", "code message remedy")
KINDS = ("completion", "bank", "label", "note", "job", "edit", "attached", "prepared", "cache")


class Acknowledged:
    """What the writer said is durable."""

    def __init__(self):
        self.records, self.generation, self.opened = {}, 0, None
        self.earlier = {}  # may lie in an earlier generation only
        self.studies = []  # the study is one of these
        self.replaced = None  # SHA-256 of a project that is to be replaced and kept
        self.published = False  # another project
        self.began = self.ended = 0
        self.told, self.errors = [], []

    def take(self, line):
        words = line.split(" ")
        if words[0] in KINDS:
            self.records[f"{words[0]} {words[1]}"] = int(words[2])
        elif words[0] == "generation":
            self.generation = max(self.generation, int(words[1]))
        elif words[0] == "study":
            self.studies = [int(words[1])]
        elif words[:2] == ["trying", "study"]:
            self.studies.append(int(words[2]))
        elif line == "restoring" or words[0] == "replaced":
            self.earlier.update(self.records)
            self.records, self.studies = {}, []
            self.replaced = words[1] if words[1:] else self.replaced
        elif words[0] == "opened":
            self.opened = int(words[1])
        elif line in ("begin", "end"):
            self.began += line == "begin"
            self.ended += line == "end"
        elif line == "published":
            self.published = True
        elif words[0] == "told":
            self.told.append(line)
        elif line.startswith("error\t"):
            self.errors.append(line.split("\t")[1:])

    def take_all(self, text):
        for line in text.split("\n")[:-1]:  # what follows the last line break was cut off
            self.take(line)

    def differs_from(self, found):
        """How what a program showed when it opened a project differs from a reading of it, or nothing."""
        shown = {record for record in self.records if record.split(" ")[0] in KINDS[:6]}
        read = {record for record in found["records"] if record.split(" ")[0] in KINDS[:6]}
        if shown != read:
            return f"{sorted(shown - read)[:2]} are shown and not there, {sorted(read - shown)[:2]} not shown"
        wrong = [record for record in shown if set(found["records"][record]) != {self.records[record]}]
        if wrong or self.studies != [found["study"]]:
            return f"{wrong[:2]} or the study are shown with another content"
        return None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def folder():
    """A folder for one test: in memory where there is room, since a killed process is no power cut."""
    memory = pathlib.Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return tempfile.TemporaryDirectory(prefix="azimuth-faults-", dir=memory if roomy else None)


def environment(chosen, root, faults="", trace=None):
    variables = dict(os.environ, LC_ALL="C.UTF-8")
    if faults or trace:
        variables.update(
            LD_PRELOAD=chosen.shim, AZIMUTH_FAULTS=faults, AZIMUTH_FAULTS_ROOT=os.path.realpath(root)
        )
    if trace:
        variables["AZIMUTH_FAULTS_TRACE"] = str(trace)
    return variables


def start(chosen, root, words, faults="", trace=None, output=subprocess.PIPE):
    return subprocess.Popen(
        [chosen.writer, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=output,
        env=environment(chosen, root, faults, trace),
    )


def run(chosen, root, words, faults="", trace=None):
    """Runs the writer to its end; (exit status, its output)."""
    process = start(chosen, root, words, faults, trace)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output.decode()


class Talk:
    """A writer that carries out one word after the other."""

    def __init__(self, chosen, root, project, faults="", trace=None):
        self.process = start(chosen, root, [project, "talk"], faults, trace)
        self.known = Acknowledged()

    def say(self, word):
        """The lines before "ok", or an Error's fields, or None if the writer is gone."""
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()
        lines = []
        for line in iter(self.process.stdout.readline, b""):
            line = line.decode().rstrip("\n")
            if line == "ok":
                return lines
            self.known.take(line)
            if line.startswith("error\t"):
                return Refused(*line.split("\t")[1:])
            lines.append(line)
        return None

    def end(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Report:
    """Counts what was tried and what went wrong; a test that tried too little fails too."""

    def __init__(self):
        self.bad, self.since = [], time.monotonic()

    def check(self, good, what):
        if not good:
            self.bad.append(what)
            if len(self.bad) <= 20:
                print(f"  BAD: {what}", flush=True)

    def at_least(self, count, least, what):
        print(f"{count} {what} (at least {least})", flush=True)
        self.check(count >= least, f"only {count} {what}, at least {least} are asked for")

    def time(self, what):
        now = time.monotonic()
        print(f"  {what}: {now - self.since:.0f} s", flush=True)
        self.since = now

    def finish(self):
        print(f"{len(self.bad)} failures")
        sys.exit(1 if self.bad else 0)
