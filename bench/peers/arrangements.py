"""How one machine can serve texts that a user waits for (HIGH) and bulk texts (LOW): hilo, and what
a good engineer would set up without it. Each arrangement is one to three processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker import Process, WorkerEnded

SECONDS_TO_START = 120
PR_SET_PDEATHSIG = 1


class NotRun(Exception):
    """The arrangement cannot run here; the message says why."""


@dataclass(frozen=True)
class Setup:
    """What arrangements are made from."""

    model: Path
    rivals: Path  # the folder with their models
    hilo: Path
    hilo_lane: Path
    hilo_python: str
    infinity: Path | None
    texts: dict[str, list[str]]  # of each lane
    folder: Path  # for sockets; goes when the benchmark ends


@dataclass
class Arrangement:
    """Processes that wait while other arrangements have their turn."""

    workers: dict[tuple[str, ...], Process]  # by the lanes that they serve
    server: subprocess.Popen | None = None
    batches: tuple[int | None, ...] = (None,)  # sizes that LOW may use

    def slice(self, seconds_max: float, **lanes: dict | None) -> dict:
        """Runs the lanes that are given at the same time."""
        told = []
        for served, worker in self.workers.items():
            parts = {lane: part for lane, part in lanes.items() if lane in served and part}
            if parts:
                worker.tell("slice", **parts)
                told.append(worker)
        answers: dict = {}
        for worker in told:
            answers |= worker.answer(seconds_max)
        return answers

    def back_to_back(self, seconds: float) -> list[float]:
        worker = next(worker for lanes, worker in self.workers.items() if "high" in lanes)
        worker.tell("back_to_back", seconds=seconds)
        return worker.answer(seconds + 60)["ms"]

    def memory_mib(self) -> float:
        """Of all its processes. What several share counts once: their proportional set size."""
        roots = [worker.pid for worker in self.workers.values()]
        if self.server:
            roots.append(self.server.pid)
        return sum(proportional_kib(pid) for root in roots for pid in with_children(root)) / 1024

    def end(self) -> None:
        for worker in self.workers.values():
            worker.end()
        if self.server:
            end_server(self.server)


def with_children(pid: int) -> list[int]:
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # The thread has ended.
            for child in (thread / "children").read_text().split():
                found += with_children(int(child))
    return found


def proportional_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


# ---- how a process begins, after the fork


def end_with_parent() -> None:
    """So that nothing is left behind when the benchmark is killed. An interrupt from the keyboard
    is for the benchmark alone, which ends them in order."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def in_idle_class() -> None:
    end_with_parent()
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def nicest() -> None:
    end_with_parent()
    os.nice(19)


# ---- the arrangements


def start_hilo(setup: Setup, precision: str, in_python: bool = False) -> Arrangement:
    path = setup.folder / f"{precision}{'-python' if in_python else ''}.sock"
    server = subprocess.Popen(
        [setup.hilo, "serve", "--model", setup.model, "--precision", precision, "--socket", path],
        preexec_fn=end_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_server(server, path.exists)

    def client(lane: str) -> Process:
        if in_python:
            return worker_of(setup, f"unix:{path}", (lane,), end_with_parent, setup.hilo_python)
        return Process(f"hilo {precision}, {lane.upper()} client",
                       [setup.hilo_lane, "--socket", path, "--lane", lane], end_with_parent)

    return start_workers(setup, {(lane,): client(lane) for lane in ("high", "low")}, server)


def start_two_processes(setup: Setup, engine: str, begin_low: Callable[[], None]) -> Arrangement:
    return start_workers(setup, {
        ("high",): worker_of(setup, engine, ("high",), end_with_parent),
        ("low",): worker_of(setup, engine, ("low",), begin_low)})


def start_one_process(setup: Setup, engine: str) -> Arrangement:
    lanes = ("high", "low")
    return start_workers(setup, {lanes: worker_of(setup, engine, lanes, end_with_parent)})


def start_infinity(setup: Setup) -> Arrangement:
    server, port = serve_infinity(setup.infinity, setup.model)
    return start_workers(setup, {
        (lane,): worker_of(setup, f"http://127.0.0.1:{port}", (lane,), end_with_parent)
        for lane in ("high", "low")}, server)


def serve_infinity(program: Path | None, model: Path) -> tuple[subprocess.Popen, int]:
    """The server, and its port on this machine."""
    if program is None:
        raise NotRun("no infinity_emb was found: bench/results/README.md says how to install it")
    port = free_port()
    quiet = {"HF_HUB_OFFLINE": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "DO_NOT_TRACK": "1"}
    server = subprocess.Popen(
        [program, "v2", "--model-id", model, "--served-model-name", "model",
         "--engine", "torch", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port),
         "--no-bettertransformer", "--log-level", "critical"],
        env=os.environ | quiet, preexec_fn=end_with_parent, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    wait_for_server(server, partial(answers, f"http://127.0.0.1:{port}"))
    return server, port


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def worker_of(setup: Setup, engine: str, lanes: tuple[str, ...], begin: Callable[[], None],
              python: str = sys.executable) -> Process:
    program = Path(__file__).with_name("worker.py")
    return Process(f"{engine}, {' and '.join(lanes).upper()}",
                   [python, program, engine, setup.model, setup.rivals, *lanes], begin)


def start_workers(setup: Setup, workers: dict[tuple[str, ...], Process],
                  server: subprocess.Popen | None = None) -> Arrangement:
    arrangement = Arrangement(workers, server)
    try:
        for worker in workers.values():
            worker.tell("start", texts=setup.texts)
        for worker in workers.values():
            if refused := worker.answer(SECONDS_TO_START)["refused"]:
                raise NotRun(refused)
        low = next(worker for lanes, worker in workers.items() if "low" in lanes)
        low.tell("batches_of_lot")
        arrangement.batches = tuple(low.answer(SECONDS_TO_START)["batches"])
    except (NotRun, WorkerEnded):
        arrangement.end()
        raise
    return arrangement


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_for_server(server: subprocess.Popen, is_ready: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while not is_ready():
        if server.poll() is not None:
            raise NotRun(f"{server.args[0]} ended with status {server.returncode}")
        if time.monotonic() > until:
            end_server(server)
            raise NotRun(f"{server.args[0]} was not ready after {SECONDS_TO_START} s")
        time.sleep(0.1)


def end_server(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


# Name -> how to start it. Those with hilo begin with its name; all others are rivals.
HILO: dict[str, Callable[[Setup], Arrangement]] = {
    f"hilo {precision}": partial(start_hilo, precision=precision)
    for precision in ("int8", "fp32", "bf16")}
OTHERS: dict[str, Callable[[Setup], Arrangement]] = {
    "hilo int8, clients in Python": partial(start_hilo, precision="int8", in_python=True),
    "OpenVINO int8, two processes, LOW in SCHED_IDLE": partial(
        start_two_processes, engine="OpenVINO int8", begin_low=in_idle_class),
    "OpenVINO int8, two processes, LOW at nice 19": partial(
        start_two_processes, engine="OpenVINO int8", begin_low=nicest),
    "OpenVINO int8, one process, two models": partial(start_one_process, engine="OpenVINO int8"),
    "ONNX Runtime int8, two processes, LOW in SCHED_IDLE": partial(
        start_two_processes, engine="ONNX Runtime int8", begin_low=in_idle_class),
    "ONNX Runtime int8, one session, two threads": partial(
        start_one_process, engine="ONNX Runtime int8, one session"),
    "infinity over HTTP": start_infinity,
}
SERVERS = ("infinity over HTTP",)
