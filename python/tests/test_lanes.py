"""Programs that an engine starts, and programs that connect to one: which lanes they get."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hilo
import pytest
from echo import echo_vector
from hilo.engine import engine_program


@contextmanager
def serving(*arguments: str) -> Iterator[None]:
    engine = subprocess.Popen([engine_program(), "serve", "--backend", "echo", *arguments],
                              stderr=subprocess.DEVNULL)
    try:
        yield
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


LAUNCHED = """
import hilo
with hilo.Client.from_environment() as client:
    assert client.encode(["a", "b"]).shape == (2, 64)
    print(client.lanes, flush=True)
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
