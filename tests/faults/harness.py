"""What the tests of storage share: the writer under the shim, the reader, folders, counts."""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def options():
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for name in ("writer", "shim", "python"):
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

    def read(self, project):
        self.process.stdin.write(f"{project}\n")
        self.process.stdin.flush()
        self.readings += 1
        return json.loads(self.process.stdout.readline())

    def missing(self, project, acknowledged):
        """What an acknowledged record lacks, as sentences; the reading."""
        found = self.read(project)
        bad = list(found["problems"])
        for record, expected in acknowledged.records.items():
            sums = found["records"].get(record, [])
            if any(one != expected for one in sums):
                bad.append(f"{record} has the sums {sums}, acknowledged was {expected}")
            elif not sums:
                bad.append(f"{record} is lost")
        if acknowledged.generation > (found["generation"] or 0):
            bad.append(
                f"generation {acknowledged.generation} was acknowledged, {found['generation']} is there"
            )
        if found["generation"] and found["title"] != f"generation {found['generation']}":
            bad.append(f"the title of generation {found['generation']} is {found['title']}")
        return bad, found


Refused = collections.namedtuple("Refused", "code message remedy")


class Acknowledged:
    """What the writer said is durable."""

    def __init__(self):
        self.records, self.generation, self.opened = {}, 0, None
        self.began = self.ended = 0
        self.notes, self.errors = [], []

    def take(self, line):
        words = line.split(" ")
        if words[0] in ("completion", "bank", "label"):
            self.records[f"{words[0]} {words[1]}"] = int(words[2])
        elif words[0] == "generation":
            self.generation = max(self.generation, int(words[1]))
        elif words[0] == "opened":
            self.opened = [int(word) for word in words[1:]]
        elif line in ("begin", "end"):
            self.began += line == "begin"
            self.ended += line == "end"
        elif words[0] == "note":
            self.notes.append(line)
        elif line.startswith("error\t"):
            self.errors.append(line.split("\t")[1:])

    def take_all(self, text):
        for line in text.split("\n")[:-1]:  # what follows the last line break was cut off
            self.take(line)


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
        self.bad = []

    def check(self, good, what):
        if not good:
            self.bad.append(what)
            if len(self.bad) <= 20:
                print(f"  BAD: {what}", flush=True)

    def at_least(self, count, least, what):
        print(f"{count} {what} (at least {least})", flush=True)
        self.check(count >= least, f"only {count} {what}, at least {least} are asked for")

    def finish(self):
        print(f"{len(self.bad)} failures")
        sys.exit(1 if self.bad else 0)
