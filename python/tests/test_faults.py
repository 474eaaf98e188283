"""Interrupts, timeouts, and engines that do not start or go away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hilo
import numpy as np
import pytest
from echo import echo_vector

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def process_state(pid: int) -> str:
    """The kernel's letter; Z when it is a zombie or has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def is_running(pid: int) -> bool:
    return process_state(pid) != "Z"


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """The process stops, so that whoever waits for its answer goes on waiting."""
    os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: process_state(pid) == "T", 5)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


INTERRUPTED = """
import hilo, sys, threading, os, signal, time
with hilo.Hilo(backend="echo") as model:
    started = threading.Event()
    def interrupt():
        started.wait()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        started.set()
        model.encode(["x" * 1000] * 2_000_000)
        sys.exit("it was not interrupted")
    except KeyboardInterrupt:
        pass
    before = time.monotonic()
    assert model.encode(["a", "b"]).shape == (2, 64)
    print("usable after", time.monotonic() - before)
"""


def test_ctrl_c_interrupts_and_leaves_the_client_usable(run_python: RunPython) -> None:
    done = run_python(INTERRUPTED)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 10


def test_ctrl_c_while_nothing_comes(echo: hilo.Hilo) -> None:
    """The wait itself is interrupted, not only the work between two results."""
    with standing_still(echo.pid), pytest.raises(KeyboardInterrupt):
        interrupt = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT])
        interrupt.start()
        echo.encode("a")
    np.testing.assert_array_equal(echo.encode("b"), echo_vector("b"))


def test_timeout_passes_when_the_engine_does_not_answer(echo: hilo.Hilo) -> None:
    with standing_still(echo.pid):
        before = time.monotonic()
        with pytest.raises(hilo.TimedOut) as caught:
            echo.encode(["a"] * 1000, timeout=0.2)
        assert time.monotonic() - before > 0.19
        assert isinstance(caught.value, TimeoutError)
    np.testing.assert_array_equal(echo.encode("b"), echo_vector("b"))


def test_killed_engine_is_told(echo: hilo.Hilo) -> None:
    with standing_still(echo.pid):
        threading.Timer(0.2, os.kill, [echo.pid, signal.SIGKILL]).start()
        with pytest.raises(hilo.EngineGone):
            echo.encode(["a"] * 1000, timeout=20)
    with pytest.raises(hilo.EngineGone):
        echo.encode("b")


def test_killed_engine_is_told_to_event_loops(echo: hilo.Hilo) -> None:
    async def main() -> None:
        with standing_still(echo.pid):
            call = asyncio.ensure_future(echo.encode_async("a"))
            await asyncio.sleep(0.1)
            os.kill(echo.pid, signal.SIGKILL)
            with pytest.raises(hilo.EngineGone):
                await asyncio.wait_for(call, 5)

    asyncio.run(main())


def test_views_can_be_read_after_the_engine_is_killed(echo: hilo.Hilo) -> None:
    view = echo.encode("a", copy=False)
    os.kill(echo.pid, signal.SIGKILL)
    with pytest.raises(hilo.EngineGone):
        while True:
            echo.encode("b")
    np.testing.assert_array_equal(view, echo_vector("a"))


# ---- starting and ending


@pytest.mark.parametrize("damage", [None, "config.json", "model.safetensors"])
def test_broken_model_is_told_in_the_engines_words(tmp_path: Path, damage: str | None) -> None:
    folder = tmp_path / "model"
    if damage is not None:
        folder.mkdir()
        (folder / damage).write_text("{")
    with pytest.raises(hilo.StartFailed, match="did not start: .*model"):
        hilo.Hilo(folder)


def test_missing_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILO_BIN", "/nonexistent/hilo")
    with pytest.raises(hilo.StartFailed, match="/nonexistent/hilo"):
        hilo.Hilo(backend="echo")


def test_program_that_is_no_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILO_BIN", "/bin/false")
    with pytest.raises(hilo.StartFailed):
        hilo.Hilo(backend="echo")


def test_option_that_the_engine_refuses_is_told_in_its_words() -> None:
    with pytest.raises(hilo.StartFailed, match="fp8 not in {fp32,bf16,int8,auto}"):
        hilo.Hilo(backend="echo", precision="fp8")


def test_model_is_needed() -> None:
    with pytest.raises(ValueError, match="model_dir is missing"):
        hilo.Hilo()


def test_nobody_listens() -> None:
    with pytest.raises(hilo.NotFound, match="/nonexistent.sock"):
        hilo.connect("/nonexistent.sock")
    with pytest.raises(ValueError, match="urgent"):
        hilo.connect(lane="urgent")


def test_not_started_by_hilo_run(run_python: RunPython) -> None:
    done = run_python("import hilo; hilo.Client.from_environment()")
    assert "hilo.errors.NotFound" in done.stderr


def test_engine_ends_with_close() -> None:
    model = hilo.Hilo(backend="echo")
    assert is_running(model.pid)
    pid = model.pid
    model.close()
    assert not is_running(pid)


@pytest.mark.parametrize("end", ["", "del model", "raise SystemExit(0)",
                                 "os.kill(os.getpid(), 9)", "os._exit(0)"])
def test_engine_ends_with_its_program(run_python: RunPython, end: str) -> None:
    done = run_python("import hilo, os\nmodel = hilo.Hilo(backend='echo')\n"
                      f"print(model.pid, flush=True)\n{end}")
    assert wait_until(lambda: not is_running(int(done.stdout)), 5)


def test_engines_leave_no_descriptor_and_no_process() -> None:
    hilo.Hilo(backend="echo").close()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with hilo.Hilo(backend="echo") as model:
            model.encode(["a"] * 10, copy=False)
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
