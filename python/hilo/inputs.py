"""What a caller may give to be embedded or scored, in the form that the extension module takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilo import _hilo

Ids = Sequence[int] | npt.NDArray[np.integer[Any]]
"""One text as token ids: the whole sequence that the model gets."""
Texts = Iterable[str] | Iterable[Ids]

_ID_MAX = 2**32 - 1


@dataclass(frozen=True)
class Batch:
    """Texts as a tuple, which keeps them where they are. Of pairs, the first belongs to each."""

    texts: tuple[Any, ...]
    single: bool
    """Whether it was a single text, and not a list."""
    input: _hilo.Input

    @property
    def count(self) -> int:
        return len(self.texts) - (self.input == _hilo.Input.PAIR)


def batch_of(texts: str | Ids | Texts) -> Batch:
    if isinstance(texts, np.ndarray):
        if texts.dtype.kind in "iu" and texts.ndim in (1, 2):
            return _batch_of_ids(tuple(np.atleast_2d(texts)), texts.ndim == 1)
        if texts.ndim > 1:
            raise TypeError(f"texts is an array of {texts.ndim} dimensions, and should have one")
        texts = texts.tolist()
    if isinstance(texts, str):
        return Batch((texts,), True, _hilo.Input.TEXT)
    if isinstance(texts, (bytes, bytearray)) or not isinstance(texts, Iterable):
        kind = type(texts).__name__
        raise TypeError(f"texts is of type {kind}, and should be a str, token ids, or an "
                        "iterable of such")
    items: tuple[Any, ...] = tuple(texts)
    if items and isinstance(items[0], (int, np.integer)):
        return _batch_of_ids((items,), True)
    if items and isinstance(items[0], (list, tuple, np.ndarray)):
        return _batch_of_ids(items, False)
    return Batch(items, False, _hilo.Input.TEXT)


def pairs_of(query: str, texts: str | Iterable[str]) -> Batch:
    if not isinstance(query, str):
        raise TypeError(f"query is of type {type(query).__name__}, and should be str")
    batch = batch_of(texts)
    if batch.input != _hilo.Input.TEXT:
        raise TypeError("texts holds token ids, and should be str: a pair is tokenized as one")
    return Batch((query, *batch.texts), batch.single, _hilo.Input.PAIR)


def _batch_of_ids(items: tuple[Any, ...], single: bool) -> Batch:
    names = ["texts"] if single else [f"text {i}" for i in range(len(items))]
    arrays = tuple(_ids_of(item, name) for item, name in zip(items, names))
    return Batch(arrays, single, _hilo.Input.IDS)


def _ids_of(given: Any, name: str) -> npt.NDArray[np.uint32]:
    """A copy, so that the caller may change its own meanwhile."""
    if isinstance(given, str) or not isinstance(given, (Sequence, np.ndarray)):
        raise TypeError(f"{name} is of type {type(given).__name__}, and should be token ids, as "
                        "the texts before it")
    if len(given) == 0:
        raise ValueError(f"{name} has no token id")
    is_whole = isinstance(given, np.ndarray) or all(map(_is_whole, given))
    array = np.asarray(given) if is_whole else None
    if array is None or array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(f"{name} should have whole numbers only, as token ids")
    for id in (array.min(), array.max()):
        if not 0 <= id <= _ID_MAX:
            raise ValueError(f"{name} has {id}, which is no token id")
    return array.astype(np.uint32)


def _is_whole(id: object) -> bool:
    return isinstance(id, (int, np.integer)) and not isinstance(id, bool)
