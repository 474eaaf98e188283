"""The engine on fewer cores than the machine has, and on cores taken away while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, LOW, OK, Client
from processes import Engine

TEXT = "what does the quick brown fox do while the lazy dog sleeps " * 2
TEXTS = 40


def usable_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_of_high(engine: Engine, client: Client) -> float:
    """What TEXTS texts, one at a time, cost the engine."""
    before = cpu_seconds(engine.pid)
    for _ in range(TEXTS):
        client.embed(TEXT)
    return cpu_seconds(engine.pid) - before


def high_beside_low(client: Client) -> None:
    for _ in range(32):
        client.submit("window " * 60, LOW)
    for _ in range(5):
        client.submit(TEXT, HIGH)
    for _ in range(37):
        result = client.await_result()
        assert result.status == OK
        client.release(result.task)


def serve(folder: Path, path: Path, model: Path, **options: object) -> Engine:
    engine = Engine(folder, "serve", "--model", model, "--socket", path, **options)
    engine.await_log("ready")
    return engine


def test_one_core_is_enough(runtime: Path, tmp_path: Path, model_folder: Path) -> None:
    """Fails if a worker waits awake for one that can only run when it sleeps."""
    path = runtime / "hilo.sock"
    core = usable_cores()[0]
    with serve(
        tmp_path, path, model_folder, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    ) as engine:
        assert "  2 workers" in engine.log()
        client = Client.connect(path)
        high_beside_low(client)
        client.close()
        engine.process.terminate()
        assert engine.wait() == 0


def test_a_core_is_taken_away(runtime: Path, tmp_path: Path, model_folder: Path) -> None:
    """Fails if workers that find themselves on one core burn it waiting for each other: that was
    2.3 times the work. Giving the core back must be noticed by nobody."""
    cores = usable_cores()
    if len(cores) < 2:
        pytest.skip("this process may use one core only, so that none can be taken away")
    path = runtime / "hilo.sock"
    with serve(tmp_path, path, model_folder) as engine:
        client = Client.connect(path)
        cpu_seconds_of_high(engine, client)
        with_all = cpu_seconds_of_high(engine, client)
        for thread in os.listdir(f"/proc/{engine.pid}/task"):
            os.sched_setaffinity(int(thread), {cores[0]})
        with_one = cpu_seconds_of_high(engine, client)
        assert with_one < 1.6 * with_all + 0.05
        high_beside_low(client)
        for thread in os.listdir(f"/proc/{engine.pid}/task"):
            os.sched_setaffinity(int(thread), cores)
        high_beside_low(client)
        client.close()
        engine.process.terminate()
        assert engine.wait() == 0
