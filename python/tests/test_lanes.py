"""Programs that an engine starts, and programs that connect to one: which lanes they get."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hilo
import numpy as np
import pytest
from echo import echo_vector
from hilo.engine import engine_program


@contextmanager
def serving(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    engine = subprocess.Popen([engine_program(), "serve", "--backend", "echo", *arguments],
                              stderr=subprocess.DEVNULL)
    try:
        yield engine
    finally:
        engine.terminate()
        assert engine.wait(10) == 0


def connect(socket: Path, lane: str) -> hilo.Client:
    deadline = time.monotonic() + 10
    while True:
        try:
            return hilo.connect(socket, lane)
        except hilo.NotFound:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def test_connected_client_has_the_lane_it_asked_for(tmp_path: Path) -> None:
    socket = tmp_path / "hilo.sock"
    with serving("--socket", str(socket)):
        for lane in ("high", "low", "any"):
            with connect(socket, lane) as client:
                assert client.lanes == lane
                assert (client.encode(["a"] * 300)[299] == echo_vector("a")).all()


def test_low_client_is_denied_high(tmp_path: Path) -> None:
    socket = tmp_path / "hilo.sock"
    with serving("--socket", str(socket), "--lanes", "low"):
        with connect(socket, "low") as client, pytest.raises(hilo.LaneDenied, match="LOW only"):
            client.encode("a", lane="high")
        with pytest.raises(hilo.LaneDenied):
            hilo.connect(socket, "high")


def test_client_hears_that_its_engine_shuts_down(tmp_path: Path) -> None:
    socket = tmp_path / "hilo.sock"
    with serving("--socket", str(socket)):
        client = connect(socket, "any")
        client.encode("a")
    with pytest.raises((hilo.EngineGone, hilo.ShuttingDown)):
        client.encode("a")


@contextmanager
def standing_still(engine: subprocess.Popen[bytes]) -> Iterator[None]:
    """What clients submit meanwhile, the engine finds all at once."""
    engine.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    try:
        yield
    finally:
        engine.send_signal(signal.SIGCONT)


BULK = [f"{i} " + "long " * 100 for i in range(150)]


def encode_at_once(socket: Path, engine: subprocess.Popen[bytes], lane: str, texts: list[str],
                   ) -> list[np.ndarray | Exception]:
    """The same list from two clients, at a moment when the engine is not looking."""
    outcomes: list[np.ndarray | Exception] = []

    def encode(client: hilo.Client) -> None:
        try:
            outcomes.append(client.encode(texts, lane=lane))
        except Exception as error:
            outcomes.append(error)

    with connect(socket, "any") as one, connect(socket, "any") as other:
        for client in (one, other):
            client.encode("The engine knows them both.")
        threads = [threading.Thread(target=encode, args=[client]) for client in (one, other)]
        with standing_still(engine):
            for thread in threads:
                thread.start()
            time.sleep(1)  # Nothing tells that both have submitted; they need a millisecond.
        for thread in threads:
            thread.join()
    return outcomes


FULL_AT_ONCE = ["--high-queue-seconds", "0.001", "--low-queue-seconds", "0.001"]


def test_refused_bulk_loses_nothing(tmp_path: Path) -> None:
    """Fails if LOW texts that the engine refuses are lost, or told to the caller."""
    socket = tmp_path / "hilo.sock"
    with serving("--socket", str(socket), *FULL_AT_ONCE) as engine:
        for vectors in encode_at_once(socket, engine, "low", BULK):
            assert isinstance(vectors, np.ndarray), vectors
            assert all((vectors[i] == echo_vector(text)).all() for i, text in enumerate(BULK))


def test_refused_bulk_of_event_loops_loses_nothing(tmp_path: Path) -> None:
    """Fails if nothing wakes the event loop when the engine's pause is over."""
    socket = tmp_path / "hilo.sock"

    async def both(engine: subprocess.Popen[bytes]) -> list[np.ndarray]:
        with connect(socket, "any") as one, connect(socket, "any") as other:
            for client in (one, other):
                client.encode("The engine knows them both.")
            with standing_still(engine):
                calls = [asyncio.ensure_future(client.encode_async(BULK, lane="low"))
                         for client in (one, other)]
                await asyncio.sleep(0.2)
            return await asyncio.wait_for(asyncio.gather(*calls), 20)

    with serving("--socket", str(socket), *FULL_AT_ONCE) as engine:
        for vectors in asyncio.run(both(engine)):
            assert (vectors[-1] == echo_vector(BULK[-1])).all()


def test_refused_high_call_is_told_when_to_try_again(tmp_path: Path) -> None:
    """Fails if a HIGH call waits for room instead of telling, or tells no time."""
    socket = tmp_path / "hilo.sock"
    with serving("--socket", str(socket), *FULL_AT_ONCE) as engine:
        outcomes = encode_at_once(socket, engine, "high", BULK[:4])
        refused = [outcome for outcome in outcomes if isinstance(outcome, hilo.Refused)]
        assert len(refused) == 1, outcomes
        assert refused[0].retry_after is not None
        assert 0 < refused[0].retry_after <= 60


# One write a line, or the two programs mix theirs.
LAUNCHED = """
import os
import hilo
with hilo.Client.from_environment() as client:
    assert client.encode(["a", "b"]).shape == (2, 64)
    os.write(1, f"{client.lanes}\\n".encode())
"""


def test_launched_programs_have_their_channels(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(LAUNCHED)
    command = f"{sys.executable} {program}"
    done = subprocess.run(
        [engine_program(), "run", "--backend", "echo", "--high", command, "--low", command],
        capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["high", "low"]
