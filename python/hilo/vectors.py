"""What becomes of an engine's vectors before a caller gets them."""

from __future__ import annotations

import operator

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def check_dimensions(dimensions: int | None, dims: int, copy: bool) -> None:
    if dimensions is None:
        return
    if not 1 <= operator.index(dimensions) <= dims:
        raise ValueError(f"dimensions is {dimensions}, and the model's vectors have {dims}")
    if not copy:
        raise ValueError("dimensions needs copy=True: vectors of length 1 cannot be views on "
                         "longer ones")


def shortened(rows: Vectors, dimensions: int, normalize: bool) -> Vectors:
    short = rows[:, :dimensions].copy()
    if normalize:
        lengths = np.linalg.norm(short, axis=1, keepdims=True)
        np.divide(short, lengths, out=short, where=lengths > 0)
    return short


def scores_in(rows: Vectors, single: bool) -> Vectors:
    """The scores that are the only column of `rows`: of shape [n], or [] for a single one."""
    return rows[0, 0, ...] if single else rows[:, 0]
