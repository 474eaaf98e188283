"""What the tests share: a real engine for each test that asks for one.

HILO_BIN names the engine program (else the installed one), HILO_TEST_MODEL a model directory.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hilo
import pytest
from real_engine import model_folder as model_folder
from real_engine import watchdog_of

SECONDS_FOR_A_TEST = 60
watchdog = watchdog_of(SECONDS_FOR_A_TEST)


@pytest.fixture
def echo() -> Iterator[hilo.Hilo]:
    """An engine whose vectors are a function of the text's bytes, and need no model."""
    with hilo.Hilo(backend="echo") as model:
        yield model


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
