"""Graphs that `hilo model prepare` made (tests/golden/graphs), read, computed and built by the
libraries that are there for it (python/requirements-graphs.txt), without PyTorch or a GPU."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from golden_graph import FAMILIES, GoldenGraph
from real_engine import watchdog_of

SECONDS_FOR_A_TEST = 60
watchdog = watchdog_of(SECONDS_FOR_A_TEST)


@pytest.fixture(params=FAMILIES)
def golden(request: pytest.FixtureRequest) -> GoldenGraph:
    return GoldenGraph(request.param)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A folder as it comes to the machine that builds: a graph and no engine yet."""
    folder = Path(shutil.copytree(GoldenGraph("mpnet").folder, tmp_path / "prepared"))
    folder.chmod(0o700)
    return folder
