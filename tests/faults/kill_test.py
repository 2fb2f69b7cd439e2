"""kill -9 of the writer: at random moments of each step, and before every call of it that changes something.

After each kill the reader must find every record that was acknowledged, and the next writer must open the
project and show exactly what the reader found. A merge of two projects is killed in `azimuth merge` itself.
"""

import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import time

import harness

TRIALS, CHAIN = 300, 10  # kills within each step; a project goes through so many kills
OPENING = 0.06  # of the kills come while the project is being opened
STEPS = ("save", "log", "shard", "merge")
CALLS = {  # at least so many, killed before each
    "save": 60,
    "shard": 30,
    "log": 8,
    "merge": 60,
    "create": 15,
    "saveas": 40,
    "restore": 60,
    "earlier": 40,
    "adopt": 40,
    "prepare": 20,
    "caches": 3,
}


def opening_time(chosen, root):
    """Seconds from the start of the writer to its first step."""
    times = []
    for i in range(5):
        began = time.monotonic()
        harness.run(chosen, root, [root / "timing.h5", "log", 1])
        times.append(time.monotonic() - began)
    return statistics.median(times)


def killed(chosen, root, project, step, opening):
    """What a writer had said when it was killed: while opening, or within 80 ms of its first step."""
    said = root / "said"
    with open(said, "wb") as output:
        process = harness.start(chosen, root, [project, step], output=output)
        if random.random() < OPENING:
            time.sleep(random.uniform(0.2, 1.0) * opening)
        else:
            while process.poll() is None and b"begin" not in said.read_bytes():
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return said.read_text(encoding="utf-8", errors="replace")


def before_first_step(text):
    """What the program showed when it had opened the project, or None."""
    head, opened, _ = text.partition("\nopened ")
    shown = harness.Acknowledged()
    shown.take_all(head + "\n")
    return shown if opened else None


def at_random_moments(chosen, verifier, report, root, step):
    opening = opening_time(chosen, root)
    trials = in_step = in_opening = compared = records = 0
    kinds = set()
    while in_step < TRIALS and trials < 3 * TRIALS:
        project = root / f"{step}-{trials}.h5"
        known, seen = harness.Acknowledged(), None
        for _ in range(CHAIN):
            text = killed(chosen, root, project, step, opening)
            this = harness.Acknowledged()
            this.take_all(text)
            known.take_all(text)
            bad, found = verifier.missing(project, known)
            report.check(not bad, f"{step}, trial {trials}: {bad[:3]} (seed {chosen.seed})")
            report.check(not this.errors, f"{step}, trial {trials}: {this.errors}")
            shown = before_first_step(text)
            if seen and seen["generation"] and shown:  # else it was not there yet
                wrong = shown.differs_from(seen)
                report.check(not wrong, f"{step}, trial {trials}: {wrong}")
                compared += 1
            seen = found
            trials += 1
            in_step += this.began > this.ended
            in_opening += this.opened is None
        records += len(known.records)
        kinds |= {record.split(" ")[0] for record in known.records}
        shutil.rmtree(f"{project}.d", ignore_errors=True)
        project.unlink(missing_ok=True)
    print(f"{step}: {trials} kills, {in_opening} while opening, {records} records of {sorted(kinds)}")
    report.at_least(in_step, TRIALS, f"kills within a step of {step}")
    report.at_least(compared, TRIALS // 2, "projects shown as the reader found them")


class Place:
    """Copies of a project to kill a step on."""

    def __init__(self, chosen, verifier, report, root):
        self.chosen, self.verifier, self.report = chosen, verifier, report
        self.base, self.folder = root / "base", root / "copy"
        self.project, self.other = self.folder / "p.h5", self.folder / "new.h5"
        self.base.mkdir()
        _, self.said = harness.run(chosen, self.base, [self.base / "p.h5", "merge", 2])

    def renew(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.base, self.folder)
        known = harness.Acknowledged()
        known.take_all(self.said)
        return known

    def check(self, known, what):
        """The reading of a project that must have all that is known."""
        bad, found = self.verifier.missing(self.project, known)
        bad += self.verifier.missing_in_copy(self.other, known)
        self.report.check(not bad, f"{what}: {bad[:3]}")
        return found

    def goes_on(self, known, found, what):
        """The next writer shows what was found, and saves."""
        writer = harness.Talk(self.chosen, self.folder, self.project)
        answer = writer.say("open")
        shown = writer.known
        if not isinstance(answer, harness.Refused):
            wrong = shown.differs_from(found)
            self.report.check(not wrong, f"{what}: {wrong}")
        elif known.replaced and answer.code in ("project.truncated", "project.altered"):
            answer = writer.say("rescue")
        for word in ("prepare save", "attempt"):
            answer = writer.say(word) if isinstance(answer, list) else answer
        self.report.check(isinstance(answer, list), f"{what}: going on gives {answer}")
        known.records.update(shown.records)
        known.studies, known.generation = shown.studies, shown.generation
        writer.end()
        bad, _ = self.verifier.missing(self.project, known)
        self.report.check(not bad, f"{what}, after going on: {bad[:3]}")


def killed_before(place, step, n, known):
    """Whether the step had an n-th call; adds what the writer said."""
    writer = harness.Talk(place.chosen, place.folder, place.project, f"step,kill={n}")
    writer.known = known
    for word in ("open", f"prepare {step}", "faults 1", "attempt"):
        answer = writer.say(word)
    ended = writer.process.wait() if answer is None else writer.end()
    assert ended in (0, -signal.SIGKILL) and not known.errors, (ended, known.errors)
    return ended != 0


def before_every_call(place, step):
    calls, going = 0, True
    while going:
        known = place.renew()
        going = killed_before(place, step, calls + 1, known)
        what = f"{step}, killed before call {calls + 1}"
        found = place.check(known, what)
        if step in STEPS or calls % 5 == 0:
            place.goes_on(known, found, what)
        calls += going
    place.report.at_least(calls, CALLS[step], f"calls of {step}, killed before each")


class TwoProjects:
    """`azimuth merge`: a project that takes what another one holds, some of it in shards and in the log."""

    MERGED = ("completion", "bank", "label", "note", "job")

    def __init__(self, chosen, verifier, report, root):
        self.chosen, self.verifier, self.report = chosen, verifier, report
        self.base, self.folder = root / "two", root / "two-copy"
        self.target, self.source = self.folder / "p.h5", self.folder / "source.h5"
        self.base.mkdir()
        self.of_target, self.of_source = harness.Acknowledged(), harness.Acknowledged()
        for known, name, step, rounds in (
            (self.of_target, "p", "merge", 1),
            (self.of_source, "source", "merge", 3),
            (self.of_source, "source", "shard", 3),
            (self.of_source, "source", "log", 3),
        ):
            known.take_all(harness.run(chosen, self.base, [self.base / f"{name}.h5", step, rounds])[1])
        self.both = {
            record: crc for record, crc in self.of_source.records.items() if record.split(" ")[0] in self.MERGED
        }
        self.both.update(self.of_target.records)

    def renew(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.base, self.folder)

    def start(self, faults=""):
        return subprocess.Popen(
            [self.chosen.azimuth, "merge", self.target, self.source],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=harness.environment(self.chosen, self.folder, faults),
        )

    def check(self, what, done=False):
        """Whether the target has it all; else it is as it was. The source is always as it was."""
        bad, found = self.verifier.missing(self.target, self.of_target)
        generation = found["generation"]
        merged = generation == self.of_target.generation + 1
        if merged:
            bad += [f"{one} is lost" for one, crc in self.both.items() if set(found["records"].get(one, [])) != {crc}]
        elif done or generation != self.of_target.generation:
            bad.append(f"the target has generation {generation}")
        bad += self.verifier.missing(self.source, self.of_source)[0]
        self.report.check(not bad, f"{what}: {bad[:3]}")
        return merged

    def again(self, what):
        process = self.start()
        _, error = process.communicate(timeout=60)
        self.report.check(process.returncode == 0, f"{what}: merging again says {error.decode()}")
        self.check(f"{what}, merged again", done=True)

    def at_random_moments(self):
        """Kills between the lock of the target and the end of the program."""
        lock, within, trials, merged, longest = pathlib.Path(f"{self.target}.lock"), 0, 0, 0, 0.0
        while within < TRIALS and trials < 3 * TRIALS:
            self.renew()
            process, measuring = self.start(), trials < 5
            while process.poll() is None and not lock.exists():
                time.sleep(0.0002)
            began = time.monotonic()
            if not measuring:
                time.sleep(random.uniform(0, longest))
                process.kill()
            process.communicate()
            if measuring:
                longest = max(longest, time.monotonic() - began)
            within += process.returncode == -signal.SIGKILL
            merged += self.check(f"azimuth merge, trial {trials} (seed {self.chosen.seed})", done=measuring)
            trials += 1
            if trials % 10 == 0:
                self.again(f"azimuth merge, trial {trials}")
        print(f"azimuth merge: {trials} kills, {merged} behind the publication, {longest * 1000:.0f} ms long")
        self.report.at_least(within, TRIALS, "kills within azimuth merge")

    def before_every_call(self):
        calls, ended = 0, None
        while ended != 0:
            self.renew()
            process = self.start(f"kill={calls + 1}")
            process.communicate()
            ended = process.returncode
            assert ended in (0, -signal.SIGKILL), ended
            what = f"azimuth merge, killed before call {calls + 1}"
            self.check(what, done=ended == 0)
            if calls % 10 == 0:
                self.again(what)
            calls += ended != 0
        self.report.at_least(calls, 60, "calls of azimuth merge, killed before each")


def main():
    chosen, report = harness.options(), harness.Report()
    verifier = harness.Verifier(chosen)
    with harness.folder() as name:
        root = pathlib.Path(os.path.realpath(name))
        for step in STEPS:
            at_random_moments(chosen, verifier, report, root, step)
            report.time(f"kills at random moments of {step}")
        projects = TwoProjects(chosen, verifier, report, root)
        projects.at_random_moments()
        report.time("kills at random moments of azimuth merge")
        projects.before_every_call()
        report.time("kills before every call of azimuth merge")
        place = Place(chosen, verifier, report, root)
        for step in CALLS:
            before_every_call(place, step)
            report.time(f"kills before every call of {step}")
    report.at_least(verifier.readings, 5 * TRIALS, "readings by h5py")
    report.finish()


main()
