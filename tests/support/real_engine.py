"""Fixtures of every folder whose tests start real engines; its conftest.py takes them from here."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def watchdog_of(seconds: int) -> Callable[[], Iterator[None]]:
    """A fixture for every test of a folder: one that hangs ends with a traceback instead."""

    @pytest.fixture(autouse=True)
    def watchdog() -> Iterator[None]:
        def give_up(*_: object) -> None:
            raise AssertionError(f"not finished after {seconds} s")

        before = signal.signal(signal.SIGALRM, give_up)
        signal.alarm(seconds)
        yield
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

    return watchdog


@pytest.fixture(scope="session")
def model_folder() -> Path:
    folder = os.environ.get("HILO_TEST_MODEL")
    if folder is None:
        pytest.fail("HILO_TEST_MODEL should name a model directory: ./dev model prints one")
    return Path(folder)
