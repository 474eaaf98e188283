"""Looking at a running engine: its numbers, `hilo top`, and timelines."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket as sockets
import stat
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, LOW, Client
from processes import HILO, PATIENCE_S, Engine, is_served, run_hilo, until

SERVE = ("serve", "--backend", "echo")


@pytest.fixture(autouse=True)
def runtime_folder(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine but the test's own is found, and none leaves a socket behind."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))


@contextlib.contextmanager
def serving(folder: Path, *arguments: str | Path) -> Iterator[Engine]:
    with Engine(folder, *SERVE, *arguments) as engine:
        engine.await_log("ready")
        yield engine
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def control_of(engine: Engine, runtime: Path) -> Path:
    return runtime / f"hilo-{os.geteuid()}-{engine.pid}.control"


def numbers(*arguments: str | Path) -> dict:
    done = run_hilo("top", "--once", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def use_both_lanes(texts: int) -> tuple[Client, Client]:
    high, low = Client.connect(None, HIGH), Client.connect(None, LOW)
    for number in range(texts):
        high.embed("urgent")
        low.embed(f"bulk {number:04}")
        low.embed("more")
    return high, low


# ---- The numbers


def test_every_text_is_counted_once(tmp_path: Path) -> None:
    with serving(tmp_path):
        high, low = use_both_lanes(texts=30)
        low.submit("\udcff")
        low.await_result()
        high.close()
        until(lambda: len(numbers()["clients"]) == 1, "the client that left to be forgotten")
        told = numbers()
        assert told["version"] == 1
        lanes = told["lanes"]
        assert lanes["high"]["admitted"] == 30
        assert lanes["low"]["admitted"] == 61
        for lane, computed, failed in ((lanes["high"], 30, 0), (lanes["low"], 60, 1)):
            assert lane["completed"].pop("ok") == computed
            assert lane["completed"].pop("invalid_utf8") == failed
            assert set(lane["completed"].values()) == {0}
            assert lane["open"] == lane["waiting"] == lane["oldest_ns"] == 0
            assert {stage["count"] for stage in lane["stages_ns"].values()} == {computed}
            assert lane["batch_texts"]["sum"] == computed
            assert lane["batch_tokens"]["sum"] == lane["tokens"]
        assert lanes["high"]["tokens"] == 30 * len("urgent")
        assert lanes["low"]["tokens"] == 30 * len("bulk 0000" + "more")
        [client] = told["clients"]
        assert client["pid"] == os.getpid()
        assert client["program"] == Path("/proc/self/comm").read_text().strip()
        assert (client["lane"], client["open"]) == ("low", 0)
        assert (client["texts"], client["tokens"]) == (60, lanes["low"]["tokens"])
        low.close()


def test_stages_are_parts_of_the_whole(tmp_path: Path) -> None:
    with serving(tmp_path):
        high, low = use_both_lanes(texts=100)
        stages = numbers()["lanes"]["low"]["stages_ns"]
        whole = stages.pop("whole")
        assert sum(stage["sum"] for stage in stages.values()) == whole["sum"]
        quantiles = [whole[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
        assert quantiles == sorted(quantiles)
        assert quantiles[0] > 0
        high.close()
        low.close()


def test_histograms_have_round_bounds(tmp_path: Path, runtime: Path) -> None:
    with serving(tmp_path) as engine:
        high, low = use_both_lanes(texts=20)
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET) as reader:
            reader.settimeout(PATIENCE_S)
            reader.connect(str(control_of(engine, runtime)))
            reader.send(b"metrics histograms")
            told = json.loads(reader.recv(1 << 18))
        assert told["bounds_ns"] == sorted(told["bounds_ns"])
        for lane, texts in ("high", 20), ("low", 40):
            for name, stage in told["lanes"][lane]["stages_ns"].items():
                histogram = told["lanes"][lane]["stage_histograms"][name]
                assert histogram["count"] == histogram["up_to"][-1] == texts
                assert histogram["sum"] == stage["sum"]
                assert histogram["up_to"] == sorted(histogram["up_to"])
                assert len(histogram["up_to"]) == len(told["bounds_ns"])
        high.close()
        low.close()


def test_a_stuck_reader_hinders_nobody(tmp_path: Path, runtime: Path) -> None:
    with serving(tmp_path) as engine, sockets.socket(
        sockets.AF_UNIX, sockets.SOCK_SEQPACKET
    ) as stuck:
        stuck.connect(str(control_of(engine, runtime)))
        stuck.settimeout(PATIENCE_S)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                stuck.send(b"metrics buckets")
        client = Client.connect(None)
        client.embed("still here")
        assert numbers()["lanes"]["high"]["completed"]["ok"] == 1
        client.close()


def test_only_its_user_may_ask_and_what_the_dead_left_goes(tmp_path: Path, runtime: Path) -> None:
    with Engine(tmp_path, *SERVE) as killed:
        killed.await_log("ready")
        killed.signal(signal.SIGKILL)
        killed.wait()
    left_behind = control_of(killed, runtime)
    assert left_behind.exists()
    with serving(tmp_path) as engine:
        assert not left_behind.exists()
        assert stat.S_IMODE(control_of(engine, runtime).stat().st_mode) == 0o600
    assert not control_of(engine, runtime).exists()


def test_a_launched_programs_engine_answers_too(tmp_path: Path) -> None:
    with Engine(tmp_path, "run", "--backend", "echo", "--low", "sleep 100") as engine:
        engine.await_log("ready")
        assert numbers("--pid", str(engine.pid))["pid"] == engine.pid
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


# ---- Which engine


def test_no_engine_is_one_sentence() -> None:
    others = filter(is_served, Path(f"/tmp/hilo-{os.geteuid()}").glob("*.control"))
    if other := next(others, None):
        pytest.skip(f"{other} belongs to an engine that this test must not disturb")
    done = run_hilo("top", "--once")
    assert done.returncode == 1
    assert "No engine of yours is running" in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_of_several_engines_is_named(tmp_path: Path, runtime: Path) -> None:
    other = runtime / "other.sock"
    with serving(tmp_path) as first, serving(tmp_path, "--socket", other) as second:
        done = run_hilo("top", "--once")
        assert done.returncode == 1
        assert "2 engines are running" in done.stderr
        assert f"--pid {first.pid}" in done.stderr
        assert numbers("--pid", str(second.pid))["socket"] == str(other)
        assert numbers("--socket", other)["pid"] == second.pid
        assert numbers("--socket", control_of(first, runtime))["pid"] == first.pid
        assert run_hilo("top", "--once", "--pid", "1").returncode == 1


# ---- What is drawn


def test_a_table_for_a_file_has_no_codes(tmp_path: Path) -> None:
    with serving(tmp_path):
        high, low = use_both_lanes(texts=5)
        done = run_hilo("top", "--once", "--interval", "0.1")
        assert done.returncode == 0, done.stderr
        assert re.search(r"^HIGH +0 +0 +- ", done.stdout, re.MULTILINE)
        assert "\x1b" not in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80
        high.close()
        low.close()


class Screen:
    """`hilo top` on a terminal of 80x24."""

    def __init__(self, **environment: str) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._before = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            [HILO, "top", "--interval", "0.1"],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment},
        )
        self.drawn = ""

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self._ours)
        os.close(self._theirs)

    def read_until(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.drawn:
            assert time.monotonic() < deadline, self.drawn
            if select.select([self._ours], [], [], 0.1)[0]:
                self.drawn += os.read(self._ours, 65536).decode()

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def await_end(self) -> None:
        self.read_until("\x1b[?1049l")
        assert self.process.wait(PATIENCE_S) == 0
        assert self.drawn.endswith("\x1b[?25h\x1b[?1049l"), "the cursor and the screen are back"
        assert termios.tcgetattr(self._theirs) == self._before

    def lines(self) -> list[str]:
        """The last frame, without codes."""
        frame = self.drawn.rsplit("\x1b[H", 1)[1]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", frame).split("\n")


@pytest.mark.parametrize("end", ["q", "\x03", "SIGTERM", "SIGINT"])
def test_the_terminal_is_left_as_it_was(end: str, tmp_path: Path) -> None:
    with serving(tmp_path), Screen() as screen:
        screen.read_until("stood aside")
        if end.startswith("SIG"):
            screen.process.send_signal(signal.Signals[end])
        else:
            screen.press(end)
        screen.await_end()


def test_both_lanes_fit_a_small_terminal(tmp_path: Path) -> None:
    with serving(tmp_path), Screen(NO_COLOR="1") as screen:
        screen.read_until("stood aside")  # What was done before it first looked is in no curve.
        high, low = use_both_lanes(texts=20)
        screen.read_until("█")  # A curve has a highest value.
        screen.press("q")
        screen.await_end()
        lines = screen.lines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        assert any(line.startswith("HIGH ") for line in lines)
        assert any(line.startswith("LOW ") for line in lines)
        assert not re.search(r"\x1b\[[0-9;]*m", screen.drawn), "colours in spite of NO_COLOR"
        high.close()
        low.close()


def test_a_plain_locale_gets_plain_letters(tmp_path: Path) -> None:
    with serving(tmp_path), Screen(LC_ALL="C") as screen:
        high, low = use_both_lanes(texts=20)
        screen.read_until("LOW waiting")
        screen.press("q")
        screen.await_end()
        assert screen.drawn.isascii()
        high.close()
        low.close()


def test_top_needs_a_terminal(tmp_path: Path) -> None:
    with serving(tmp_path):
        done = run_hilo("top")
        assert done.returncode == 1
        assert "--once" in done.stderr


# ---- Timelines


def test_a_timeline_holds_both_lanes_in_order(tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    with serving(tmp_path, "--trace", path):
        high, low = use_both_lanes(texts=10)
        high.close()
        low.close()
    timeline = json.loads(path.read_text())
    assert timeline["otherData"] == {"texts_lost": 0, "activities_lost": 0}
    events = [event for event in timeline["traceEvents"] if event["ph"] != "M"]
    assert [event["ts"] for event in events] == sorted(event["ts"] for event in events)

    groups = {
        event["pid"]: event["args"]["name"]
        for event in timeline["traceEvents"]
        if event["name"] == "process_name"
    }
    open_stages: dict[int, list[str]] = {}
    texts = {"HIGH texts": 0, "LOW texts": 0}
    for event in events:
        if event["ph"] == "b":
            stages = open_stages.setdefault(event["id"], [])
            texts[groups[event["pid"]]] += not stages
            stages.append(event["name"])
        elif event["ph"] == "e":
            assert open_stages[event["id"]].pop() == event["name"]
    assert texts == {"HIGH texts": 10, "LOW texts": 20}
    assert not any(open_stages.values())

    for track in {event["tid"] for event in events if event["ph"] == "X"}:
        end = 0.0
        for event in events:
            if event["ph"] == "X" and event["tid"] == track:
                assert event["ts"] >= end - 0.001, "plans of one worker overlap"
                end = event["ts"] + event["dur"]


def test_a_timeline_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    done = run_hilo(*SERVE, "--trace", tmp_path / "missing" / "timeline.json")
    assert done.returncode == 1
    assert "timeline" in done.stderr
