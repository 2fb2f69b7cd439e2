"""Disks that are full, broken or read-only: one clear error, the project as it was, the program alive, and
the same step works once the fault is gone."""

import collections
import os
import pathlib
import random
import re
import shutil

import harness
import disk

BUDGETS = {
    "save": 80,
    "shard": 50,
    "merge": 50,
    "log": 20,
    "create": 15,
    "saveas": 30,
    "restore": 30,
    "earlier": 20,
    "adopt": 20,
    "prepare": 20,
}
POINTS = 250  # of I/O errors
LOCKING = ("open", "create", "saveas", "earlier")  # they cope with a lock that says nothing about its owner
MOST_POINTS = {  # of one kind of call in one step
    **dict.fromkeys(("save", "shard", "merge", "log", "open"), 16),
    **dict.fromkeys(("create", "saveas", "restore", "earlier", "adopt", "prepare", "caches"), 8),
}
ENOSPC, EIO, EACCES, EROFS, EXDEV = 28, 5, 13, 30, 18
BOTH_SIZES = re.compile(r"needs [\d.,]+ (B|kB|MB|GB|TB), [\d.,]+ (B|kB|MB|GB|TB) are free")
CALLS = {
    "write": {disk.WRITTEN, disk.TRUNCATED},
    "sync": {disk.SYNCED},
    "rename": {disk.RENAMED, disk.LINKED},
    "read": {disk.READ_FROM},
    "remove": {disk.REMOVED},
}


class Bench:
    """A project to try steps on, again and again from the same state."""

    def __init__(self, chosen, verifier, report, root):
        self.chosen, self.verifier, self.report, self.root = chosen, verifier, report, root
        self.place = root / "copy"
        self.bases = {"": self.base("saved", "merge"), "open": self.base("unsaved", "merge", "log", "shard")}

    def base(self, name, *steps):
        """A project, and what was said of it. An opening has edits and results to find that no save holds."""
        folder, said = self.root / name, []
        folder.mkdir()
        for step in steps:
            said.append(harness.run(self.chosen, folder, [folder / "p.h5", step, 2])[1])
        return folder, said

    def writer(self, faults, step="", trace_path=None):
        base, said = self.bases.get(step, self.bases[""])
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(base, self.place)
        writer = harness.Talk(self.chosen, self.place, self.place / "p.h5", faults, trace_path)
        for text in said:
            writer.known.take_all(text)
        return writer

    def prepare(self, writer, step):
        for word in (["open"] if step != "open" else []) + [f"prepare {step}"]:
            answer = writer.say(word)
            assert isinstance(answer, list), (step, word, answer)

    def measured(self, step):
        """Bytes that a step writes, and how often it makes each kind of call."""
        path = self.root / "measured.trace"
        path.unlink(missing_ok=True)
        writer = self.writer("step", step, path)
        self.prepare(writer, step)
        for word in ("faults 1", "attempt", "faults 0"):
            assert writer.say(word) is not None
        writer.end()
        events = disk.read(path)
        marks = [i for i, event in enumerate(events) if event.kind == disk.STEP]
        events = events[marks[0] : marks[1]]
        kinds = collections.Counter(event.kind for event in events)
        calls = {call: sum(kinds[kind] for kind in members) for call, members in CALLS.items()}
        return sum(len(event.data) for event in events if event.kind == disk.WRITTEN), calls

    def attempt(self, step, faults, must_fail=True):
        """One step under faults. Returns what was refused, or None if the step coped; checks all else."""
        name = f"{step} under {faults}"
        writer = self.writer("step," + faults, step)
        self.prepare(writer, step)
        writer.say("faults 1")
        refused = writer.say("attempt")
        if refused is None:
            self.report.check(False, f"{name}: the program ended with {writer.process.wait()}")
            return None
        failed = isinstance(refused, harness.Refused)
        self.report.check(failed or not must_fail, f"{name}: no error")
        self.check(writer.known, f"{name}: afterwards")
        if failed:
            self.check_message(name, refused)
            left = [file for file in self.place.rglob(".*") if file.is_file()]
            self.report.check(not left, f"{name}: {left} is left behind")
            writer.say("faults 0")
            again = writer.say("attempt")
            self.report.check(isinstance(again, list), f"{name}: trying again gives {again}")
        if not failed and step == "open":  # what it did not see would be gone with what is saved now
            for word in ("faults 0", "prepare again", "attempt", "prepare again", "attempt"):
                writer.say(word)
        ended = writer.end()
        self.report.check(ended == 0, f"{name}: the program ended with {ended}")
        self.check(writer.known, f"{name}: in the end")
        return refused if failed else None

    def check(self, known, what):
        bad, _ = self.verifier.missing(self.place / "p.h5", known)
        bad += self.verifier.missing_in_copy(self.place / "new.h5", known)
        self.report.check(not bad, f"{what} {bad[:3]}")

    def check_message(self, name, refused):
        clear = (
            str(self.place) in refused.message
            and refused.remedy
            and refused.code.startswith(("file.", "project."))
        )
        self.report.check(clear, f"{name}: {refused} is not clear")


def full_disks(bench):
    tried = refusals = sized = 0
    for step, budgets in BUDGETS.items():
        size, _ = bench.measured(step)
        for i in range(budgets):
            space = size * i // budgets
            # What is logged differs in length from one try to the next.
            refused = bench.attempt(step, f"space={space}", must_fail=step != "log" or space < size // 3)
            tried += 1
            refusals += bool(refused)
            sized += bool(refused and BOTH_SIZES.search(refused.message))
            if refused and not BOTH_SIZES.search(refused.message):
                bench.report.check(False, f"{step}, {space} of {size} bytes: {refused.message}")
    for step in ("save", "shard", "merge"):  # the disk is full before anything is written
        refused = bench.attempt(step, "free=1000000")
        refusals += 1
        sized += bool(refused and refused.code == "file.space" and BOTH_SIZES.search(refused.message))
    bench.report.at_least(tried, sum(BUDGETS.values()), "full disks")
    bench.report.at_least(refusals, tried - BUDGETS["log"], "steps refused")
    bench.report.at_least(sized, refusals, "messages with both sizes")


def broken_disks(bench):
    points, coped = collections.Counter(), []
    for step, most in MOST_POINTS.items():
        _, calls = bench.measured(step)
        for call, count in calls.items():
            wanted = sorted(random.sample(range(1, count + 1), min(count, most)))
            for n in wanted:
                refused = bench.attempt(
                    step, f"{call}={n}:{EIO}", must_fail=call in ("write", "sync") and step not in LOCKING
                )
                points[call] += 1
                if not refused:
                    coped.append(f"{step} {call} {n}")
                else:  # an earlier generation that cannot be read is not offered
                    clear = "Input/output error" in refused.message or (
                        step == "earlier" and call == "read" and refused.code == "project.missing"
                    )
                    bench.report.check(clear, f"{step}, {call} {n}: {refused.message}")
    print("I/O errors: " + ", ".join(f"{call} {count}" for call, count in points.items()))
    print("coped with: " + ", ".join(coped))
    for call, least in (("write", 70), ("sync", 45), ("rename", 20), ("read", 60), ("remove", 7)):
        bench.report.at_least(points[call], least, f"I/O errors of {call}")
    bench.report.at_least(sum(points.values()), POINTS, "I/O errors")
    bench.report.at_least(sum(points.values()) - len(coped), POINTS // 2, "of them refused a step")


def read_only_disks(bench):
    tried = 0
    for error, words in ((EROFS, "Read-only file system"), (EACCES, "Permission denied")):
        everything = ",".join(f"{call}=0:{error}" for call in ("create", "rename", "remove"))
        for step in ("save", "shard", "merge", "log", "create", "saveas", "restore", "prepare"):  # it became so while the project was open
            refused = bench.attempt(step, everything)
            bench.report.check(refused and words in refused.message, f"{step}: {refused}")
            tried += 1
        opened_read_only(bench, everything, words)
        tried += 1
    for step in ("save", "shard", "merge"):
        refused = bench.attempt(step, f"rename=0:{EXDEV}")
        bench.report.check(refused and "cross-device" in refused.message, f"{step}: {refused}")
        tried += 1
    bench.report.at_least(tried, 21, "read-only disks and borders between file systems")


def opened_read_only(bench, faults, words):
    writer = bench.writer(faults)
    opened = writer.say("open")
    why = [line for line in opened if line.startswith("readonly ")]
    bench.report.check(bool(why) and words in why[0], f"opened read-only: {opened[:2]}")
    writer.say("prepare save")
    refused = writer.say("attempt")
    bench.report.check(
        refused.code == "project.readonly" and words in refused.message, f"saving gives {refused}"
    )
    writer.say("faults 0")
    bench.report.check(writer.say("lock") == ["locked yes"], "it stays read-only")
    bench.report.check(isinstance(writer.say("attempt"), list), "it cannot be saved after that")
    bench.report.check(writer.end() == 0, "the program failed")
    bad, _ = bench.verifier.missing(bench.place / "p.h5", writer.known)
    bench.report.check(not bad, f"read-only: {bad[:3]}")


def main():
    chosen, report = harness.options(), harness.Report()
    with harness.folder() as name:
        bench = Bench(chosen, harness.Verifier(chosen), report, pathlib.Path(os.path.realpath(name)))
        for part in (full_disks, broken_disks, read_only_disks):
            part(bench)
            report.time(part.__name__.replace("_", " "))
    report.finish()


main()
