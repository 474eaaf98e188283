"""The tokenizer of a model, without an engine."""

from __future__ import annotations

import os
from collections.abc import Iterable

from hilo import _hilo


class Tokenizer:
    """Text to token ids, the same ids as the Hugging Face `tokenizers` library gives.

    >>> tokenizer = Tokenizer()          # bert-base-uncased, built in
    >>> tokenizer.encode("resize photos")
    [101, 24501, 4697, 7760, 102]

    Raises NotFound if `model_dir` holds no tokenizer, and InvalidArgument if it cannot be read;
    threads may share a Tokenizer, and one of them encodes at a time.
    """

    def __init__(self, model_dir: str | os.PathLike[str] | None = None) -> None:
        self._native = _hilo.Tokenizer(None if model_dir is None else os.fspath(model_dir))

    def encode(
        self,
        text: str,
        pair: str | None = None,
        max_length: int | None = None,
        add_special_tokens: bool = True,
    ) -> list[int]:
        """The ids of one text, or of two as one sequence, cut to `max_length` ids.

        Raises InvalidText for a lone surrogate, InvalidArgument for a `max_length` with no room
        for the special tokens.
        """
        return self._native.encode(text, pair, _limit(max_length), add_special_tokens)

    def encode_with_offsets(
        self,
        text: str,
        pair: str | None = None,
        max_length: int | None = None,
        add_special_tokens: bool = True,
    ) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids as from encode(), and where in its text each token stands.

        A token's text is `text[begin:end]`; that of a pair's second text lies in `pair`. Tokens
        that are added, such as [CLS], have (0, 0).

        >>> Tokenizer().encode_with_offsets("resize photos", add_special_tokens=False)
        ([24501, 4697, 7760], [(0, 3), (3, 6), (7, 13)])
        """
        return self._native.encode_with_offsets(text, pair, _limit(max_length), add_special_tokens)

    def encode_batch(
        self,
        texts: Iterable[str],
        max_length: int | None = None,
        add_special_tokens: bool = True,
    ) -> list[list[int]]:
        """The ids of each text. TypeError and InvalidText name the position of a bad one."""
        if isinstance(texts, str):
            raise TypeError("encode_batch takes several texts; for one there is encode")
        return self._native.encode_batch(tuple(texts), _limit(max_length), add_special_tokens)

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = True) -> str:
        """The text that the ids stand for, as far as the normalizer kept it.

        >>> Tokenizer().decode([101, 24501, 4697, 7760, 102])
        'resize photos'
        """
        return self._native.decode(list(ids), skip_special_tokens)

    def piece(self, id: int) -> str | None:
        """The piece of an id, such as "photos" or "##ize"; None for an id without one."""
        return self._native.piece(id)

    def __len__(self) -> int:
        """The largest id and one."""
        return self._native.size


def _limit(max_length: int | None) -> int:
    """The C interface says 0 for no limit, so a 0 that a caller means is refused here."""
    if max_length is None:
        return 0
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}, and should be at least 1")
    return max_length
