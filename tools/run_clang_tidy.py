#!/usr/bin/env python3
"""Runs clang-tidy on the sources of src/ that changed since they last passed.

A source that passed is remembered by a hash of itself, of every header of ours and of .clang-tidy,
so a second run costs nothing and a changed header checks everything again.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Tests and benchmarks are compiled with warnings as errors; their macros drown clang-tidy.
NOT_CHECKED = ("_test.cpp", "_bench.cpp", "_fuzz.cpp")


def sources_of(build: Path, root: Path) -> list[Path]:
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {Path(command["file"]) for command in commands}
    return sorted(
        file for file in files
        if file.suffix == ".cpp" and file.is_relative_to(root / "src")
        and not file.name.endswith(NOT_CHECKED))


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


def check(source: Path, build: Path, program: Path) -> tuple[bool, str]:
    run = subprocess.run(
        [program, "--quiet", "--warnings-as-errors=*", "-p", str(build), str(source)],
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
    keys = {
        source: hashlib.sha256(shared + str(source).encode() + source.read_bytes()).hexdigest()
        for source in sources_of(arguments.build, root)
    }
    waiting = [source for source, key in keys.items() if key not in passed]

    failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        reports = pool.map(
            lambda source: check(source, arguments.build, arguments.program), waiting)
        for source, (clean, report) in zip(waiting, reports):
            if clean:
                passed.add(keys[source])
            else:
                failed += 1
                print(report.strip())
    passed_file.write_text("\n".join(sorted(passed & set(keys.values()))))
    print(f"clang-tidy: {len(waiting)} of {len(keys)} sources checked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
