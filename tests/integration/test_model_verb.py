"""What `hilo model info` tells, and how `hilo model` comes to the words that are in Python."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest
from processes import run_hilo

MANIFEST = "hilo-model.json"


def facts_of(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "bytes": len(content), "sha256": digest}


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A prepared folder whose files are no more than their digests."""
    folder = tmp_path / "prepared"
    folder.mkdir(mode=0o700)
    for name in ("model.onnx", "model.engine"):
        (folder / name).write_bytes(name.encode() * 100)
        (folder / name).chmod(0o600)
    tensor = {"name": "input_ids", "type": "int64", "shape": ["texts", "tokens"]}
    manifest = {
        "format": "hilo prepared model 1",
        "model": {"name": "tiny", "pooling": "mean", "dims": 32, "tokens_max": 64,
                  "vocabulary": 100, "padding_id": 0, "normalized": True, "cross_encoder": False},
        "sources": {"config.json": "ab"},
        "graph": {**facts_of(folder / "model.onnx"), "precision": "fp16", "opset": {"ai.onnx": 20},
                  "inputs": [tensor], "outputs": [{"name": "vectors", "type": "float"}],
                  "check": {"difference_max": 0.00042, "cosine_min": 0.99999}},
        "profiles": [{"lane": "high", "min": [1, 1], "opt": [1, 32], "max": [8, 64]}],
        "engine": {**facts_of(folder / "model.engine"), "builder": "trtexec", "version": "11.1.0",
                   "gpu": "a GPU", "stands_in": False},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / MANIFEST).chmod(0o600)
    return folder


def test_a_model_directory_is_explained(model_folder: Path) -> None:
    done = run_hilo("model", "info", model_folder)
    assert done.returncode == 0, done.stderr
    assert "6 layers, 384 wide" in done.stdout
    assert "tensors of F32" in done.stdout or "tensors of F16" in done.stdout
    assert "MiB in 1 file" in done.stdout


@pytest.mark.parametrize("name", ["", MANIFEST])
def test_a_prepared_folder_is_explained(prepared: Path, name: str) -> None:
    done = run_hilo("model", "info", prepared / name)
    assert done.returncode == 0, done.stderr
    for part in ("model.onnx, 0.0 MiB, digest OK", "ONNX in fp16, opset 20", "input_ids int64",
                 "difference from PyTorch 0.00042", "high: 1x1 to 8x64", "best for 1x32",
                 "model.engine, 0.0 MiB, digest OK", "by trtexec 11.1.0 for a GPU",
                 "may be loaded"):
        assert part in done.stdout


def test_one_file_is_explained_by_the_manifest_beside_it(prepared: Path) -> None:
    graph = run_hilo("model", "info", prepared / "model.onnx")
    assert graph.returncode == 0
    assert "opset 20" in graph.stdout
    assert "engine" not in graph.stdout
    engine = run_hilo("model", "info", prepared / "model.engine")
    assert engine.returncode == 0
    assert "11.1.0" in engine.stdout
    assert "opset" not in engine.stdout


def test_a_file_that_was_changed_is_told(prepared: Path) -> None:
    (prepared / "model.engine").write_bytes(b"something else")
    done = run_hilo("model", "info", prepared)
    assert done.returncode == 1
    assert "digest WRONG" in done.stdout
    assert "its digest is another" in done.stderr


def test_a_file_that_others_may_write_is_told(prepared: Path) -> None:
    (prepared / "model.engine").chmod(0o666)
    done = run_hilo("model", "info", prepared / "model.engine")
    assert done.returncode == 1
    assert "will not be loaded" in done.stdout
    assert "can be written by others" in done.stderr


def test_what_is_not_there_or_told_of_by_nothing(tmp_path: Path) -> None:
    missing = run_hilo("model", "info", tmp_path / "missing")
    assert missing.returncode == 1
    assert "missing: is not there" in missing.stderr
    (tmp_path / "some.engine").write_bytes(b"x")
    engine = run_hilo("model", "info", tmp_path / "some.engine")
    assert engine.returncode == 1
    assert "told of by no hilo-model.json" in engine.stderr


def test_an_engine_is_loaded_only_with_its_plug_in(
    prepared: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only after the file was checked, as that names the plug-in."""
    monkeypatch.setenv("HILO_TENSORRT_PLUGIN", "/nonexistent/libhilo_tensorrt.so.11")
    # Of no interest where the CPU computes nothing.
    monkeypatch.setenv("HILO_CPU", "none such")
    arguments = ("embed", "--model", model_folder, "--backend", "tensorrt", "a text")
    done = run_hilo(*arguments, "--prepared", prepared)
    assert done.returncode == 1
    assert "names /nonexistent/libhilo_tensorrt.so.11, which is not there" in done.stderr
    (prepared / "model.engine").write_bytes(b"something else")
    done = run_hilo(*arguments, "--prepared", prepared)
    assert done.returncode == 1
    assert "its digest is another" in done.stderr
    done = run_hilo(*arguments, "--prepared", prepared.parent)
    assert done.returncode == 1
    assert MANIFEST in done.stderr


def test_words_in_python_need_a_python_that_has_hilo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILO_PYTHON", "/nonexistent/python3")
    done = run_hilo("model", "build", "x")
    assert done.returncode == 1
    assert "cannot start /nonexistent/python3" in done.stderr
    without = tmp_path / "python3"
    without.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    without.chmod(0o755)
    monkeypatch.setenv("HILO_PYTHON", str(without))
    done = run_hilo("model", "build", "x")
    assert done.returncode == 1
    assert "takes hilo's Python package" in done.stderr
    assert "pip install 'hilo-engine[prepare]'" in done.stderr


def test_help_of_a_word_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILO_PYTHON", sys.executable)
    done = run_hilo("model", "prepare", "--help")
    assert done.returncode == 0, done.stderr
    assert "--precision" in done.stdout
