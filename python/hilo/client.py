"""A client of an engine: texts in, vectors or scores out."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeVar, overload

import numpy as np

from hilo import _hilo
from hilo.errors import Error, InvalidArgument, LaneDenied, TimedOut
from hilo.event_loop import Watches
from hilo.inputs import Batch, Ids, Texts, batch_of, pairs_of
from hilo.progress import ProgressCallback
from hilo.vectors import Vectors, check_dimensions, scores_in, shortened
from hilo.waiting import milliseconds, wait_for

Lane = Literal["auto", "high", "low"]
Truncate = Literal["end", "start", "refuse"]
Self = TypeVar("Self", bound="Client")

_LANES = {"high": _hilo.Lane.HIGH, "low": _hilo.Lane.LOW, "any": _hilo.Lane.ANY}
_TRUNCATIONS = {"end": _hilo.Truncation.END, "start": _hilo.Truncation.START,
                "refuse": _hilo.Truncation.REFUSE}
_LANE_NAMES = {lane: name for name, lane in _LANES.items()}


class Totals(NamedTuple):
    """What a client has received since it was opened."""

    texts: int
    tokens: int
    truncated: int
    """Texts that had more tokens than the model takes; their ends were cut off."""


class Client:
    """A channel to an engine. Any number of threads and event loops may use it at the same time.

    Made by `Client.from_environment()`, `hilo.connect()` or `hilo.Hilo()`; a context manager.
    A bulk list in one thread leaves room for a short one in another.
    """

    def __init__(self, native: _hilo.Client) -> None:
        self._native: _hilo.Client | None = native
        self._watches = Watches()
        self._info: dict[str, Any] | None = None

    @classmethod
    def from_environment(cls) -> Client:
        """The client of a program that `hilo run` started; once per process.

        Raises NotFound if it did not, or if the channel was taken before.
        """
        return Client(_hilo.open())

    @overload
    def encode(self, texts: str | Ids | Texts, *, lane: Lane = ..., prompt: str | None = ...,
               dimensions: int | None = ..., truncate: Truncate = ...,
               normalize: bool | None = ..., show_progress: bool | ProgressCallback = ...,
               copy: Literal[True] = ..., timeout: float | None = ...) -> Vectors: ...
    @overload
    def encode(  # type: ignore[overload-overlap]  # A str is an iterable of str as well.
               self, texts: str | Ids, *, lane: Lane = ..., prompt: str | None = ...,
               truncate: Truncate = ..., normalize: bool | None = ...,
               show_progress: bool | ProgressCallback = ..., copy: Literal[False],
               timeout: float | None = ...) -> Vectors: ...
    @overload
    def encode(self, texts: Texts, *, lane: Lane = ..., prompt: str | None = ...,
               truncate: Truncate = ..., normalize: bool | None = ...,
               show_progress: bool | ProgressCallback = ..., copy: Literal[False],
               timeout: float | None = ...) -> list[Vectors]: ...

    def encode(
        self,
        texts: str | Ids | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        dimensions: int | None = None,
        truncate: Truncate = "end",
        normalize: bool | None = None,
        show_progress: bool | ProgressCallback = False,
        copy: bool = True,
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """The vectors of texts: float32 of shape [n, dims], or [dims] for a single one.

        With `dimensions`, [n, dimensions] and [dimensions].

        texts          a str, or any iterable of str (list, tuple, generator, numpy array); or token
                       ids: a sequence or array of int is one text, a list of such several. Ids are
                       what the model gets, with nothing added: no special tokens, no prompt
        lane           "high" goes before all "low"; "auto" takes HIGH for up to four texts, LOW
                       for more, within what the client may use
        prompt         name of one of the model's prompts (`prompts`), put before each text; None
                       puts none, not even the model's default
        dimensions     only the first so many components, for models that are trained for it
                       (Matryoshka); of length 1 again if the model's vectors are
        truncate       where a text is cut that has more tokens than the model takes: "end" or
                       "start"; "refuse" raises TooManyTokens
        normalize      False gives vectors as they come out of the model's pooling; None scales
                       them to length 1 if the model says so
        show_progress  True for a bar on the terminal, or a function that gets a Progress
        copy           False gives read-only views on the engine's own memory, one array of shape
                       [dims] a text; each holds one of the channel's places until it is garbage
        timeout        seconds for the whole call

        Raises TypeError, ValueError, TextTooLong or InvalidText before anything is computed, with
        the position of a bad text; LaneDenied, TimedOut, ShuttingDown, TooManyViews, TooManyTokens,
        UnknownId, EngineGone, and, in the lane HIGH alone, Refused: the engine has more work than
        it takes in, and `retry_after` says when to try again. LOW texts wait for room by
        themselves. After any of these, and after Ctrl-C, the client can be used again (not after
        EngineGone).

        >>> client.encode(["resize photos", "play chess"]).shape
        (2, 384)
        >>> client.encode(["resize photos", "play chess"], dimensions=128).shape
        (2, 128)
        >>> client.encode([[101, 24501, 4697, 7760, 102]]).shape
        (1, 384)
        """
        started = time.monotonic()
        batch = batch_of(texts)
        native = self._opened()
        check_dimensions(dimensions, native.dims, copy)
        options = self._options(batch, lane, truncate, self._is_raw(normalize), timeout, prompt)
        rows = np.empty((batch.count, native.dims), np.float32) if copy else None
        call = native.begin(batch.texts, rows, options, -1)
        wait_for(call, batch.count, show_progress, started, timeout)
        return self._result_of(call, rows, dimensions, batch.single, normalize)

    @overload
    async def encode_async(self, texts: str | Ids | Texts, *, lane: Lane = ...,
                           prompt: str | None = ..., dimensions: int | None = ...,
                           truncate: Truncate = ..., normalize: bool | None = ...,
                           copy: Literal[True] = ..., timeout: float | None = ...) -> Vectors: ...
    @overload
    async def encode_async(  # type: ignore[overload-overlap]
                           self, texts: str | Ids, *, lane: Lane = ..., prompt: str | None = ...,
                           truncate: Truncate = ..., normalize: bool | None = ...,
                           copy: Literal[False], timeout: float | None = ...) -> Vectors: ...
    @overload
    async def encode_async(self, texts: Texts, *, lane: Lane = ..., prompt: str | None = ...,
                           truncate: Truncate = ..., normalize: bool | None = ...,
                           copy: Literal[False],
                           timeout: float | None = ...) -> list[Vectors]: ...

    async def encode_async(
        self,
        texts: str | Ids | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        dimensions: int | None = None,
        truncate: Truncate = "end",
        normalize: bool | None = None,
        copy: bool = True,
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """`encode` for asyncio: the event loop goes on meanwhile, without another thread.

        Cancelling the awaiting task cancels the texts that are not computed yet.
        """
        batch = batch_of(texts)
        native = self._opened()
        check_dimensions(dimensions, native.dims, copy)
        options = self._options(batch, lane, truncate, self._is_raw(normalize), timeout, prompt)
        rows = np.empty((batch.count, native.dims), np.float32) if copy else None
        call = await self._run(batch, rows, options, timeout)
        return self._result_of(call, rows, dimensions, batch.single, normalize)

    @overload
    def encode_tokens(self, texts: str | Ids, *, lane: Lane = ..., prompt: str | None = ...,
                      truncate: Truncate = ..., show_progress: bool | ProgressCallback = ...,
                      timeout: float | None = ...) -> Vectors: ...
    @overload
    def encode_tokens(self, texts: Texts, *, lane: Lane = ..., prompt: str | None = ...,
                      truncate: Truncate = ..., show_progress: bool | ProgressCallback = ...,
                      timeout: float | None = ...) -> list[Vectors]: ...

    def encode_tokens(
        self,
        texts: str | Ids | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        truncate: Truncate = "end",
        show_progress: bool | ProgressCallback = False,
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """The vectors of all tokens of texts, special tokens included, as the model's last layer
        gives them: neither pooled nor scaled. A list of float32 arrays of shape [tokens, dims], one
        for each text; for a single one the array.

        The parameters are those of `encode`. A text takes the whole channel, so such calls go text
        by text (in LOW, that is on one core), and take turns with what other threads ask of this
        client; use one of its own (`hilo.connect()`) where neither should wait, and several for
        more cores. Of more than 256 tokens, the text is computed once for each 256. Raises
        InvalidArgument if the engine has no vectors of tokens (`info["token_vectors"]`: on a GPU,
        and of a cross-encoder), TooManyViews while views are held, and what `encode` raises.

        >>> client.encode_tokens("resize photos").shape
        (5, 384)
        """
        started = time.monotonic()
        batch, options = self._prepared_for_tokens(texts, lane, prompt, truncate, timeout)
        call = self._opened().begin(batch.texts, None, options, -1)
        wait_for(call, batch.count, show_progress, started, timeout)
        vectors = call.token_vectors()
        return vectors[0] if batch.single else vectors

    async def encode_tokens_async(
        self,
        texts: str | Ids | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        truncate: Truncate = "end",
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """`encode_tokens` for asyncio, as `encode_async` is for `encode`."""
        batch, options = self._prepared_for_tokens(texts, lane, prompt, truncate, timeout)
        call = await self._run(batch, None, options, timeout)
        vectors: list[Vectors] = call.token_vectors()
        return vectors[0] if batch.single else vectors

    def score(
        self,
        query: str,
        texts: str | Iterable[str],
        *,
        lane: Lane = "auto",
        truncate: Truncate = "end",
        raw: bool = False,
        show_progress: bool | ProgressCallback = False,
        timeout: float | None = None,
    ) -> Vectors:
        """How well each text answers the query, by a cross-encoder: float32 of shape [n].

        texts     an iterable of str; a single one gives an array of shape []
        truncate  as in `encode`; of the two, the longer one loses tokens first
        raw       True gives the logits, whatever the model makes of them (often their sigmoid)

        The rest is as in `encode`. Raises InvalidArgument if the model is no cross-encoder.

        >>> scores = client.score("resize photos", ["a scaler for images", "a chess program"])
        >>> scores.argmax()
        0
        """
        started = time.monotonic()
        batch, options, rows = self._prepared_to_score(query, texts, lane, truncate, raw, timeout)
        call = self._opened().begin(batch.texts, rows, options, -1)
        wait_for(call, batch.count, show_progress, started, timeout)
        return scores_in(rows, batch.single)

    async def score_async(
        self,
        query: str,
        texts: str | Iterable[str],
        *,
        lane: Lane = "auto",
        truncate: Truncate = "end",
        raw: bool = False,
        timeout: float | None = None,
    ) -> Vectors:
        """`score` for asyncio, as `encode_async` is for `encode`."""
        batch, options, rows = self._prepared_to_score(query, texts, lane, truncate, raw, timeout)
        await self._run(batch, rows, options, timeout)
        return scores_in(rows, batch.single)

    @property
    def dims(self) -> int:
        """Floats in a vector."""
        return self._opened().dims

    @property
    def tokens_max(self) -> int:
        """Tokens that a text is cut to, special tokens included."""
        return self._opened().tokens_max

    @property
    def lanes(self) -> str:
        """What this client may use: "high", "low" or "any"."""
        return _LANE_NAMES[self._opened().lanes]

    @property
    def info(self) -> dict[str, Any]:
        """What the engine says of itself: model, backend, prompts and more."""
        if self._info is None:
            self._info = json.loads(self._opened().json)
        return self._info

    @property
    def prompts(self) -> list[str]:
        """Names that `encode(prompt=...)` takes."""
        return list(self.info.get("prompts", ()))

    @property
    def totals(self) -> Totals:
        """Texts, tokens and truncated texts received so far, over all calls."""
        return Totals(*self._opened().totals())

    def close(self) -> None:
        """Ends the session. Calls of other threads raise Cancelled; views stay readable."""
        native, self._native = self._native, None
        if native is not None:
            native.shut()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _opened(self) -> _hilo.Client:
        if self._native is None:
            raise Error("the client is closed")
        return self._native

    def _options(self, batch: Batch, lane: str, truncate: str, raw: bool, timeout: float | None,
                 prompt: str | None = None, every_token: bool = False) -> _hilo.Options:
        if truncate not in _TRUNCATIONS:
            raise ValueError(f'truncate is {truncate!r}, and should be "end", "start" or "refuse"')
        return _hilo.Options(
            lane=self._lane_for(lane, batch.count), timeout_ms=milliseconds(timeout),
            prompt=prompt, input=batch.input, truncation=_TRUNCATIONS[truncate], raw=raw,
            every_token=every_token)

    def _is_raw(self, normalize: bool | None) -> bool:
        if normalize and not self.info.get("normalized", False):
            raise ValueError("normalize is True, and the model's vectors are not normalized: "
                             "divide them by their lengths")
        return normalize is not None and not normalize

    async def _run(self, batch: Batch, rows: Vectors | None, options: _hilo.Options,
                   timeout: float | None) -> _hilo.Call:
        native = self._opened()
        with self._watches.of_running_loop(native) as watch:
            call = native.begin(batch.texts, rows, options, watch.wake_descriptor)
            try:
                await asyncio.wait_for(watch.finished(call), timeout)
            except asyncio.TimeoutError as error:
                call.abandon()
                if isinstance(error, Error):
                    raise
                raise TimedOut(f"not finished within {timeout} s") from None
            except BaseException:
                call.abandon()
                raise
        return call

    def _prepared_for_tokens(self, texts: str | Ids | Texts, lane: str, prompt: str | None,
                             truncate: str, timeout: float | None) -> tuple[Batch, _hilo.Options]:
        batch = batch_of(texts)
        if not self.info.get("token_vectors", False):
            raise InvalidArgument("the engine has no vectors of tokens: the CPU computes them, and "
                                  "of no cross-encoder")
        options = self._options(batch, lane, truncate, False, timeout, prompt, every_token=True)
        return batch, options

    def _prepared_to_score(
        self, query: str, texts: str | Iterable[str], lane: str, truncate: str, raw: bool,
        timeout: float | None,
    ) -> tuple[Batch, _hilo.Options, Vectors]:
        batch = pairs_of(query, texts)
        options = self._options(batch, lane, truncate, raw, timeout)
        if not self.info.get("cross_encoder", False):
            raise InvalidArgument("the model is no cross-encoder, so it scores no pairs; encode() "
                                  "gives the vectors of texts")
        return batch, options, np.empty((batch.count, self._opened().dims), np.float32)

    def _result_of(self, call: _hilo.Call, rows: Vectors | None, dimensions: int | None,
                   single: bool, normalize: bool | None) -> Vectors | list[Vectors]:
        vectors: Vectors | list[Vectors]
        if rows is None:
            vectors = call.views()
        elif dimensions is None:
            vectors = rows
        else:
            has_length_1 = self.info.get("normalized", False) and not self._is_raw(normalize)
            vectors = shortened(rows, dimensions, has_length_1)
        return vectors[0] if single else vectors

    def _lane_for(self, lane: str, texts: int) -> _hilo.Lane:
        allowed = self.lanes
        if lane == "auto":
            small = texts <= _hilo.SMALL_CALL_TEXTS_MAX
            return _LANES[("high" if small else "low") if allowed == "any" else allowed]
        if lane not in ("high", "low"):
            raise ValueError(f'lane is {lane!r}, and should be "auto", "high" or "low"')
        if lane == "high" and allowed == "low":
            raise LaneDenied('this client may use the lane LOW only: leave lane at "auto"')
        return _LANES[lane]


def connect(socket: str | os.PathLike[str] | None = None,
            lane: Literal["high", "low", "any"] = "any") -> Client:
    """A client of an engine that runs already (`hilo serve`).

    socket  its path; None means $HILO_SOCKET, else $XDG_RUNTIME_DIR/hilo.sock, else
            /tmp/hilo-UID/hilo.sock
    lane    the lanes to ask for; a socket of --lanes low or high denies "any"

    Raises NotFound if nobody listens there, LaneDenied, Refused (too many clients), TimedOut.
    """
    if lane not in _LANES:
        raise ValueError(f'lane is {lane!r}, and should be "high", "low" or "any"')
    return Client(_hilo.connect(None if socket is None else os.fspath(socket), _LANES[lane]))
