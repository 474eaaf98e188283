#!/usr/bin/env python3
"""Checks that no wide-vector code can reach a processor that lacks it.

Usage: tools/check_isa_leak.py BUILD_DIR

Files named after an instruction set (*_avx2.cpp, *_avx512.cpp, *_amx.cpp and so on) are compiled
for more than the machine is known to have.
Two things could carry their instructions elsewhere; both are looked for in BUILD_DIR's objects:
  - a weak symbol (an inline function or a template) in such a file: the linker keeps one copy for
    the whole program, and it may be the wide one;
  - a wide register (ymm, zmm, or a mask k1 to k7) in any other file: flags went astray.
Exit status 0: clean. 1: leaks, one a line. 2: nothing to check, or a tool is missing.
"""

import pathlib
import re
import subprocess
import sys

WIDE_FILE = re.compile(r"_(avx2|avx512|avx512_vbmi|avx512_vnni|avx512_bf16|amx)\.cpp\.o$")
WIDE_OPERAND = re.compile(r"%(?:[yz]mm\d+|k[1-7])\b")
WEAK_KINDS = "WVuwv"


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def weak_symbols(path):
    for line in output_of("nm", "--defined-only", "--demangle", str(path)).splitlines():
        fields = line.split(maxsplit=2)
        if len(fields) == 3 and fields[1] in WEAK_KINDS:
            yield fields[2]


def first_wide_function(path):
    function = "?"
    code = output_of("objdump", "--disassemble", "--demangle", "--no-show-raw-insn", str(path))
    for line in code.splitlines():
        if line.endswith(">:"):
            function = line.split("<", 1)[1][:-2]
        elif WIDE_OPERAND.search(line):
            return function
    return None


def leaks_of(path):
    if WIDE_FILE.search(path.name):
        return [f"{path}: weak symbol {name}" for name in weak_symbols(path)]
    function = first_wide_function(path)
    return [f"{path}: wide registers in {function}"] if function else []


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    objects = sorted(pathlib.Path(arguments[0]).glob("**/CMakeFiles/hilo_*.dir/src/**/*.cpp.o"))
    wide = [path for path in objects if WIDE_FILE.search(path.name)]
    if not wide:
        print(f"check_isa_leak: {arguments[0]} holds no object of an instruction set: build first")
        return 2
    try:
        leaks = [leak for path in objects for leak in leaks_of(path)]
    except FileNotFoundError as error:
        print(f"check_isa_leak: {error.filename} is missing: install binutils")
        return 2
    for leak in leaks:
        print(leak)
    if not leaks:
        print(f"check_isa_leak: {len(objects)} objects, {len(wide)} of them wide: no leak")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
