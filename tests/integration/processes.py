"""Real engines for the tests, and what /proc says about them. Every wait here gives up in time.

HILO_BIN names the program, else the release build's.
"""

from __future__ import annotations

import os
import signal
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HILO = os.environ.get("HILO_BIN", str(ROOT / "build/release/bin/hilo"))
HERE = Path(__file__).resolve().parent

# Far more than anything takes, and less than the watchdog of a test.
PATIENCE_S = 30


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Waits for something that no descriptor tells."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.005)


def is_served(path: Path) -> bool:
    """Whether somebody listens there. A killed engine leaves its socket behind."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET) as probe:
        return probe.connect_ex(str(path)) == 0


def run_hilo(
    *arguments: str | Path, program: str | Path = HILO, **options: object
) -> subprocess.CompletedProcess[str]:
    """Runs `hilo` to its end."""
    options.setdefault("timeout", PATIENCE_S)
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, **options
    )


def python(script: str) -> str:
    """A command line that runs Python code which can import hilo_ctypes."""
    assert "'" not in script, "the code is put between single quotes"
    path = f"import sys; sys.path.insert(0, \"{HERE}\"); from hilo_ctypes import *; "
    return f"{sys.executable} -c '{path}{script}'"


class Engine:
    """A running `hilo`, its standard error in a file. Ends with the `with` block."""

    def __init__(
        self, folder: Path, *arguments: str | Path, program: str = HILO, **options: object
    ) -> None:
        self._log = folder / f"hilo-{time.monotonic_ns()}.log"
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [program, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def await_log(self, text: str) -> None:
        until(lambda: text in self.log() or self.process.poll() is not None, repr(text))
        assert text in self.log(), f"the engine ended without saying {text!r}:\n{self.log()}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the engine runs on:\n{self.log()}") from None


def state(pid: int) -> str | None:
    """The letter of /proc/PID/stat: Z for a zombie; None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_running(pid: int) -> bool:
    return state(pid) not in (None, "Z")


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def mappings(pid: int) -> int:
    """Mappings of channels, which are memfds."""
    return Path(f"/proc/{pid}/maps").read_text().count("memfd:")
