"""An engine in a control group with a quota of CPU time: the kernel's own counters tell whether LOW
had it stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, LOW, OK, Client
from processes import Engine, until

PERIOD_US = 100_000
QUOTA_US = 40_000
# Paced, it is some 0.02; unpaced, more than 0.8.
THROTTLED_MAX = 0.33


class Group:
    """A control group of our own, of whichever version has the cpu controller. Other programs of a
    busy machine hardly slow it down: it is its quota that does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        if (folder / "cpu.max").exists():
            (folder / "cpu.weight").write_text("10000")
            (folder / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        else:
            (folder / "cpu.shares").write_text("262144")
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(QUOTA_US))

    def enter(self) -> None:
        """In the child, before it becomes the program."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def counter(self, name: str) -> int:
        lines = (self.folder / "cpu.stat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + " "))


def folders_for_groups() -> Iterator[Path]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        mount = Path(place.split()[4])
        if kind.startswith("cgroup2 "):
            if "cpu" in (mount / "cgroup.subtree_control").read_text().split():
                yield mount
        elif kind.startswith("cgroup ") and "cpu" in kind.split()[-1].split(","):
            yield mount


@pytest.fixture
def group() -> Iterator[Group]:
    reason = "no control group of the cpu controller is mounted"
    for mount in folders_for_groups():
        folder = mount / f"hilo-test-{os.getpid()}"
        try:
            made = Group(folder)
        except OSError as error:
            reason = f"no control group can be made: {error}"
            continue
        yield made
        folder.rmdir()
        return
    pytest.skip(reason)


def embed_beside(client: Client, seconds: float) -> int:
    """LOW without end and five HIGH texts a second; how many LOW texts were answered. Some are left
    to the engine."""
    answered = 0
    end = time.monotonic() + seconds
    next_high = time.monotonic()
    high = set()
    for number in range(64):
        client.submit(f"{number} " + "window " * 100, LOW)
    while time.monotonic() < end:
        if time.monotonic() >= next_high:
            high.add(client.submit("what does the quick brown fox do", HIGH))
            next_high += 0.2
        if client.wait(50) != OK:
            continue
        while (result := client.take()) is not None:
            client.release(result.task)
            if result.task in high:
                continue
            answered += 1
            client.submit(f"{answered} " + "window " * 100, LOW)
    return answered


def periods_throttled(group: Group, path: Path) -> float:
    """The part of the periods in which the kernel stopped the engine, while it was at work."""
    periods, throttled = group.counter("nr_periods"), group.counter("nr_throttled")
    client = Client.connect(path)
    try:
        assert embed_beside(client, 3) > 0
    finally:
        client.close()
    return (group.counter("nr_throttled") - throttled) / (group.counter("nr_periods") - periods)


def await_throttling_of_burners(group: Group) -> None:
    """Fails if this machine is so busy that nothing could have exceeded the quota."""
    before = group.counter("nr_throttled")
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=group.enter)
        for _ in range(2)
    ]
    try:
        until(lambda: group.counter("nr_throttled") - before > 3, "the kernel to stop what burns")
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_low_does_not_spend_the_quota_of_high(
    group: Group, runtime: Path, tmp_path: Path, model_folder: Path
) -> None:
    """Fails if LOW is not paced: then the kernel stops the engine in nearly every period, and each
    time that it is measured."""
    path = runtime / "hilo.sock"
    arguments = ("serve", "--model", model_folder, "--socket", path)
    with Engine(tmp_path, *arguments, preexec_fn=group.enter) as engine:
        engine.await_log("ready")
        engine.await_log("allows 0.40 cores")
        measured = [periods_throttled(group, path)]
        while measured[-1] > THROTTLED_MAX and len(measured) < 3:
            measured.append(periods_throttled(group, path))
        engine.process.terminate()
        engine.wait()
    assert measured[-1] <= THROTTLED_MAX, f"parts of the periods with a stop: {measured}"

    await_throttling_of_burners(group)
