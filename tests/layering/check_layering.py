#!/usr/bin/env python3
"""Checks the design's table of folders against CMake's arrows, the #include lines and the libraries.

Usage: check_layering.py ROOT. Prints one line for each violation and exits with 1 if there is one. It first
plants one violation of each kind in a small tree and fails if it does not find exactly that one.
"""

import pathlib
import re
import sys

import rules

CODE = {".h", ".hpp", ".cpp", ".cc", ".cxx"}
HEADERS = {".h", ".hpp"}
TEXT = CODE | {
    ".txt",
    ".cmake",
    ".json",
    ".py",
    ".sh",
    ".md",
    ".rs",
    ".toml",
    ".qss",
    ".qrc",
    ".in",
    ".svg",
    "",
}
ROOTS = ["core", "widgets", "app", "resources", "tests", "cmake", "installer", "data"]
MODULES = ["core", "widgets", "app", "resources"]
SKIPPED = {"target", "build", "__pycache__", ".git"}
MACHINE_PATH = re.compile(r"(?<![\w./*<>-])/(?:work|root|Users|home)/")


def closure(arrows, start):
    seen, waiting = set(), list(arrows.get(start, []))
    while waiting:
        folder = waiting.pop()
        if folder not in seen:
            seen.add(folder)
            waiting += arrows.get(folder, [])
    return seen


def folder_of(path):
    """The folder of the table that a file or include belongs to, or None."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in rules.MAY_USE:
            return "/".join(parts)
        parts.pop()
    return None


def without_comments(text):
    """C++ without comments; strings stay, and so do line numbers."""
    strings = r'R"([^()\s]*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    comments = r"//[^\n]*|/\*(?:.|\n)*?\*/"

    def keep(match):
        found = match.group(0)
        return "\n" * found.count("\n") if found.startswith(("//", "/*")) else found

    return re.sub(f"{strings}|{comments}", keep, text)


def cmake_words(text):
    """The commands of a CMake file as (name, [arguments]); no nested parentheses."""
    text = re.sub(r"#[^\n]*", "", text)
    return [
        (name, arguments.replace('"', " ").split())
        for name, arguments in re.findall(r"(\w+)\s*\(([^()]*)\)", text)
    ]


def section(arguments, name, names):
    if name not in arguments:
        return []
    rest = arguments[arguments.index(name) + 1 :]
    end = next((i for i, word in enumerate(rest) if word in names), len(rest))
    return rest[:end]


class Tree:
    """The files of one source tree and what is wrong with them."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.violations = []
        self.files = []
        for top in ROOTS:
            for path in sorted((self.root / top).rglob("*")):
                if path.is_file() and not SKIPPED & set(path.relative_to(self.root).parts):
                    self.files.append(path.relative_to(self.root).as_posix())
        self.declared = {}

    def check(self):
        self.check_folders()
        self.check_cmake()
        self.check_circles()
        for name in self.files:
            suffix = pathlib.PurePosixPath(name).suffix
            if suffix in TEXT:
                text = (self.root / name).read_text(encoding="utf-8", errors="replace")
                self.check_text(name, text)
                if suffix in CODE:
                    self.check_code(name, without_comments(text))
        return self.violations

    def report(self, where, what):
        self.violations.append(f"{where}: {what}")

    def check_folders(self):
        listed = {name.rpartition("/")[0] for name in self.files if name.endswith("/CMakeLists.txt")}
        for name in self.files:
            folder = name.rpartition("/")[0]
            is_code = pathlib.PurePosixPath(name).suffix in CODE
            if name.split("/")[0] not in MODULES or not (is_code or name.endswith("/CMakeLists.txt")):
                continue
            if folder.startswith(("widgets/", "app/workbench/")) and not name.endswith("/CMakeLists.txt"):
                folder = folder_of(name)
            if "/crate" not in folder and folder not in rules.MAY_USE:
                self.report(name, "its folder is not in the design's table")
            elif name.endswith(".cpp") and folder in rules.MAY_USE and folder not in listed:
                self.report(name, f"{folder} has no CMakeLists.txt, so this file is never built")

    def check_cmake(self):
        targets = {"azimuth_" + folder.replace("/", "_"): folder for folder in rules.MAY_USE}
        for name in self.files:
            here = name.rpartition("/")[0]
            if not name.endswith("/CMakeLists.txt") or name.split("/")[0] not in MODULES:
                continue
            for command, arguments in cmake_words((self.root / name).read_text()):
                if command == "azimuth_module":
                    if arguments[:1] != [here]:
                        self.report(name, f"azimuth_module({' '.join(arguments[:1])}) in the folder {here}")
                    self.check_arrows(name, here, section(arguments, "USES", MODULE_SECTIONS))
                if command in ("azimuth_module", "azimuth_use", "target_link_libraries"):
                    words = arguments[1:]
                    self.check_arrows(name, here, [targets[word] for word in words if word in targets])
                    if command == "azimuth_use":
                        self.check_arrows(name, here, words)
                    self.check_linked(name, here, words)
                if command == "target_precompile_headers":
                    for word in arguments[1:]:
                        self.check_library_include(name, name, here, word.strip("<>"))

    def check_arrows(self, name, here, used):
        allowed = closure(rules.MAY_USE, here)
        for folder in used:
            if folder == here:
                continue
            if folder not in rules.MAY_USE:
                self.report(name, f"uses {folder}, which is not in the design's table")
            elif folder not in allowed:
                self.report(name, f"{here} may not use {folder}")
            else:
                self.declared.setdefault(here, set()).add(folder)

    def check_linked(self, name, here, words):
        for word in words:
            for library, _, target, owners, _ in rules.LIBRARIES:
                if re.fullmatch(target, word) and here not in owners:
                    self.report(name, f"{here} may not link {library} ({word})")
            if here in rules.QT_CORE_ONLY and re.fullmatch(r"Qt6::\w+", word) and word != "Qt6::Core":
                self.report(name, f"{here} is Qt Core only, not {word}")

    def check_circles(self):
        for folder in sorted(self.declared):
            if folder in closure(self.declared, folder):
                self.report(folder, "its arrows run in a circle")

    def check_text(self, name, text):
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                self.report(f"{name}:{number}", "an absolute path of one machine")

    def check_code(self, name, text):
        lines = text.count("\n")
        if lines > rules.LONGEST_FILE:
            self.report(name, f"{lines} lines; {rules.LONGEST_FILE} at most")
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            for reason, pattern in rules.FORBIDDEN_WORDS:
                if re.search(pattern, line):
                    self.report(where, reason)
            match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
            if match:
                self.check_include(where, name, match.group(1), match.group(2))

    def check_include(self, where, name, quoted, angled):
        here = None if name.startswith("tests/") else folder_of(name)
        self.check_library_include(where, name, here, quoted or angled)
        if here is None or quoted is None or quoted.endswith(".moc"):
            return
        folder = folder_of(quoted)
        if folder is None:
            if quoted.startswith("tests/"):
                self.report(where, f"code includes a test's file ({quoted})")
            elif (self.root / name).parent.joinpath(quoted).exists():
                self.report(where, f'"{quoted}" is not named from the repository\'s root')
        elif quoted in rules.PLAIN_HEADERS and here in rules.PLAIN_HEADER_USERS:
            return
        elif folder != here and folder not in closure(rules.MAY_USE, here):
            self.report(where, f"{here} may not include {quoted}")
        elif folder != here and folder not in closure(self.declared, here):
            self.report(where, f"includes {quoted}, but {here} declares no arrow to {folder}")

    def check_library_include(self, where, name, here, included):
        in_header = pathlib.PurePosixPath(name).suffix in HEADERS
        for library, pattern, _, owners, in_headers in rules.LIBRARIES:
            if not re.fullmatch(pattern, included):
                continue
            if here is None:
                if in_header and library == "spdlog":
                    self.report(where, f"{library} in a header")
                continue
            if library == "Qt" and name in rules.PLAIN_HEADERS:
                self.report(where, "Qt in a header that core shares")
                continue
            passed_on = library in rules.PASSED_ON and owners & closure(rules.MAY_USE, here)
            if here not in owners and not passed_on:
                self.report(where, f"{here} may not include {library} ({included})")
            elif in_header and not in_headers:
                self.report(where, f"{library} in a header")


MODULE_SECTIONS = {"SOURCES", "USES", "LIBRARIES", "PRIVATE_LIBRARIES"}


def main():
    import self_test

    failures = self_test.run(Tree)
    for failure in failures:
        print(f"self-test: {failure}")
    violations = Tree(sys.argv[1]).check()
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations; self-test: {len(failures)} failures")
    return 1 if violations or failures else 0


if __name__ == "__main__":
    sys.exit(main())
