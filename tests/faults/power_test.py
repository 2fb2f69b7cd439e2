"""Power cuts: traced writes of the writer, cut off anywhere and replayed as a disk may have them afterwards.

The same cuts of traces without fsync, without fsync of folders and without renames must lose records:
otherwise this test could not see a loss.
"""

import os
import pathlib
import random
import shutil

import harness
import disk

CUTS, CONTROL_CUTS = 400, 150  # in all; for each control
ROUNDS = {"save": 8, "log": 60, "shard": 15, "merge": 6}


def traced(chosen, report, root, step):
    """The events of a writer's run from an empty folder, after a proof that nothing is missing among them."""
    place = root / step
    place.mkdir()
    status, _ = harness.run(chosen, place, [place / "p.h5", step, ROUNDS[step]], trace=root / f"{step}.trace")
    report.check(status == 0, f"the traced writer ended with {status}")
    events = disk.read(root / f"{step}.trace")
    whole = disk.Disk(str(place))
    for event in events:
        whole.apply(event)
    replayed = root / f"{step}-replayed"
    whole.lay_out(str(replayed), power_cut=False)
    finding = disk.difference(place, replayed)
    report.check(finding is None, f"{step}: the trace is not all that was written: {finding}")
    shutil.rmtree(replayed)
    return str(place), events


def cut(verifier, root, place, events, count, **disk_options):
    """Cuts the events `count` times: (moment, what is bad, what was acknowledged, the folder afterwards)."""
    begin = next(i for i, event in enumerate(events) if event.kind == disk.ACKNOWLEDGED)
    moments = sorted(random.randrange(begin + 1, len(events) + 1) for _ in range(count))
    cut_off, done = disk.Disk(place, **disk_options), 0
    for moment in moments:
        for event in events[done:moment]:
            cut_off.apply(event)
        done = moment
        after = root / "after"
        shutil.rmtree(after, ignore_errors=True)
        cut_off.lay_out(str(after), power_cut=True)
        known = harness.Acknowledged()
        known.take_all(b"".join(cut_off.acknowledged).decode())
        yield moment, verifier.missing(after / "p.h5", known)[0], known, after


def as_written(chosen, verifier, report, root, traces):
    cuts = records = reopened = 0
    for step, (place, events) in traces.items():
        for moment, bad, known, after in cut(verifier, root, place, events, CUTS // len(traces)):
            report.check(not bad, f"{step}, cut before event {moment} of {len(events)}: {bad[:3]}")
            cuts += 1
            records += len(known.records)
            if cuts % 4 == 0:  # and the program goes on from there
                status, said = harness.run(chosen, after, [after / "p.h5", "save", 1])
                known.take_all(said)
                bad = verifier.missing(after / "p.h5", known)[0]
                report.check(
                    status == 0 and not bad,
                    f"{step}, event {moment}: going on ended with {status}, {bad[:3]}",
                )
                reopened += 1
    report.at_least(cuts, CUTS, "power cuts")
    report.at_least(records, 20 * CUTS, "acknowledged records looked for")
    report.at_least(reopened, CUTS // 4, "projects opened again by the program")


def controls(verifier, report, root, traces):
    without = {
        "no fsync of files": (lambda events: events, {"file_syncs": False}),
        "no fsync of folders": (lambda events: events, {"folder_syncs": False}),
        "no temporary file and rename": (lambda events: list(disk.in_place(events)), {}),
    }
    for name, (change, options) in without.items():
        cuts = lost = 0
        for step, (place, events) in traces.items():
            if step == "log" and not options:
                continue  # logs have no renames
            for _, bad, _, _ in cut(
                verifier, root, place, change(events), CONTROL_CUTS // len(traces), **options
            ):
                cuts += 1
                lost += bool(bad)
        report.at_least(100 * lost // max(cuts, 1), 25, f"% of {cuts} cuts lose records with {name}")


def main():
    chosen, report = harness.options(), harness.Report()
    verifier = harness.Verifier(chosen)
    with harness.folder() as name:
        root = pathlib.Path(os.path.realpath(name))
        traces = {step: traced(chosen, report, root, step) for step in ROUNDS}
        as_written(chosen, verifier, report, root, traces)
        controls(verifier, report, root, traces)
    report.finish()


main()
