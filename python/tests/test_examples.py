"""The two example programs, run as the README says, on an engine without a model."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hilo.engine import engine_program

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SECONDS_MAX = 50


def test_demo_ends_by_itself_with_its_table(tmp_path: Path) -> None:
    """Without apt, so with the packages that the repository has."""
    environment = os.environ | {"HILO_DEMO_QUICK": "1", "PATH": str(tmp_path)}
    environment.pop("HILO_DEMO_DIR", None)
    before = demo_folders()
    done = subprocess.run(
        [engine_program(), "run", "--backend", "echo",
         "--high", f"{sys.executable} {EXAMPLES / 'high.py'}",
         "--low", f"{sys.executable} {EXAMPLES / 'low.py'}"],
        env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    table = lines[lines.index(""):]
    assert [line.split()[0] for line in table[1:]] == ["HIGH", "before", "during", "LOW", "beside"]
    assert int(table[-1].split()[3].replace(",", "")) >= 500
    assert "500 packages to embed" in done.stdout
    assert "\x1b" not in done.stdout, "colours, though this is no terminal"
    assert demo_folders() == before


def demo_folders() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("hilo-demo-")}


def test_programs_say_how_they_are_started() -> None:
    before = demo_folders()
    for program in ("high.py", "low.py"):
        done = subprocess.run([sys.executable, str(EXAMPLES / program)], capture_output=True,
                              text=True, timeout=SECONDS_MAX, check=False)
        assert done.returncode == 1
        assert "Try: hilo run" in done.stderr
    assert demo_folders() == before


def test_both_programs_share_one_file() -> None:
    for folder in ("high", "low"):
        assert (EXAMPLES / folder / "common.py").readlink() == Path("../common.py")
