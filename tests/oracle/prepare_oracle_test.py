"""Models prepared in earnest: PyTorch exports them, ONNX Runtime computes them and, as a stand-in
for TensorRT where there is no GPU, the builder of TensorRT-RTX builds them.

    ./dev test --oracles prepare
"""

import importlib.util
import json
import os
import pathlib

import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = HERE.parent / "golden" / "families"
GRAPHS = HERE.parent / "golden" / "graphs"
TEXTS = ["", "resize photos", "Zürich, naïve café!", "how to play chess " * 20, "x " * 400]

hilo = pytest.importorskip("hilo", reason="the Python package hilo is not installed here")
for name in ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed here: ./dev test --oracles installs it",
                    allow_module_level=True)
from hilo.model import Choices, PrepareFailed, engine_builder, manifest, prepare
from hilo.model.prepare import build

WITH_TENSORRT_RTX = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="tensorrt_rtx is not installed here: ./dev test --oracles installs it")


@pytest.fixture(scope="module")
def minilm():
    directory = os.environ.get("HILO_TEST_MODEL")
    if not directory:
        pytest.skip("HILO_TEST_MODEL is not set to the directory of all-MiniLM-L6-v2")
    return pathlib.Path(directory)


@pytest.fixture(scope="module")
def minilm_in_fp16(minilm, tmp_path_factory):
    """Once for the tests that only look at it."""
    output = tmp_path_factory.mktemp("minilm") / "prepared"
    prepare(Choices(minilm, output, builder="none"))
    return output


def session_of(folder):
    from hilo.model.graph_session import GraphSession

    content = manifest.read(folder)
    return GraphSession(folder / content["graph"]["file"], content["model"]["padding_id"])


def vectors_of(folder, model, texts):
    """By ONNX Runtime, as hilo would use the graph: a padded batch, scaled to length 1."""
    tokens_max = manifest.read(folder)["model"]["tokens_max"]
    tokenizer = hilo.Tokenizer(model)
    ids = [tokenizer.encode(text, max_length=tokens_max) for text in texts]
    vectors = session_of(folder).vectors(ids, [[0] * len(each) for each in ids])
    assert vectors.dtype == numpy.float32
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def cosine_min(a, b):
    return (a * b).sum(axis=1).min() / numpy.linalg.norm(b, axis=1).max()


def test_minilm_in_fp32_is_what_pytorch_and_hilo_compute(minilm, tmp_path):
    prepare(Choices(minilm, tmp_path, precision="fp32", builder="none"))
    content = manifest.read(tmp_path)
    assert content["engine"] is None
    assert content["graph"]["opset"]["ai.onnx"] == 20
    assert [each["shape"] for each in content["graph"]["inputs"]] == [["texts", "tokens"]] * 3
    assert content["graph"]["check"]["difference_max"] < 2e-6
    assert {3, 16, 256} <= set(content["graph"]["check"]["lengths"])
    with hilo.Hilo(minilm) as model:
        assert cosine_min(vectors_of(tmp_path, minilm, TEXTS), model.encode(TEXTS)) > 0.99999


def test_minilm_in_fp16_is_near(minilm, minilm_in_fp16):
    content = manifest.read(minilm_in_fp16)
    assert content["graph"]["check"]["cosine_min"] > 0.9999
    assert content["graph"]["bytes"] < 50e6
    assert "LayerNormalization" in content["graph"]["operators"]
    with hilo.Hilo(minilm) as model:
        assert cosine_min(vectors_of(minilm_in_fp16, minilm, TEXTS), model.encode(TEXTS)) > 0.9999


@pytest.mark.parametrize("family", ["distilbert", "roberta", "mpnet", "xlm_roberta",
                                    "bert_cross_encoder", "mpnet_cross_encoder"])
def test_every_family_is_exported(family, tmp_path):
    prepare(Choices(FAMILIES / family, tmp_path, precision="fp32", builder="none"))
    content = manifest.read(tmp_path)
    outputs = [each["name"] for each in content["graph"]["outputs"]]
    assert outputs == ["scores" if "cross" in family else "vectors"]
    assert content["graph"]["check"]["difference_max"] < 1e-4
    # The exporter's notes would tell where the files of this machine lie.
    assert b"torch_model.py" not in (tmp_path / "model.onnx").read_bytes()
    assert (tmp_path / "model.onnx").stat().st_mode & 0o777 == 0o600


def weights_of(graph):
    """Of what is multiplied or added; shapes and other small numbers may be folded differently."""
    import onnx

    tensors = map(onnx.numpy_helper.to_array, onnx.load(str(graph)).graph.initializer)
    return sorted(tensor.tobytes() for tensor in tensors if tensor.size >= 32)


@pytest.mark.parametrize("folder", sorted(GRAPHS.iterdir()), ids=lambda folder: folder.name)
def test_committed_graphs_are_what_is_exported_now(folder, tmp_path):
    """Which checks without PyTorch (tests/graphs) are about."""
    committed = manifest.read(folder)["graph"]
    prepare(Choices(FAMILIES / folder.name, tmp_path, precision=committed["precision"],
                    builder="none"))
    fresh = manifest.read(tmp_path)["graph"]
    for name in ("precision", "opset", "inputs", "outputs"):
        assert fresh[name] == committed[name]
    assert weights_of(tmp_path / fresh["file"]) == weights_of(folder / committed["file"])
    ids = [[0, 7, 9, 40, 2], [0, *range(5, 36), 2]]
    types = [[0, 0, 0, 1, 1], [0] * 20 + [1] * 13]
    found, expected = (session_of(each).vectors(ids, types) for each in (tmp_path, folder))
    # Other versions order operators differently: a few roundings of the format.
    assert numpy.abs(found - expected).max() < {"fp32": 1e-5, "fp16": 1e-2}[fresh["precision"]]


def test_pooling_by_the_last_token():
    import torch
    from hilo.model.torch_model import pool

    rows = torch.arange(24, dtype=torch.float32).reshape(2, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    assert pool(rows, mask, "lasttoken").tolist() == [[3, 4, 5], [21, 22, 23]]
    assert pool(rows, mask, "cls").tolist() == [[0, 1, 2], [12, 13, 14]]
    assert pool(rows, mask, "mean").tolist() == [[1.5, 2.5, 3.5], [16.5, 17.5, 18.5]]


def test_a_graph_that_differs_is_refused(minilm, tmp_path, monkeypatch):
    from hilo.model import torch_model

    monkeypatch.setattr(torch_model, "pool", lambda rows, mask, pooling: rows.mean(dim=1))
    with pytest.raises(PrepareFailed, match="differs from PyTorch by"):
        prepare(Choices(minilm, tmp_path, builder="none"))
    assert not (tmp_path / manifest.NAME).exists()


@WITH_TENSORRT_RTX
def test_the_graph_is_built_with_both_profiles(minilm_in_fp16):
    builder = engine_builder.find_builder("tensorrt-rtx")
    build(minilm_in_fp16, builder)
    engine = manifest.read(minilm_in_fp16)["engine"]
    assert engine["stands_in"]
    assert engine["bytes"] > 10e6
    assert json.loads((minilm_in_fp16 / manifest.NAME).read_text())["profiles"][1]["lane"] == "low"
