"""Texts of tests/golden with the ids and vectors that sentence-transformers gave for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

FOLDER = Path(__file__).resolve().parents[1] / "golden"
COSINE_MIN = 0.99999
DIFFERENCE_MAX = 1e-4
# One in so many: words, prose, scripts, and texts longer than the model takes.
STEP = 60


@dataclass
class Golden:
    texts: list[str]
    ids: list[list[int]]
    vectors: numpy.ndarray

    def check(self, vectors: Sequence[Sequence[float]], first: int = 0) -> None:
        """That they are those of the texts from `first` on."""
        found = numpy.asarray(vectors, dtype=numpy.float64)
        expected = self.vectors[first:first + len(found)].astype(numpy.float64)
        assert found.shape == expected.shape and len(found) > 0
        lengths = numpy.linalg.norm(found, axis=1) * numpy.linalg.norm(expected, axis=1)
        assert ((found * expected).sum(axis=1) / lengths).min() >= COSINE_MIN
        assert numpy.abs(found - expected).max() < DIFFERENCE_MAX


def read_golden() -> Golden:
    texts = json.loads((FOLDER / "texts.json").read_text())
    ids = json.loads((FOLDER / "embeddings_minilm.ids.json").read_text())
    vectors = numpy.fromfile(FOLDER / "embeddings_minilm.f32", dtype="<f4").reshape(len(texts), -1)
    # Some clients put a space in place of a newline.
    whole = [i for i, text in enumerate(texts)
             if text and text == text.strip() and text.splitlines() == [text]][::STEP]
    return Golden([texts[i] for i in whole], [ids[i] for i in whole], vectors[whole])
