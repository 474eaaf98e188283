"""`hilo serve`: who may connect where, and what a client's death leaves behind."""

from __future__ import annotations

import os
import signal
import socket as sockets
import stat
import subprocess
from pathlib import Path

import pytest
from hilo_ctypes import ANY, HIGH, LANE_DENIED, LOW, NOT_FOUND, OK, Client, HiloError, echo_vector
from processes import HILO, PATIENCE_S, Engine, descriptors, is_served, mappings, run_hilo, until

SERVE = ("serve", "--backend", "echo")


def check_answers(client: Client) -> None:
    assert client.embed("hello") == pytest.approx(echo_vector("hello", 64), abs=1e-7)


def test_the_default_socket_is_private_and_goes_away(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with Engine(tmp_path, *SERVE) as engine:
        engine.await_log("ready")
        path = runtime / "hilo.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client = Client.connect(None)
        check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0
    assert not path.exists()


def test_without_a_runtime_folder_the_socket_is_in_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(f"/tmp/hilo-{os.geteuid()}/hilo.sock")
    if is_served(path):
        pytest.skip(f"{path} belongs to an engine that this test must not disturb")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with Engine(tmp_path, *SERVE) as engine:
        engine.await_log("ready")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        client = Client.connect(None)
        check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0
    assert not path.exists()


def test_a_live_engine_keeps_its_socket(runtime: Path, tmp_path: Path) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, *SERVE, "--socket", path) as engine:
        engine.await_log("ready")
        second = run_hilo(*SERVE, "--socket", path)
        assert second.returncode == 1
        assert str(path) in second.stderr
        client = Client.connect(path)
        check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_the_socket_of_a_dead_engine_is_taken_over(runtime: Path, tmp_path: Path) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, *SERVE, "--socket", path) as engine:
        engine.await_log("ready")
        engine.signal(signal.SIGKILL)
        engine.wait()
    assert path.exists()
    with pytest.raises(HiloError) as nobody:
        Client.connect(path)
    assert nobody.value.status == NOT_FOUND
    with Engine(tmp_path, *SERVE, "--socket", path) as engine:
        engine.await_log("ready")
        client = Client.connect(path)
        check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("dear reader")
    done = run_hilo(*SERVE, "--socket", path)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert path.read_text() == "dear reader"


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    done = run_hilo(*SERVE, "--socket", tmp_path / "missing" / "hilo.sock")
    assert done.returncode == 1
    assert "missing" in done.stderr


@pytest.mark.parametrize(
    ("offered", "asked", "granted"),
    [
        ("low", LOW, True),
        ("low", HIGH, False),
        ("low", ANY, False),
        ("high", HIGH, True),
        ("high", LOW, False),
        ("any", HIGH, True),
        ("any", LOW, True),
        ("any", ANY, True),
    ],
)
def test_the_socket_gives_only_the_lanes_it_may(
    offered: str, asked: int, granted: bool, runtime: Path, tmp_path: Path
) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, *SERVE, "--socket", path, "--lanes", offered) as engine:
        engine.await_log("ready")
        if granted:
            client = Client.connect(path, asked)
            assert client.info.lanes == asked
            client.close()
        else:
            with pytest.raises(HiloError) as denied:
                Client.connect(path, asked)
            assert denied.value.status == LANE_DENIED
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_a_private_engine_lives_as_long_as_its_connection() -> None:
    ours, theirs = sockets.socketpair(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
    with theirs:
        engine = subprocess.Popen(
            [HILO, *SERVE, "--private-fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
    client = Client.over(ours.detach())
    check_answers(client)
    client.close()
    _, errors = engine.communicate(timeout=PATIENCE_S)
    assert engine.returncode == 0
    assert errors == ""


def test_a_private_engine_wants_a_socket(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        done = run_hilo(*SERVE, "--private-fd", str(file.fileno()), pass_fds=[file.fileno()])
    assert done.returncode == 1
    assert "socketpair" in done.stderr
    assert "--private-fd" in run_hilo(*SERVE, "--private-fd", "900").stderr


def in_a_killed_process(path: Path, use: str) -> None:
    """Forks a client that gets as far as `use`, and kills it there."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        client = Client.connect(path)
        if use != "connected":
            for number in range(8):
                client.submit(f"text {number}")
        if use == "holding results":
            for _ in range(8):
                client.await_result()
        os.write(writer, b"x")
        signal.pause()
    os.close(writer)
    assert os.read(reader, 1) == b"x", "the client failed before it could be killed"
    os.close(reader)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_thousand_killed_clients_leave_nothing_behind(runtime: Path, tmp_path: Path) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, *SERVE, "--socket", path) as engine:
        engine.await_log("ready")
        uses = ("connected", "with tasks open", "holding results")
        for use in uses:  # What is allocated once is allocated now.
            in_a_killed_process(path, use)
        until(lambda: mappings(engine.pid) == 0, "the first sessions to be gone")
        before = descriptors(engine.pid)
        for round_number in range(1000):
            in_a_killed_process(path, uses[round_number % len(uses)])
        until(
            lambda: mappings(engine.pid) == 0 and descriptors(engine.pid) == before,
            "descriptors and memory to be as before",
        )
        client = Client.connect(path)
        for _ in range(300):  # More than there are slots.
            check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_a_client_killed_with_results_disturbs_nobody(runtime: Path, tmp_path: Path) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, *SERVE, "--socket", path) as engine:
        engine.await_log("ready")
        client = Client.connect(path)
        client.submit("mine")
        held = client.await_result()
        in_a_killed_process(path, "holding results")
        in_a_killed_process(path, "with tasks open")
        assert held.status == OK
        assert held.vector[:64] == pytest.approx(echo_vector("mine", 64), abs=1e-7)
        client.release(held.task)
        check_answers(client)
        client.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0
