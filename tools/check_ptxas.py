#!/usr/bin/env python3
"""Holds what ptxas says of the GPU's kernels to a table: no register is spilled, and registers and
shared memory stay within what the table allows. `--write` makes the table of what there is.

The table has a row for each kernel, with the most that any architecture takes.
"""

import argparse
import re
import sys
from pathlib import Path

ENTRY = re.compile(r"Compiling entry function '(\w+)' for 'sm_(\w+)'")
SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")
FORMATS = {"Bf16Format": "bf16", "Fp16Format": "fp16"}


def readable(symbol: str) -> str:
    """attention_kernel<bf16, 32> from its mangled name, as far as a person needs it."""
    name = re.search(r"\d+([a-z_]+_kernel)", symbol)
    arguments = [short for long, short in FORMATS.items() if long in symbol]
    arguments += re.findall(r"Lj(\d+)E", symbol)
    arguments += [short for code, short in (("Il", "int64"), ("Ii", "int32")) if code in symbol]
    return (name.group(1) if name else symbol) + (f"<{','.join(arguments)}>" if arguments else "")


def read_log(text: str) -> dict[str, dict[str, tuple[int, int, int]]]:
    """kernel -> architecture -> (registers, bytes of shared memory, bytes spilled)"""
    kernels: dict[str, dict[str, tuple[int, int, int]]] = {}
    kernel, architecture, spilled = "", "", 0
    for line in text.splitlines():
        if match := ENTRY.search(line):
            kernel, architecture, spilled = readable(match.group(1)), match.group(2), 0
        elif match := SPILLS.search(line):
            spilled = int(match.group(1)) + int(match.group(2))
        elif (match := USED.search(line)) and kernel:
            kernels.setdefault(kernel, {})[architecture] = (
                int(match.group(1)), int(match.group(2) or 0), spilled)
            kernel = ""
    return kernels


def most(of: dict[str, tuple[int, int, int]]) -> tuple[int, int]:
    return max(used[0] for used in of.values()), max(used[1] for used in of.values())


def read_table(text: str) -> dict[str, tuple[int, int]]:
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def problems(kernels: dict[str, dict[str, tuple[int, int, int]]],
             table: dict[str, tuple[int, int]], architectures: set[str]) -> list[str]:
    found = []
    for kernel in sorted(kernels.keys() | table.keys()):
        if kernel not in table or kernel not in kernels:
            found.append(f"{kernel} is only in the {'log' if kernel in kernels else 'table'}")
            continue
        if set(kernels[kernel]) != architectures:
            found.append(f"{kernel} was not compiled for all of {sorted(architectures)}")
        for architecture, (registers, shared, spilled) in sorted(kernels[kernel].items()):
            where = f"{kernel}, sm_{architecture}"
            if spilled:
                found.append(f"{where}: {spilled} bytes are spilled")
            if registers > table[kernel][0]:
                found.append(f"{where}: {registers} registers, {table[kernel][0]} are allowed")
            if shared > table[kernel][1]:
                found.append(f"{where}: {shared} bytes of shared memory, "
                             f"{table[kernel][1]} are allowed")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="what nvcc -Xptxas -v printed")
    parser.add_argument("table", type=Path)
    parser.add_argument("--architectures", required=True, help="80,86,...")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    log = arguments.log.read_text()
    kernels = read_log(log)
    if not kernels:  # It did not come so far.
        print(log)
        return 1
    if arguments.write:
        rows = [f"{kernel}\t{most(of)[0]}\t{most(of)[1]}" for kernel, of in sorted(kernels.items())]
        arguments.table.write_text("# kernel\tregisters\tbytes of shared memory\n"
                                   + "\n".join(rows) + "\n")
        return 0
    found = problems(kernels, read_table(arguments.table.read_text()),
                     set(arguments.architectures.split(",")))
    for problem in found:
        print(f"{arguments.table}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
