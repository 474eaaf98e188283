"""Whether a graph computes what PyTorch does, told by ONNX Runtime on texts of several lengths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hilo.model.graph_session import GraphSession
from hilo.model.plan import DIFFERENCE_MAX, Plan, PrepareFailed
from hilo.model.torch_model import Reference
from hilo.tokenizer import Tokenizer

_WORDS = "a question about photos of mountain lakes in early autumn and how to resize them "
_TOKENS = (3, 4, 7, 16, 33, 64, 128, 250, 512)


@dataclass(frozen=True)
class Comparison:
    """The largest difference of a number, and the smallest cosine of two vectors."""

    lengths: list[int]
    difference_max: float
    cosine_min: float


def lists_of_ids(plan: Plan) -> list[list[int]]:
    """The ids of texts from the shortest to the longest that the model takes."""
    tokenizer = Tokenizer(plan.choices.model)
    lengths = sorted({min(tokens, plan.tokens_max) for tokens in (*_TOKENS, plan.tokens_max)})
    text = _WORDS * (plan.tokens_max // 8 + 1)
    return [tokenizer.encode(text, max_length=length) for length in lengths]


def types_of(ids: list[int]) -> list[int]:
    """As of a pair: the first half 0, the rest 1."""
    return [int(2 * place >= len(ids)) for place in range(len(ids))]


def compare(plan: Plan, graph: Path) -> Comparison:
    """Computes all texts as one padded batch, and again one by one, as HIGH would."""
    lists = lists_of_ids(plan)
    types = [types_of(ids) for ids in lists]
    reference = Reference(plan)
    expected = np.array([
        reference.vector(ids, of).numpy() for ids, of in zip(lists, types, strict=True)])
    session = GraphSession(graph, plan.padding_id)
    together = session.vectors(lists, types)
    alone = np.concatenate([
        session.vectors([ids], [of]) for ids, of in zip(lists, types, strict=True)])
    result = worst([len(ids) for ids in lists], expected, [together, alone], plan.cross_encoder)
    allowed = DIFFERENCE_MAX[plan.choices.precision]
    if not result.difference_max <= allowed:
        raise PrepareFailed(
            f"{graph}: differs from PyTorch by {result.difference_max:.3g}, and {allowed:g} is "
            f"allowed in {plan.choices.precision}"
            + (": prepare it with --precision fp32" if plan.choices.precision == "fp16" else ""))
    return result


def worst(lengths: list[int], expected: np.ndarray[Any, Any], found: list[np.ndarray[Any, Any]],
          cross_encoder: bool) -> Comparison:
    """Vectors are compared at length 1, as they are used."""

    def scaled(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        wide = vectors.astype(np.float64)
        return wide if cross_encoder else wide / np.linalg.norm(wide, axis=1, keepdims=True)

    truth = scaled(expected)
    differences = [float(np.abs(scaled(vectors) - truth).max()) for vectors in found]
    cosines = [1.0 if cross_encoder else float((scaled(vectors) * truth).sum(axis=1).min())
               for vectors in found]
    return Comparison(lengths, max(differences), min(cosines))
