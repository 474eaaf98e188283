"""run_clang_tidy.py with sources that it checks together."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Only the analyzer finds it, which leaves out what it takes for a header.
NULL = "int {}(int* at) {{ return at == nullptr ? *at : 1; }}\n"


@pytest.fixture
def check(tmp_path: Path):
    program = Path(sys.executable).parent / "clang-tidy"
    (tmp_path / ".clang-tidy").write_text(
        "Checks: '-*,clang-analyzer-core.*'\nHeaderFilterRegex: '/src/.*'\n")
    build = tmp_path / "build"
    build.mkdir()

    def run(sources: dict[str, str]) -> tuple[int, str]:
        commands = []
        for name, text in sources.items():
            file = tmp_path / "src" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            commands.append({"directory": str(build), "file": str(file),
                             "command": f"clang++ -std=c++20 -o {name}.o -c {file}"})
        (build / "compile_commands.json").write_text(json.dumps(commands))
        told = subprocess.run(
            [sys.executable, HERE / "run_clang_tidy.py", build, "--program", program],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        return told.returncode, told.stdout + told.stderr

    return run


def test_what_is_wrong_with_one_of_them_is_found_and_the_others_pass(check) -> None:
    sources = {"a.cpp": "int a();\n", "b.cpp": NULL.format("b"), "c.cpp": "int c();\n"}
    status, told = check(sources)
    assert status == 1
    assert "b.cpp:1:" in told
    assert "3 of 3 sources checked, 1 with findings" in told
    status, told = check(sources | {"b.cpp": "int b();\n"})
    assert status == 0
    assert "1 of 3 sources checked, 0 with findings" in told


def test_names_that_clash_are_no_finding(check) -> None:
    status, told = check({name: "static int same() { return 1; }\nint " + name[0] +
                          "() { return same(); }\n" for name in ("a.cpp", "b.cpp")})
    assert (status, "2 of 2 sources checked, 0 with findings" in told) == (0, True), told
    status, told = check({"a.cpp": "static int same() { return 1; }\n" + NULL.format("a"),
                          "b.cpp": "static int same() { return 1; }\n"})
    assert status == 1
    assert "2 of 2 sources checked, 1 with findings" in told
