"""Preparing a model, as far as it goes without PyTorch and TensorRT; tests/oracle has the rest."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hilo.engine import engine_program
from hilo.model import Choices, PrepareFailed, engine_builder, manifest, prepare, profiles_of
from hilo.model.plan import plan_of
from hilo.model.prepare import build
from hilo.model.steps import Steps

TRTEXEC = """#!/bin/sh
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v110100] [b106] # $*"
for word; do case $word in --saveEngine=*) printf built >"${word#*=}";; esac; done
printf '%s\\n' "$@" >"$(dirname "$0")/words"
exit ${TRTEXEC_STATUS:-0}
"""


def choices(tmp_path: Path, **more: Any) -> Choices:
    return Choices(model=tmp_path / "model", output=tmp_path / "prepared", **more)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """As prepare() leaves it where there is no builder."""
    folder = tmp_path / "prepared"
    folder.mkdir(mode=0o700)
    (folder / "model.onnx").write_bytes(b"a graph")
    shapes = {"min": [1, 1], "opt": [1, 32], "max": [8, 256]}
    tensors = [{"name": name, "type": "int64"} for name in ("input_ids", "attention_mask")]
    manifest.write(folder, {
        "model": {"name": "m", "pooling": "mean", "dims": 4, "tokens_max": 256, "vocabulary": 9,
                  "padding_id": 0, "normalized": True, "cross_encoder": False},
        "sources": {},
        "graph": {**manifest.facts_of(folder / "model.onnx"), "precision": "fp16",
                  "opset": {"ai.onnx": 20}, "inputs": tensors, "outputs": [],
                  "check": {"difference_max": 0.001, "cosine_min": 0.9999}},
        "profiles": [{"lane": "high", **shapes}, {"lane": "low", **shapes}],
        "engine": None})
    return folder


@pytest.fixture
def trtexec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in TensorRT's place. Returns where it writes what it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "trtexec").write_text(TRTEXEC)
    (folder / "trtexec").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "words"


def info(**more: Any) -> dict[str, Any]:
    return {"model": "m", "dims": 4, "tokens_max": 20, "vocabulary": 100, "pooling": "mean",
            "normalized": True, "cross_encoder": False, **more}


def test_profiles_stay_within_the_model(tmp_path: Path) -> None:
    high, low = profiles_of(choices(tmp_path, high_texts_max=2, low_texts_max=16), tokens_max=20)
    assert (high.min, high.opt, high.max) == ((1, 1), (1, 20), (2, 20))
    assert (low.min, low.opt, low.max) == ((1, 1), (16, 20), (16, 20))
    for profile in profiles_of(choices(tmp_path), 512):
        assert profile.min <= profile.opt <= profile.max


def test_a_large_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrepareFailed, match="65536"):
        plan_of(choices(tmp_path), info(vocabulary=250_002))


def test_what_the_model_tells_of_ids(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text('{"pad_token_id": 1, "type_vocab_size": 1}')
    assert plan_of(choices(tmp_path), info()).inputs == ["input_ids", "attention_mask"]
    (tmp_path / "model/config.json").write_text('{"pad_token_id": 1, "type_vocab_size": 2}')
    plan = plan_of(choices(tmp_path), info(cross_encoder=True))
    assert plan.padding_id == 1
    assert plan.inputs == ["input_ids", "attention_mask", "token_type_ids"]
    assert plan.output == "scores"


@pytest.mark.skipif("importlib.util.find_spec('torch')", reason="PyTorch is here")
def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(PrepareFailed, match=r"takes .*torch.*pip install 'hilo-engine\[prepare\]'"):
        prepare(choices(tmp_path))


def test_a_builder_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(engine_builder.importlib.util, "find_spec", lambda _: None)
    assert engine_builder.find_builder("auto") is None
    assert engine_builder.find_builder("none") is None
    for name in ("tensorrt", "trtexec", "tensorrt-rtx"):
        with pytest.raises(PrepareFailed, match=name):
            engine_builder.find_builder(name)


def test_trtexec_builds_what_the_manifest_tells(prepared: Path, trtexec: Path) -> None:
    builder = engine_builder.find_builder("trtexec")
    assert builder is not None
    stream = StringIO()
    build(prepared, builder, Steps(1, stream))
    words = trtexec.read_text().splitlines()
    assert f"--onnx={prepared / 'model.onnx'}" in words
    assert "--maxAuxStreams=0" in words
    assert words[-4:] == ["--profile=1", "--minShapes=input_ids:1x1,attention_mask:1x1",
                          "--optShapes=input_ids:1x32,attention_mask:1x32",
                          "--maxShapes=input_ids:8x256,attention_mask:8x256"]
    engine = manifest.read(prepared)["engine"]
    assert engine["version"] == "11.1.0"
    assert engine["sha256"] == manifest.digest_of(prepared / "model.engine")
    assert "[########################] 1/1  build the engine with trtexec" in stream.getvalue()
    done = subprocess.run([engine_program(), "model", "info", prepared], capture_output=True,
                          text=True, check=False, timeout=30)
    assert "may be loaded" in done.stdout, done.stderr


def test_a_builder_that_fails_is_quoted(
    prepared: Path, trtexec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRTEXEC_STATUS", "3")
    with pytest.raises(PrepareFailed, match=r"(?s)status 3:.*RUNNING TensorRT"):
        build(prepared, engine_builder.Builder("trtexec"), Steps(1, StringIO()))
    assert manifest.read(prepared)["engine"] is None


def test_a_graph_that_was_changed_is_not_built(prepared: Path, trtexec: Path) -> None:
    (prepared / "model.onnx").write_bytes(b"another")
    with pytest.raises(PrepareFailed, match="is not the file"):
        build(prepared, engine_builder.Builder("trtexec"), Steps(1, StringIO()))
    assert not trtexec.exists()


def test_the_words_of_the_command_line(prepared: Path, trtexec: Path) -> None:
    environment = {**os.environ, "HILO_PYTHON": sys.executable}

    def hilo(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([engine_program(), "model", *map(str, words)], capture_output=True,
                              text=True, check=False, timeout=60, env=environment)

    built = hilo("build", prepared, "--builder", "trtexec")
    assert built.returncode == 0, built.stderr
    missing = hilo("build", prepared.parent)
    assert missing.returncode == 1
    assert "No such file or directory: make it with" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert hilo("build").returncode == 2
    assert hilo("fly").returncode == 2


def test_versions_are_read_from_what_trtexec_says() -> None:
    version = engine_builder.version_of_trtexec
    assert version("&&&& RUNNING TensorRT.trtexec [TensorRT v101601] [b11]") == "10.16.1"
    with pytest.raises(PrepareFailed):
        version("something else")


class FakeTensorRt(SimpleNamespace):
    """As much of the builder's API as is called, which keeps what it is told."""

    def __init__(self, parses: bool = True, builds: bool = True) -> None:
        super().__init__(__name__="fake", __version__="9.9", profiles=[], flags=None)
        self.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        self.config = SimpleNamespace(max_aux_streams=None,
                                      add_optimization_profile=self._add_profile)
        self.parses, self.builds = parses, builds

    class ILogger:
        INTERNAL_ERROR, ERROR, INFO = range(3)

    def Builder(self, log: Any) -> Any:
        log.log(self.ILogger.INFO, "something")
        log.log(self.ILogger.ERROR, "a reason")
        return SimpleNamespace(
            logger=log, create_network=self._create_network,
            create_builder_config=lambda: self.config,
            create_optimization_profile=lambda: SimpleNamespace(
                set_shape=lambda *words: self.profiles.append(words)),
            build_serialized_network=lambda *_: b"built" if self.builds else None)

    def OnnxParser(self, network: Any, log: Any) -> Any:
        error = SimpleNamespace(desc=lambda: "an operator")
        return SimpleNamespace(parse=lambda _: self.parses, num_errors=1, get_error=lambda _: error)

    def _create_network(self, flags: int) -> str:
        self.flags = flags
        return "network"

    def _add_profile(self, _: Any) -> int:
        return 0


def test_the_python_builder_gets_both_profiles(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"a graph")
    profiles = profiles_of(choices(tmp_path), 256)
    module = FakeTensorRt()
    built = engine_builder.build_with_module(module, ["input_ids"], profiles, graph)
    assert built == b"built"
    assert module.flags == 2
    assert module.config.max_aux_streams == 0
    assert module.profiles == [("input_ids", (1, 1), (1, 32), (8, 256)),
                               ("input_ids", (1, 1), (32, 64), (64, 256))]
    with pytest.raises(PrepareFailed, match="cannot read .*: a reason; an operator"):
        engine_builder.build_with_module(FakeTensorRt(parses=False), [], profiles, graph)
    with pytest.raises(PrepareFailed, match="cannot build .*: a reason"):
        engine_builder.build_with_module(FakeTensorRt(builds=False), [], profiles, graph)


def test_a_manifest_of_something_else_is_refused(tmp_path: Path) -> None:
    for content in ("{}", "[]", "x"):
        (tmp_path / manifest.NAME).write_text(content)
        with pytest.raises(PrepareFailed, match="is no"):
            manifest.read(tmp_path)


def test_steps_are_a_bar_on_a_terminal() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Steps(2, stream).step("think"):
        pass
    assert stream.getvalue().endswith("[############............] 1/2  think  0 s\n")
    assert "\r" in stream.getvalue()


def test_a_folder_that_others_may_write_is_not_built_in(prepared: Path, trtexec: Path) -> None:
    builder = engine_builder.Builder("trtexec")
    linked = prepared.parent / "linked"
    linked.symlink_to(prepared)
    with pytest.raises(PrepareFailed, match="linked: is a link"):
        build(linked, builder, Steps(1, StringIO()))
    prepared.chmod(0o770)
    with pytest.raises(PrepareFailed, match=r"written by others \(mode 0770\).*chmod go-w"):
        build(prepared, builder, Steps(1, StringIO()))
    assert not trtexec.exists()


def test_nothing_is_written_through_a_link(prepared: Path, trtexec: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    for name in ("model.engine", manifest.NAME + ".new"):
        (prepared / name).symlink_to(other)
    build(prepared, engine_builder.Builder("trtexec"), Steps(1, StringIO()))
    assert other.read_text() == "kept"
    assert (prepared / "model.engine").read_text() == "built"
    assert not (prepared / "model.engine").is_symlink()


def test_trtexec_writes_for_its_owner_alone(
    prepared: Path, trtexec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # What comes after it is written.
    build(prepared, engine_builder.Builder("trtexec"), Steps(1, StringIO()))
    assert (prepared / "model.engine").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lost", ["graph", "profiles"])
def test_a_manifest_that_lacks_something_is_told(prepared: Path, trtexec: Path, lost: str) -> None:
    content = manifest.read(prepared)
    del content[lost]
    (prepared / manifest.NAME).write_text(json.dumps(content))
    with pytest.raises(PrepareFailed, match=rf"'{lost}'\): prepare the model again"):
        build(prepared, engine_builder.Builder("trtexec"), Steps(1, StringIO()))


def test_a_manifest_is_its_owners_alone(prepared: Path) -> None:
    assert (prepared / manifest.NAME).stat().st_mode & 0o777 == 0o600
    content = json.loads((prepared / manifest.NAME).read_text())
    assert content["format"] == manifest.FORMAT
