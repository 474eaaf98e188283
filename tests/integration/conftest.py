"""A watchdog for each test, and folders that must be empty again at its end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_engine import model_folder as model_folder
from real_engine import watchdog_of

SECONDS_FOR_A_TEST = 100
watchdog = watchdog_of(SECONDS_FOR_A_TEST)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets, whose path is short enough for one. Nothing may be left in it."""
    with tempfile.TemporaryDirectory(prefix="hilo-") as folder:
        yield Path(folder)
        assert os.listdir(folder) == [], "a file was left behind"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set must not decide a test."""
    for name in ("HILO_SOCKET", "HILO_CHANNEL", "HILO_MODEL", "HILO_CPU", "HILO_CUDA_PLUGIN"):
        monkeypatch.delenv(name, raising=False)
