"""kill -9 of the writer: at random moments of each step, and before every call of it that changes something.

After each kill the reader must find every record that was acknowledged, and the next writer must open the
project and see exactly what the reader saw.
"""

import os
import pathlib
import random
import shutil
import signal
import statistics
import time

import harness

TRIALS, CHAIN = 300, 10  # a project goes through so many kills
STEPS = ("save", "log", "shard", "merge")


def count_of(found, kind):
    return sum(record.startswith(kind + " ") for record in found["records"])


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
        if random.random() < 0.15:
            time.sleep(random.uniform(0.2, 1.0) * opening)
        else:
            while process.poll() is None and b"begin" not in said.read_bytes():
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return said.read_text(encoding="utf-8", errors="replace")


def at_random_moments(chosen, verifier, report, root, step):
    opening = opening_time(chosen, root)
    trials = in_step = in_opening = records = 0
    while trials < TRIALS:
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
            if seen and this.opened:
                expected = [count_of(seen, "completion"), count_of(seen, "label")]
                report.check(
                    this.opened[1:] == expected,
                    f"{step}, trial {trials}: opened {this.opened}, read {expected}",
                )
            seen = found
            trials += 1
            in_step += this.began > this.ended
            in_opening += this.opened is None
        records += len(known.records)
        shutil.rmtree(f"{project}.d", ignore_errors=True)
        project.unlink(missing_ok=True)
    print(f"{step}: {trials} kills, {in_step} within a step, {in_opening} while opening, {records} records")
    report.at_least(trials, TRIALS, f"kills during {step}")
    report.at_least(in_step, TRIALS // 3, f"of them within a step of {step}")


def killed_before(chosen, place, step, n, known):
    """Whether the step had an n-th call; adds what the writer said."""
    writer = harness.Talk(chosen, place, place / "p.h5", f"step,kill={n}")
    writer.known = known
    for word in ("open", f"prepare {step}", "faults 1", "attempt"):
        answer = writer.say(word)
    ended = writer.process.wait() if answer is None else writer.end()
    assert ended in (0, -signal.SIGKILL) and not known.errors, (ended, known.errors)
    return ended != 0


def before_every_call(chosen, verifier, report, root, step):
    base, place = root / "base", root / "copy"
    base.mkdir()
    _, text = harness.run(chosen, base, [base / "p.h5", "merge", 2])
    calls, going = 0, True
    while going:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(base, place)
        known = harness.Acknowledged()
        known.take_all(text)
        going = killed_before(chosen, place, step, calls + 1, known)
        bad, _ = verifier.missing(place / "p.h5", known)
        report.check(not bad, f"{step}, killed before call {calls + 1}: {bad[:3]}")
        status, said = harness.run(chosen, place, [place / "p.h5", "save", 1])
        known.take_all(said)
        bad, _ = verifier.missing(place / "p.h5", known)
        report.check(
            status == 0 and not bad, f"{step}, after call {calls + 1}: going on: {status}, {bad[:3]}"
        )
        calls += going
    least = {"save": 60, "shard": 30, "log": 3, "merge": 60}[step]
    report.at_least(calls, least, f"calls of {step}, killed before each")
    shutil.rmtree(base)


def main():
    chosen, report = harness.options(), harness.Report()
    verifier = harness.Verifier(chosen)
    with harness.folder() as name:
        root = pathlib.Path(os.path.realpath(name))
        for step in STEPS:
            at_random_moments(chosen, verifier, report, root, step)
        for step in STEPS:
            before_every_call(chosen, verifier, report, root, step)
    report.at_least(verifier.readings, 4 * TRIALS, "readings by h5py")
    report.finish()


main()
