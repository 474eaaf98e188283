"""A watchdog for each test, and folders that must be empty again at its end."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS_FOR_A_TEST = 100


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """A test that hangs ends with a traceback instead."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"not finished after {SECONDS_FOR_A_TEST} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS_FOR_A_TEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets, whose path is short enough for one. Nothing may be left in it."""
    with tempfile.TemporaryDirectory(prefix="hilo-") as folder:
        yield Path(folder)
        assert os.listdir(folder) == [], "a file was left behind"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set must not decide a test."""
    for name in ("HILO_SOCKET", "HILO_CHANNEL", "HILO_MODEL", "HILO_CPU"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def model_folder() -> Path:
    folder = os.environ.get("HILO_TEST_MODEL")
    if folder is None:
        pytest.fail("HILO_TEST_MODEL should name a model directory: ./dev model prints one")
    return Path(folder)
