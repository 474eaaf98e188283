"""How a run ends: signals, drains, and an engine that is killed."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from hilo_ctypes import ANY, CANCELLED, ENGINE_GONE, LOW, OK, SHUTTING_DOWN, Client, HiloError
from processes import PATIENCE_S, Engine, children, is_running, python, state, until

ECHO = ("run", "--backend", "echo")

# Keeps the engine busy until it says that it is ending, and reports how each task ended.
FLOOD = (
    "c = Client.from_environment(); n = 0\n"
    "try:\n"
    "  while True: c.embed(str(n), LOW); n += 1\n"
    "except HiloError as e: print(\"ended with\", e.status, flush=True)"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_busy_run_well(number: signal.Signals, tmp_path: Path) -> None:
    with Engine(tmp_path, *ECHO, "--high", "sleep 1000", "--low", python(FLOOD)) as engine:
        engine.await_log("ready")
        programs = children(engine.pid)
        assert len(programs) == 3  # With the guard.
        engine.signal(number)
        assert engine.wait() == 0, engine.log()
        assert not any(map(state, programs)), "a program was left behind"


def test_a_drain_answers_every_admitted_text(
    model_folder: Path, runtime: Path, tmp_path: Path
) -> None:
    socket = runtime / "hilo.sock"
    arguments = ("--model", model_folder, "--socket", socket, "--drain-seconds", "60")
    with Engine(tmp_path, "serve", *arguments) as engine:
        engine.await_log("ready")
        client = Client.connect(socket)
        tasks = {client.submit("a long text " * 40, LOW) for _ in range(100)}
        answers = {}

        def take_answer() -> None:
            result = client.await_result()
            assert result.task not in answers, "a task was answered twice"
            answers[result.task] = result.status

        for _ in range(10):  # By then all others have been admitted, too.
            take_answer()
        engine.signal(signal.SIGTERM)
        for _ in range(90):
            take_answer()
        assert answers == dict.fromkeys(tasks, OK)
        assert engine.wait() == 0, engine.log()
        client.close()


def test_a_drain_has_its_deadline(model_folder: Path, runtime: Path, tmp_path: Path) -> None:
    socket = runtime / "hilo.sock"
    arguments = ("--model", model_folder, "--socket", socket, "--drain-seconds", "0")
    with Engine(tmp_path, "serve", *arguments) as engine:
        engine.await_log("ready")
        client = Client.connect(socket)
        for _ in range(250):
            client.submit("a long text " * 300, LOW)
        client.await_result()
        begin = time.monotonic()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0, engine.log()
        assert time.monotonic() - begin < 5
        # The engine is gone, but each of the others has its answer.
        statuses = [client.await_result().status for _ in range(249)]
        assert set(statuses) <= {OK, CANCELLED, SHUTTING_DOWN}
        assert CANCELLED in statuses
        assert client.wait(1000) == ENGINE_GONE
        client.close()


def test_each_further_signal_hurries(tmp_path: Path) -> None:
    """The program ignores SIGTERM, so an unhurried end takes 5 s."""
    stubborn = "trap '' TERM; echo de''af; while true; do sleep 0.1; done"
    with Engine(tmp_path, *ECHO, "--high", stubborn) as engine:
        engine.await_log("deaf")
        engine.await_log("ready")
        programs = children(engine.pid)
        begin = time.monotonic()
        engine.signal(signal.SIGTERM)
        engine.await_log("stopping")
        engine.signal(signal.SIGINT)
        assert engine.wait() == 0, engine.log()
        assert time.monotonic() - begin < 4
        assert "killing" in engine.log()
        assert not any(map(is_running, programs))


def test_a_stubborn_program_is_killed_in_time(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; echo de''af; while true; do sleep 0.1; done"
    with Engine(tmp_path, *ECHO, "--high", stubborn) as engine:
        engine.await_log("deaf")
        engine.await_log("ready")
        engine.signal(signal.SIGTERM)
        assert engine.wait(15) == 0, engine.log()


def test_programs_and_what_they_started_die_with_a_killed_engine(tmp_path: Path) -> None:
    """One program ignores SIGTERM; the other has children of its own behind a shell."""
    stubborn = "trap '' TERM; echo de''af; while true; do sleep 0.1; done"
    family = "sleep 1000 & sleep 1000 | cat; true"
    with Engine(tmp_path, *ECHO, "--high", stubborn, "--low", family) as engine:
        engine.await_log("deaf")
        engine.await_log("ready")
        programs = children(engine.pid)
        until(lambda: sum(len(children(pid)) for pid in programs) >= 4, "the family to be there")
        everyone = programs + [child for pid in programs for child in children(pid)]
        engine.signal(signal.SIGKILL)
        engine.wait()
        until(lambda: not any(map(is_running, everyone)), "all programs to end", 5)


def test_programs_die_when_the_engine_is_killed_while_loading(
    model_folder: Path, tmp_path: Path
) -> None:
    with Engine(tmp_path, "run", "--model", model_folder, "--high", "sleep 1000") as engine:
        engine.await_log("started high")
        programs = children(engine.pid)
        engine.signal(signal.SIGKILL)
        engine.wait()
        until(lambda: not any(map(is_running, programs)), "all programs to end", 5)


def test_waiting_clients_learn_of_a_killed_engine_at_once(runtime: Path, tmp_path: Path) -> None:
    socket = runtime / "hilo.sock"
    with Engine(tmp_path, "serve", "--backend", "echo", "--socket", socket) as engine:
        engine.await_log("ready")
        client = Client.connect(socket, ANY)
        client.embed("a")
        engine.signal(signal.SIGKILL)
        begin = time.monotonic()
        assert client.wait(60_000) == ENGINE_GONE
        assert time.monotonic() - begin < PATIENCE_S
        with pytest.raises(HiloError) as gone:
            client.submit("b")
        assert gone.value.status == ENGINE_GONE
        client.close()
    socket.unlink()  # A killed engine cannot; the next one takes it over (test_sockets.py).


def test_launched_programs_learn_of_a_killed_engine(tmp_path: Path) -> None:
    """Kept alive past the engine's death by an intermediate session, a client is told."""
    report = tmp_path / "report"
    script = python(
        "import os, time; c = Client.from_environment(); c.embed(\"a\"); os.setsid(); "
        "print(\"wait\" + \"ing\", flush=True); b = time.monotonic(); s = c.wait(20000); "
        f"open(\"{report}\", \"w\").write(f\"{{s}} {{time.monotonic() - b}}\")"
    )
    # PDEATHSIG is for the program itself, which here is a shell.
    with Engine(tmp_path, *ECHO, "--high", f"{script}; true") as engine:
        engine.await_log("waiting")
        engine.signal(signal.SIGKILL)
        engine.wait()
        until(lambda: report.exists() and report.read_text(), "the client to be told")
    assert int(report.read_text().split()[0]) == ENGINE_GONE, engine.log()
