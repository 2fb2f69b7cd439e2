"""What ctest's summary does not say: which tests were skipped and why, and how long the fault tests took.

    test_report.py BUILD JUNIT MINUTES

Fails if a test was skipped for want of something that set-up installs. What a machine cannot do (instructions,
mounting) is only told, and so it is if the tests labelled faults took longer than MINUTES in total: a busy
machine takes what it takes.
"""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

OF_THE_MACHINE = ("this machine", "no permission")


def skipped(build, cases):
    """(test, reason): whole tests by their exit code, functions of Qt tests by what they print."""
    for case in cases:
        if case.find("skipped") is not None and case.get("status") == "notrun":
            yield case.get("name"), (case.findtext("system-out") or "it was not run").strip()
    log = pathlib.Path(build, "Testing/Temporary/LastTest.log")
    for found in re.finditer(r"^SKIP +: (\S+?\(.*?\)) (.*)$", log.read_text(errors="replace"), re.MULTILINE):
        yield found.group(1), found.group(2).strip()


def main():
    build, junit, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    cases = list(ElementTree.parse(junit).getroot().iter("testcase"))
    bad = []
    for test, reason in skipped(build, cases):
        print(f"skipped: {test}: {reason}")
        if not reason.startswith(OF_THE_MACHINE):
            bad.append(f"{test} was skipped, but set-up installs what it needs")
    names = named_by_label(build, "faults")
    faults = [case for case in cases if case.get("name") in names]
    seconds = sum(float(case.get("time")) for case in faults)
    over = ", longer than they should" if seconds > 60 * minutes else ""
    print(f"{len(faults)} fault tests took {seconds / 60:.1f} minutes (at most {minutes:g}){over}")
    for one in bad:
        print(f"test_report: {one}", file=sys.stderr)
    return 1 if bad else 0


def named_by_label(build, label):
    command = ["ctest", "--test-dir", build, "--label-regex", f"^{label}$", "--show-only=json-v1"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {test["name"] for test in json.loads(listed)["tests"]}


sys.exit(main())
