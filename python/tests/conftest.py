"""What the tests share: a real engine for each test that asks for one.

HILO_BIN names the engine program (else the installed one), HILO_TEST_MODEL a model directory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hilo
import pytest

SECONDS_FOR_A_TEST = 60


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
def echo() -> Iterator[hilo.Hilo]:
    """An engine whose vectors are a function of the text's bytes, and need no model."""
    with hilo.Hilo(backend="echo") as model:
        yield model


@pytest.fixture(scope="session")
def model_folder() -> Path:
    folder = os.environ.get("HILO_TEST_MODEL")
    if folder is None:
        pytest.fail("HILO_TEST_MODEL should name a model directory: ./dev model prints one")
    return Path(folder)


@pytest.fixture(scope="session")
def minilm(model_folder: Path) -> Iterator[hilo.Hilo]:
    with hilo.Hilo(model_folder) as model:
        yield model


@pytest.fixture
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program in a Python of its own."""

    def run(program: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                              timeout=SECONDS_FOR_A_TEST, check=False, **options)

    return run
