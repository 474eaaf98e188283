"""The README's examples are run as they stand, so that a newcomer's first minutes work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_python_example_gives_the_shapes_it_says(
    run_python: Callable[..., subprocess.CompletedProcess[str]], model_folder: Path
) -> None:
    (example,) = (block for block in blocks("python") if "path/to/all-MiniLM-L6-v2" in block)
    program = example.replace("path/to/all-MiniLM-L6-v2", str(model_folder))
    done = run_python(program + "print(query.shape, index.shape, index.dtype)\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "(384,) (2, 384) float32"


def test_the_c_example_compiles(tmp_path: Path) -> None:
    (example,) = blocks("c")
    source = tmp_path / "example.c"
    source.write_text(
        "#include <stdio.h>\n#include <hilo/hilo.h>\nint main(void) {\n" + example + "return 0; }\n"
    )
    compiler = shutil.which("cc")
    assert compiler, "a C compiler belongs to what ./dev installs"
    subprocess.run(
        [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
        + [f"-I{ROOT / 'include'}", str(source)],
        check=True,
        timeout=30,
    )


def test_the_command_line_example_prints_what_is_shown() -> None:
    (session,) = (block for block in blocks("console") if "hilo tokenize" in block)
    command, shown = session.split("\n", 1)
    text = re.fullmatch(r'\$ hilo tokenize "(.*)"', command)
    assert text
    program = os.environ.get("HILO_BIN") or shutil.which("hilo")
    if program is None:
        pytest.fail("HILO_BIN should name the hilo program")
    printed = subprocess.run(
        [program, "tokenize", text[1]], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    assert printed == shown
