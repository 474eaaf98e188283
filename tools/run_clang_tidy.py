#!/usr/bin/env python3
"""Runs clang-tidy on the sources of src/ that changed since they last passed.

A source that passed is remembered by a hash of itself, of every header of ours and of .clang-tidy,
so a second run costs nothing and a changed header checks everything again.

Sources of a folder that are compiled alike are checked together, as one that includes them all:
most of the time goes into headers, which are then read once. Where their names clash, each is
checked by itself.
"""

import argparse
import hashlib
import itertools
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# Tests and benchmarks are compiled with warnings as errors; their macros drown clang-tidy.
NOT_CHECKED = ("_test.cpp", "_bench.cpp", "_fuzz.cpp")
TOGETHER_MAX = 12
# clang-tidy's name for what a compiler says, such as that a name is there twice.
NOT_COMPILED = "[clang-diagnostic-error]"


@dataclass(frozen=True)
class Source:
    file: Path
    folder: Path  # that it is compiled in
    command: str  # without its own names

    @staticmethod
    def of(entry: dict) -> "Source":
        # What it is compiled from and into comes last.
        command = re.sub(r" -o \S+ -c \S+$", "", entry["command"])
        return Source(Path(entry["file"]), Path(entry["directory"]), command)


def sources_of(build: Path, root: Path) -> list[Source]:
    commands = json.loads((build / "compile_commands.json").read_text())
    sources = {source.file: source for source in map(Source.of, commands)
               if source.file.suffix == ".cpp" and source.file.is_relative_to(root / "src")
               and not source.file.name.endswith(NOT_CHECKED)}
    return [sources[file] for file in sorted(sources)]


def shared_state(root: Path, program: Path) -> bytes:
    """What the verdict on every source depends on."""
    version = subprocess.run([program, "--version"], capture_output=True, check=True)
    digest = hashlib.sha256(version.stdout)
    digest.update((root / ".clang-tidy").read_bytes())
    for of_folder in sorted(root.glob("src/**/.clang-tidy")):
        digest.update(of_folder.read_bytes())
    headers = [*root.glob("src/**/*.h"), *root.glob("include/**/*.h")]
    for header in sorted(headers):
        digest.update(header.read_bytes())
    return digest.digest()


def batches_of(sources: list[Source]) -> list[list[Source]]:
    def alike(source: Source) -> tuple[str, str]:
        return source.command, str(source.file.parent)

    batches = []
    for _, group in itertools.groupby(sorted(sources, key=alike), alike):
        left = list(group)
        batches += [left[i:i + TOGETHER_MAX] for i in range(0, len(left), TOGETHER_MAX)]
    return batches


class Checker:
    """Batches are written below the folder `together`, each where the .clang-tidy of its sources'
    folder holds."""

    def __init__(self, program: Path, build: Path, root: Path) -> None:
        self._program, self._build, self._root = program, build, root

    def findings(self, batch: list[Source], number: int) -> tuple[list[Path], str]:
        """The sources that did not pass, and what is to be said of them."""
        if len(batch) > 1:
            clean, report = self._check_together(batch, number)
            if clean:
                return [], ""
            if NOT_COMPILED not in report:
                named = [source.file for source in batch if str(source.file) in report]
                return named or [source.file for source in batch], report
        outcomes = {source.file: self._check(source.file, self._build) for source in batch}
        return ([file for file, (clean, _) in outcomes.items() if not clean],
                "\n".join(report.strip() for clean, report in outcomes.values() if not clean))

    def _check_together(self, batch: list[Source], number: int) -> tuple[bool, str]:
        first = batch[0]
        folder = self._build / "together" / first.file.parent.relative_to(self._root)
        folder.mkdir(parents=True, exist_ok=True)
        settings = first.file.parent / ".clang-tidy"
        if settings.exists():
            (folder / settings.name).write_bytes(settings.read_bytes())
        # By this name the analyzer knows that what is included is not headers.
        together = folder / f"UnifiedSource{number}.cpp"
        together.write_text("".join(f'#include "{source.file}"\n' for source in batch))
        commands = folder / str(number)
        commands.mkdir(exist_ok=True)
        (commands / "compile_commands.json").write_text(json.dumps([{
            "directory": str(first.folder), "file": str(together),
            "command": f"{first.command} -c {together}"}]))
        # Each source was compiled with this warning, by itself.
        return self._check(together, commands, "--checks=-bugprone-suspicious-include",
                           "--extra-arg=-Wno-shadow")

    def _check(self, file: Path, commands: Path, *options: str) -> tuple[bool, str]:
        run = subprocess.run(
            [self._program, "--quiet", "--warnings-as-errors=*", "-p", commands, *options, file],
            capture_output=True, text=True, check=False)
        return run.returncode == 0, run.stdout or run.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="folder with compile_commands.json")
    parser.add_argument("--program", type=Path, required=True, help="clang-tidy")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    root = Path.cwd()
    shared = shared_state(root, arguments.program)
    passed_file = arguments.build / "clang-tidy-passed"
    passed = set(passed_file.read_text().split()) if passed_file.exists() else set()
    sources = sources_of(arguments.build, root)
    keys = {
        source.file: hashlib.sha256(
            shared + str(source.file).encode() + source.file.read_bytes()).hexdigest()
        for source in sources
    }
    waiting = [source for source in sources if keys[source.file] not in passed]

    failed = 0
    batches = batches_of(waiting)
    checker = Checker(arguments.program, arguments.build.resolve(), root)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = pool.map(checker.findings, batches, itertools.count())
        for batch, (not_passed, report) in zip(batches, outcomes):
            passed |= {keys[source.file] for source in batch if source.file not in not_passed}
            failed += len(not_passed)
            if not_passed:
                print(report.strip())
    passed_file.write_text("\n".join(sorted(passed & set(keys.values()))))
    print(f"clang-tidy: {len(waiting)} of {len(keys)} sources checked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
