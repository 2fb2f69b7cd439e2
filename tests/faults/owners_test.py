"""Two windows, two hosts, lost locks, side folders that go away or lie elsewhere, a clock that moves back:
nobody overwrites what somebody else saved, and nothing that was acknowledged is lost."""

import json
import os
import pathlib
import shutil
import socket
import tempfile

import harness

ENOLCK, EINVAL = 37, 22


class Case:
    """A folder with a project, and the writers that have it open."""

    def __init__(self, chosen, verifier, report, root, name):
        self.chosen, self.verifier, self.report, self.name = chosen, verifier, report, name
        self.folder = root / name.replace(" ", "-")
        self.folder.mkdir()
        self.project = self.folder / "p.h5"
        self.known, self.writers = harness.Acknowledged(), []
        _, text = harness.run(chosen, self.folder, [self.project, "merge", 2])
        self.known.take_all(text)

    def writer(self, faults=""):
        writer = harness.Talk(self.chosen, self.folder, self.project, faults)
        writer.known = self.known
        self.writers.append(writer)
        return writer

    def check(self, good, what):
        self.report.check(good, f"{self.name}: {what}")

    def does(self, writer, step):
        answer = writer.say(f"prepare {step}")
        answer = writer.say("attempt") if isinstance(answer, list) else answer
        self.check(isinstance(answer, list), f"{step} gives {answer}")

    def is_refused(self, writer, step, code):
        answer = writer.say(f"prepare {step}")
        answer = writer.say("attempt") if isinstance(answer, list) else answer
        self.check(
            isinstance(answer, harness.Refused) and answer.code == code, f"{step} gives {answer}, not {code}"
        )

    def opens(self, writer, read_only_because=None):
        lines = writer.say("open")
        why = [line for line in lines or [] if line.startswith("readonly ")]
        if read_only_because is None:
            self.check(isinstance(lines, list) and not why, f"opening gives {lines} {why}")
        else:
            self.check(
                bool(why) and read_only_because in why[0], f"opening says {why}, not {read_only_because}"
            )

    def forget_the_log(self):
        """It went with the side folder; what is in the project besides is not told apart here."""
        in_shards = ("completion", "bank")
        self.known.records = {one: crc for one, crc in self.known.records.items() if one.split(" ")[0] in in_shards}
        self.known.studies = []

    def end(self):
        for writer in self.writers:
            if writer.process.poll() is None:
                self.check(writer.end() == 0, "a program failed")
        return self.verified()

    def verified(self):
        bad, found = self.verifier.missing(self.project, self.known)
        self.check(not bad, f"{bad[:3]}")
        return found


def two_windows(case):
    first, second = case.writer(), case.writer()
    case.opens(first)
    case.opens(second, f"process {first.process.pid} of ")
    case.is_refused(second, "save", "project.readonly")
    case.does(first, "save")
    case.check(second.say("newer") == ["newer yes"], "the second does not see the new generation")
    case.check(second.say("lock") == ["locked no"], "the second may write while the first does")
    first.kill()  # its lock dies with it; who takes it opens the project anew
    case.check(second.say("lock") == ["locked yes"], "the second may not write after the first")
    case.does(second, "save")
    case.end()


def lock_file_removed(case):
    first, second = case.writer(), case.writer()
    case.opens(first)
    pathlib.Path(f"{case.project}.lock").unlink()
    case.opens(second)
    case.does(second, "save")
    case.is_refused(first, "save", "project.locklost")
    case.is_refused(first, "merge", "project.locklost")
    case.does(second, "merge")
    case.end()


def locks_that_lie(case):
    first, second = case.writer("lies=1"), case.writer("lies=1")
    case.opens(first)
    case.opens(second)
    case.does(second, "again")
    case.is_refused(first, "again", "project.changed")
    case.does(second, "save")
    case.is_refused(first, "save", "log.shared")  # which changes the study before
    case.does(second, "merge")
    case.is_refused(first, "merge", "log.shared")
    case.is_refused(first, "log", "log.shared")
    case.end()


def edits_of_two(case):
    """Each makes edits that the other one does not know: whoever comes second is told, and has both when it
    opens the project again."""
    first, second = case.writer("lies=1"), case.writer("lies=1")
    case.opens(first)
    case.opens(second)
    case.does(first, "log")
    case.is_refused(second, "log", "log.shared")
    second.kill()  # closing would take the lock of both along
    again = case.writer("lies=1")
    case.opens(again)
    case.does(again, "log")
    case.is_refused(first, "log", "log.shared")
    case.does(again, "save")
    case.is_refused(first, "save", "log.shared")
    for _ in range(4):  # no generation that is kept needs the logs any more
        case.does(again, "again")
    case.check(not list(pathlib.Path(f"{case.project}.d").glob("*.azlog")), "logs are left")
    case.is_refused(first, "log", "log.shared")
    case.end()


def another_file_with_the_same_number(case, faults=""):
    """A sync client puts the generation in place that another machine saved: the same number, another file."""
    there = case.folder / "there"
    there.mkdir()
    shutil.copy(case.project, there)
    status, _ = harness.run(case.chosen, there, [there / "p.h5", "save", 1])
    case.check(status == 0, "the other machine cannot save")
    first = case.writer(faults)
    case.opens(first)
    case.does(first, "save")
    ours = case.project.read_bytes()
    theirs = (there / "p.h5").read_bytes()
    os.replace(there / "p.h5", case.project)
    case.is_refused(first, "again", "project.changed")
    case.is_refused(first, "merge", "log.shared")
    case.check(case.project.read_bytes() == theirs, "what the other machine saved is replaced")
    case.project.write_bytes(ours)
    case.does(first, "save")
    case.does(first, "save")
    case.end()


def no_exchange_of_files(case):
    """A file system that can only rename."""
    another_file_with_the_same_number(case, f"exchange={EINVAL}")


def owner_of(case, **changes):
    path = pathlib.Path(f"{case.project}.owner")
    owner = json.loads(path.read_text(encoding="utf-8"))
    owner.update(changes)
    path.write_text(json.dumps(owner), encoding="utf-8")


def two_hosts(case):
    """A share without locks: the owner file that the other host would have written."""
    first, second, third = (case.writer(f"lock=0:{ENOLCK}") for _ in range(3))
    case.opens(first)
    owner_of(case, host="elsewhere", boot="f00d", process=1)
    case.opens(second, "on elsewhere")
    case.is_refused(second, "save", "project.readonly")
    case.does(first, "save")  # it still has the file
    case.opens(second, "on elsewhere")  # the new generation, and still not to be written
    case.check(second.say("takeover") == [], "a user cannot take over")
    case.opens(second)
    case.is_refused(first, "save", "project.locklost")
    case.does(second, "save")
    case.opens(third, f"process {second.process.pid} of ")
    case.end()


def owners_that_are_gone(case):
    first = case.writer(f"lock=0:{ENOLCK}")
    case.opens(first)
    first.kill()
    second = case.writer(f"lock=0:{ENOLCK}")
    case.opens(second)  # its process is gone
    owner_of(case, started=1)
    third = case.writer(f"lock=0:{ENOLCK}")
    case.opens(third)  # another process has its number now
    case.is_refused(second, "save", "project.locklost")
    case.does(third, "save")
    owner_of(case, boot="another boot", machine="another machine", process=1)
    fourth = case.writer(f"lock=0:{ENOLCK}")
    case.opens(fourth, f"on {socket.gethostname()}")  # a machine of the same name: who knows
    case.end()


def a_disk_that_is_shared(case):
    """One machine has the project on its disk and the kernel's lock, the other reaches it without locks."""
    first, second = case.writer(), case.writer(f"lock=0:{ENOLCK}")
    case.opens(first)
    lock = pathlib.Path(f"{case.project}.lock")
    owner = json.loads(lock.read_text(encoding="utf-8"))
    lock.write_text(json.dumps(dict(owner, host="elsewhere", boot="f00d")), encoding="utf-8")
    case.opens(second, "on elsewhere")
    case.is_refused(second, "save", "project.readonly")
    case.does(first, "save")
    case.check(second.say("takeover") == [], "a user cannot take over")
    case.opens(second)
    case.is_refused(first, "save", "project.locklost")
    case.does(second, "save")
    case.end()


def side_folder_removed(case):
    writer = case.writer()
    case.opens(writer)
    case.does(writer, "merge")
    shutil.rmtree(f"{case.project}.d")
    case.does(writer, "save")
    case.does(writer, "notes")
    writer.say("prepare notes")
    shutil.rmtree(f"{case.project}.d")
    # What lay in the log is gone with the folder, but what comes next must not be written into nothing.
    case.forget_the_log()
    answer = writer.say("attempt")
    case.check(isinstance(answer, (list, harness.Refused)), f"the log gives {answer}")
    case.verified()
    case.does(writer, "notes")
    case.does(writer, "save")
    case.end()


def side_folder_moved(case):
    writer = case.writer()
    case.opens(writer)
    case.does(writer, "notes")
    os.rename(f"{case.project}.d", f"{case.project}.d.away")
    case.forget_the_log()
    writer.say("prepare notes")
    writer.say("attempt")
    case.verified()
    case.does(writer, "notes")
    case.does(writer, "shard")
    case.end()


def side_folder_elsewhere(case):
    """A link to another file system: nothing can be renamed from there."""
    with tempfile.TemporaryDirectory(prefix="azimuth-faults-", dir=other_file_system(case.folder)) as other:
        there = pathlib.Path(other) / "side"
        shutil.move(f"{case.project}.d", there)
        os.symlink(there, f"{case.project}.d")
        writer = case.writer()
        case.opens(writer)
        for step in ("save", "merge", "log", "shard", "save", "save"):
            case.does(writer, step)
        kept = list((there / "prev").glob("p.*.h5"))
        case.check(len(kept) == 3, f"{len(kept)} earlier generations are kept")
        case.end()


def other_file_system(folder):
    here = os.stat(folder).st_dev
    for place in (tempfile.gettempdir(), "/dev/shm", os.getcwd(), pathlib.Path.home()):
        if os.path.isdir(place) and os.access(place, os.W_OK) and os.stat(place).st_dev != here:
            return place
    raise SystemExit("there is no second file system that can be written here")


def clock_moved_back(case):
    for days in (0, -10, 0, -4000, -10):
        writer = case.writer(f"clock={days * 86400}")
        case.opens(writer)
        for step in ("log", "save", "merge", "shard"):
            case.does(writer, step)
        case.check(writer.end() == 0, "the program failed")
        case.verified()
    kept = sorted(path.name for path in pathlib.Path(f"{case.project}.d/prev").glob("p.*.h5"))
    found = case.end()
    expected = sorted(f"p.{found['generation'] - i}.h5" for i in (1, 2, 3))
    case.check(kept == expected, f"{kept} are kept, not {expected}")


CASES = (
    two_windows,
    lock_file_removed,
    locks_that_lie,
    edits_of_two,
    another_file_with_the_same_number,
    no_exchange_of_files,
    two_hosts,
    owners_that_are_gone,
    a_disk_that_is_shared,
    side_folder_removed,
    side_folder_moved,
    side_folder_elsewhere,
    clock_moved_back,
)


def main():
    chosen, report = harness.options(), harness.Report()
    verifier, done = harness.Verifier(chosen), 0
    with harness.folder() as name:
        root = pathlib.Path(os.path.realpath(name))
        for one in CASES:
            one(Case(chosen, verifier, report, root, one.__name__.replace("_", " ")))
            done += 1
    report.at_least(done, len(CASES), "cases of two owners")
    report.finish()


main()
