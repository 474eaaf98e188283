"""`hilo run`: programs that the engine starts, watches and answers."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hilo_ctypes import ANY, HIGH, LOW, NOT_FOUND, Client, echo_vector
from processes import Engine, children, is_running, python, run_hilo, state, until

ECHO = ("run", "--backend", "echo")


def answer_script(report: Path) -> str:
    """A program that has one text embedded and writes down what it got."""
    return python(
        "import json; c = Client.from_environment(); "
        f'json.dump([c.info.lanes, c.embed("a text"), json.loads(c.info.json)], '
        f'open("{report}", "w"))'
    )


def test_both_programs_are_answered_on_their_own_lanes(tmp_path: Path) -> None:
    high, low = tmp_path / "high", tmp_path / "low"
    done = run_hilo(*ECHO, "--high", answer_script(high), "--low", answer_script(low))
    assert done.returncode == 0, done.stderr
    for report, lane in ((high, HIGH), (low, LOW)):
        lanes, vector, info = json.loads(report.read_text())
        assert lanes == lane
        assert vector == pytest.approx(echo_vector("a text", 64), abs=1e-7)
        assert info == {
            "model": "echo",
            "backend": "echo",
            "precision": "fp32",
            "device": None,
            "dims": 64,
            "tokens_max": 1024,
            "vocabulary": 256,
            "cross_encoder": False,
            "token_vectors": True,
            "score_label": None,
            "pooling": None,
            "normalized": False,
            "prompts": [],
            "prompt_texts": [],
        }


def test_a_real_model_answers_programs_that_started_before_it(
    model_folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "high"
    done = run_hilo("run", "--model", model_folder, "--high", answer_script(report))
    assert done.returncode == 0, done.stderr
    _, vector, info = json.loads(report.read_text())
    assert info["backend"] == "cpu"
    assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("true", 0, "high"),
        ("sh -c 'exit 3'", 1, "hilo: high exited with status 3"),
        ("kill -SEGV $$", 1, "hilo: high was killed by SIGSEGV"),
    ],
)
def test_the_exit_status_tells_how_the_program_ended(
    command: str, status: int, words: str
) -> None:
    done = run_hilo(*ECHO, "--high", command)
    assert done.returncode == status
    assert words in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program --flag", "'no-such-program': there is no such program in PATH"),
        ("/no/such/program", "'/no/such/program': No such file"),
        ("/etc/passwd", "not an executable file"),
        ("python 'not closed", "single quote"),
    ],
)
def test_a_program_that_cannot_start_is_told(command: str, words: str, tmp_path: Path) -> None:
    other = tmp_path / "pid"
    done = run_hilo(*ECHO, "--high", f"echo $$ > {other}; exec sleep 100", "--low", command)
    assert done.returncode == 1
    assert "low: " in done.stderr
    assert words in done.stderr
    # The other one was started first, and may have had no time to write.
    if other.exists() and (pid := other.read_text().strip()):
        assert state(int(pid)) is None


def test_a_failed_program_gets_a_new_channel_with_each_restart(tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = python(
        f'import os; n = os.path.exists("{count}") and len(open("{count}").read()); '
        f'Client.from_environment().embed("a"); open("{count}", "a").write("x"); '
        "os.abort() if n < 2 else 0"
    )
    done = run_hilo(*ECHO, "--low", script, "--restart", "on-failure")
    assert done.returncode == 0, done.stderr
    assert count.read_text() == "xxx"
    assert "low" in done.stderr and "was killed by SIGABRT" in done.stderr
    assert "(2 of 8)" in done.stderr


def test_without_restart_a_failure_is_final(tmp_path: Path) -> None:
    count = tmp_path / "count"
    assert run_hilo(*ECHO, "--low", f"echo x >> {count}; exit 1").returncode == 1
    assert count.read_text() == "x\n"


def test_neither_home_nor_runtime_folder_is_needed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    report = tmp_path / "report"
    done = run_hilo(
        *ECHO, "--high", answer_script(report), env={**environment, "HOME": str(home)}, cwd=home
    )
    assert done.returncode == 0, done.stderr
    assert report.exists()
    assert list(home.iterdir()) == []


def test_others_may_connect_meanwhile(runtime: Path, tmp_path: Path) -> None:
    socket = runtime / "hilo.sock"
    with Engine(tmp_path, *ECHO, "--socket", socket, "--high", "sleep 100") as engine:
        engine.await_log("ready")
        client = Client.connect(socket, ANY)
        assert client.embed("b", LOW) == pytest.approx(echo_vector("b", 64), abs=1e-7)
        client.close()
        engine.process.terminate()
        assert engine.wait() == 0


def test_a_channel_is_taken_once(tmp_path: Path) -> None:
    script = python(
        "c = Client.from_environment();\ntry: Client.from_environment()\n"
        "except HiloError as e: sys.exit(e.status)"
    )
    assert f"exited with status {NOT_FOUND}" in run_hilo(*ECHO, "--high", script).stderr


def test_orphans_of_programs_are_reaped_and_ended(tmp_path: Path) -> None:
    """A program leaves one child in its group, one in a session of its own, and one that has
    ended."""
    command = "sleep 1000 & setsid sleep 1000 & (true &) ; sleep 0.3"
    with Engine(tmp_path, *ECHO, "--high", command, "--low", "sleep 1000") as engine:
        engine.await_log("exited with status 0")
        # Left are the other program, the one that has a session of its own, and the guard.
        until(lambda: len(children(engine.pid)) == 3, "the child in the program's group to end")
        left = children(engine.pid)
        engine.process.terminate()
        assert engine.wait() == 0
    assert not any(map(is_running, left))
