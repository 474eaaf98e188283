"""What a graph computes, by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def padded(lists: list[list[int]], padding: int) -> np.ndarray[Any, Any]:
    longest = max(map(len, lists))
    return np.array([ids + [padding] * (longest - len(ids)) for ids in lists], np.int64)


class GraphSession:
    """A graph as `hilo model prepare` exports it."""

    def __init__(self, graph: Path, padding_id: int) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"])
        self._padding_id = padding_id

    def vectors(self, ids: list[list[int]], types: list[list[int]]) -> np.ndarray[Any, Any]:
        """A row for each text, of one padded batch: its vector as it is, or its logit."""
        feed = {"input_ids": padded(ids, self._padding_id),
                "attention_mask": padded([[1] * len(each) for each in ids], 0),
                "token_type_ids": padded(types, 0)}
        names = [each.name for each in self._session.get_inputs()]
        found: np.ndarray[Any, Any] = self._session.run(
            None, {name: feed[name] for name in names})[0]
        return found.reshape(len(ids), -1)
