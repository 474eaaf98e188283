"""What is exported is a valid graph that computes what transformers does."""

from __future__ import annotations

from pathlib import Path

import numpy
import onnx
import pytest
from golden_graph import FAMILIES, GoldenGraph
from hilo.model import PrepareFailed, graph_facts, manifest
from hilo.model.graph_session import GraphSession
from hilo.model.plan import DIFFERENCE_MAX, OPSET


def test_there_are_graphs_of_all_kinds() -> None:
    graphs = [GoldenGraph(family) for family in FAMILIES]
    assert {graph.precision for graph in graphs} == {"fp16", "fp32"}
    assert {graph.manifest["model"]["pooling"] for graph in graphs} == {"mean", "cls"}
    assert {graph.cross_encoder for graph in graphs} == {True, False}
    assert {len(graph.manifest["graph"]["inputs"]) for graph in graphs} == {2, 3}


def test_graphs_are_of_the_models_beside_them(golden: GoldenGraph) -> None:
    assert manifest.source_files(golden.source) == golden.manifest["sources"], \
        "the model was written anew: run tools/golden_graphs.py"


def test_graphs_are_valid(golden: GoldenGraph) -> None:
    model = onnx.load(golden.path)
    onnx.checker.check_model(model, full_check=True)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node), \
        "notes of the exporter tell where the files of the machine lie that prepared it"


def test_graphs_are_what_their_manifest_tells(golden: GoldenGraph) -> None:
    told = golden.manifest["graph"]
    facts = graph_facts.facts_of(golden.path)
    assert facts == {name: told[name] for name in facts}
    assert facts["opset"] == {"ai.onnx": OPSET}
    names = ["input_ids", "attention_mask", "token_type_ids"]
    assert facts["inputs"] == [
        {"name": name, "type": "int64", "shape": ["texts", "tokens"]}
        for name in names[:len(facts["inputs"])]]
    dims = [] if golden.cross_encoder else [golden.manifest["model"]["dims"]]
    assert facts["outputs"] == [{"name": "scores" if golden.cross_encoder else "vectors",
                                 "type": "float", "shape": ["texts", *dims]}]
    assert "LayerNormalization" in facts["operators"]


@pytest.mark.parametrize("together", [True, False], ids=["together", "alone"])
def test_graphs_compute_what_transformers_does(golden: GoldenGraph, together: bool) -> None:
    session = GraphSession(golden.path, golden.manifest["model"]["padding_id"])
    if together:
        found = session.vectors(golden.ids, golden.types)
    else:
        found = numpy.concatenate([
            session.vectors([ids], [types])
            for ids, types in zip(golden.ids, golden.types, strict=True)])
    difference = numpy.abs(golden.scaled(found) - golden.expected).max()
    assert difference < DIFFERENCE_MAX[golden.precision]
    # A format that is coarser than it says, or finer, is another graph than the one asked for.
    assert (difference > 1e-5) == (golden.precision == "fp16")


def test_what_is_no_graph_is_told(prepared: Path) -> None:
    (prepared / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(PrepareFailed, match="is no ONNX graph"):
        graph_facts.facts_of(prepared / "model.onnx")
