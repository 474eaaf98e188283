"""What is exported can be built with both lanes' profiles, by `hilo model build`.

TensorRT-RTX stands in for TensorRT: the builder's API is the same, and it needs no GPU.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from golden_graph import FAMILIES, GoldenGraph
from hilo.model import manifest
from processes import run_hilo

# Looked for and not imported: it is large, and the tests' own process has no use for it.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="TensorRT-RTX (tensorrt-rtx-cu13) could not be installed here, so no graph was built")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return run_hilo("model", "build", folder, "--builder", "tensorrt-rtx",
                    env={**os.environ, "HILO_PYTHON": sys.executable})


def changed(folder: Path, **more: Any) -> None:
    path = folder / manifest.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


@pytest.fixture(scope="module", params=FAMILIES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with its engine; building takes a second, so the tests share it."""
    folder = tmp_path_factory.mktemp("built") / request.param
    shutil.copytree(GoldenGraph(request.param).folder, folder)
    folder.chmod(0o700)
    done = build(folder)
    assert done.returncode == 0, done.stderr
    assert "no TensorRT loads it" in done.stderr
    return folder


def test_graphs_are_built_with_both_profiles(built: Path) -> None:
    content = manifest.read(built)
    assert [each["lane"] for each in content["profiles"]] == ["high", "low"]
    assert content["engine"]["builder"] == "tensorrt_rtx"
    assert content["engine"]["stands_in"]
    told = run_hilo("model", "info", built)
    assert told.returncode == 0, told.stderr
    assert f"by tensorrt_rtx {content['engine']['version']}" in told.stdout
    assert "no TensorRT loads it" in told.stdout
    assert "may be loaded" not in told.stdout


@pytest.mark.parametrize("built", ["roberta"], indirect=True)
def test_engines_have_kernels_of_both_profiles(built: Path, tmp_path: Path) -> None:
    """What an engine holds cannot be asked without a GPU, but one profile takes half the room."""
    high_alone = Path(shutil.copytree(built, tmp_path / "high"))
    changed(high_alone, profiles=manifest.read(built)["profiles"][:1])
    done = build(high_alone)
    assert done.returncode == 0, done.stderr
    both, high = (manifest.read(folder)["engine"]["bytes"] for folder in (built, high_alone))
    assert both > 1.4 * high


def test_a_profile_that_cannot_be_is_told(prepared: Path) -> None:
    high, low = manifest.read(prepared)["profiles"]
    changed(prepared, profiles=[high, low | {"min": [65, 1]}])
    done = build(prepared)
    assert done.returncode == 1
    assert "cannot take the profile of the lane low" in done.stderr
    assert manifest.read(prepared)["engine"] is None


def test_an_operator_that_is_unknown_is_told(prepared: Path) -> None:
    graph = prepared / "model.onnx"
    graph.write_bytes(graph.read_bytes().replace(b"Softmax", b"Softmix"))
    changed(prepared, graph=manifest.read(prepared)["graph"] | manifest.facts_of(graph))
    done = build(prepared)
    assert done.returncode == 1
    assert f"cannot read {graph}" in done.stderr
    assert "Traceback" not in done.stderr
