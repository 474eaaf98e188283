"""A committed graph, its manifest, and the vectors that transformers gave for its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
from hilo.model import manifest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
FAMILIES = sorted(folder.name for folder in (GOLDEN / "graphs").iterdir())


class GoldenGraph:
    def __init__(self, family: str) -> None:
        self.folder = GOLDEN / "graphs" / family
        self.source = GOLDEN / "families" / family
        self.manifest: dict[str, Any] = manifest.read(self.folder)
        self.path = self.folder / manifest.checked(self.folder, self.manifest["graph"])
        self.precision: str = self.manifest["graph"]["precision"]
        self.cross_encoder: bool = self.manifest["model"]["cross_encoder"]
        texts = json.loads((self.source / "expected.json").read_text())
        self.ids: list[list[int]] = [text["ids"] for text in texts]
        self.types: list[list[int]] = [text["types"] or [0] * len(text["ids"]) for text in texts]
        wanted = [[text["logit"]] if self.cross_encoder else text["vector"] for text in texts]
        self.expected = numpy.array(wanted)

    def scaled(self, vectors: numpy.ndarray) -> numpy.ndarray:
        """As they are compared: a vector has length 1, a logit is left as it is."""
        wide = vectors.astype(numpy.float64)
        if self.cross_encoder:
            return wide
        return wide / numpy.linalg.norm(wide, axis=1, keepdims=True)
