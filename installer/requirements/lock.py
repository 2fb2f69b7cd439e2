#!/usr/bin/env python3
"""Turns the .in files of this folder into .txt files with exact versions and SHA-256 digests.

Run it by hand after changing an .in file, with Python 3.11 on x86-64 Linux: python3 lock.py. What pip
resolves now is written; a package that another file of the same venv already pins keeps that version. Set-up
reads only the .txt files.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
# name: (dependencies wanted, files whose pins hold here, whose packages are left out)
FILES = {
    "torch-full": (True, []),
    "torch-cpu": (False, ["torch-full"]),
    "peers-base": (True, ["torch-full"]),
    "peers-llama": (False, ["torch-full", "peers-base"]),
    "llama-source": (False, []),
    "models": (False, []),
}


def pins_of(name):
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    return [line.split(" ")[0] for line in lines if "==" in line and not line.startswith("#")]


def resolve(name, dependencies, constraints):
    """Returns {package: (version, sha256)} as pip would install them into an empty environment."""
    with tempfile.TemporaryDirectory() as scratch:
        constraint_file = pathlib.Path(scratch, "constraints.txt")
        constraint_file.write_text("".join(f"{pin}\n" for pin in constraints))
        report = pathlib.Path(scratch, "report.json")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report",
            str(report),
            "-c",
            str(constraint_file),
            "-r",
            str(FOLDER / f"{name}.in"),
        ]
        if name != "llama-source":
            command += ["--only-binary", ":all:"]
        if not dependencies:
            command.append("--no-deps")
        subprocess.run(command, check=True)
        found = {}
        for item in json.loads(report.read_text())["install"]:
            package = item["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
            found[package] = (
                item["metadata"]["version"],
                item["download_info"]["archive_info"]["hashes"]["sha256"],
            )
        return found


def main():
    for name, (dependencies, constrained_by) in FILES.items():
        constraints = [pin for other in constrained_by for pin in pins_of(other)]
        found = resolve(name, dependencies, constraints)
        if name.startswith("peers"):
            held = {pin.split("==")[0] for pin in constraints}
            found = {package: pin for package, pin in found.items() if package not in held}
        heading = (FOLDER / f"{name}.in").read_text().splitlines()[0]
        lines = [heading, f"# Written by lock.py from {name}.in."]
        lines += [
            f"{package}=={version} --hash=sha256:{digest}"
            for package, (version, digest) in sorted(found.items())
        ]
        (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n")
        print(f"{name}: {len(found)} packages")


if __name__ == "__main__":
    main()
