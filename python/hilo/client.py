"""A client of an engine: texts in, vectors out."""

from __future__ import annotations

import asyncio
import json
import math
import operator
import os
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from hilo import _hilo
from hilo.errors import Error, LaneDenied, TimedOut
from hilo.event_loop import Watches
from hilo.progress import Progress, ProgressBar, ProgressCallback

Lane = Literal["auto", "high", "low"]
Vectors = npt.NDArray[np.float32]
Texts = Iterable[str]
Self = TypeVar("Self", bound="Client")

_LANES = {"high": _hilo.Lane.HIGH, "low": _hilo.Lane.LOW, "any": _hilo.Lane.ANY}
_LANE_NAMES = {lane: name for name, lane in _LANES.items()}

# How long a wait stays out of Python: the longest that Ctrl-C or a closed client goes unnoticed.
_SLICE_MS = 50


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
    def encode(self, texts: str | Texts, *, lane: Lane = ..., prompt: str | None = ...,
               dimensions: int | None = ..., show_progress: bool | ProgressCallback = ...,
               copy: Literal[True] = ..., timeout: float | None = ...) -> Vectors: ...
    @overload
    def encode(  # type: ignore[overload-overlap]  # A str is an iterable of str as well.
               self, texts: str, *, lane: Lane = ..., prompt: str | None = ...,
               show_progress: bool | ProgressCallback = ..., copy: Literal[False],
               timeout: float | None = ...) -> Vectors: ...
    @overload
    def encode(self, texts: Texts, *, lane: Lane = ..., prompt: str | None = ...,
               show_progress: bool | ProgressCallback = ..., copy: Literal[False],
               timeout: float | None = ...) -> list[Vectors]: ...

    def encode(
        self,
        texts: str | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        dimensions: int | None = None,
        show_progress: bool | ProgressCallback = False,
        copy: bool = True,
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """The vectors of texts: float32 of shape [n, dims], or [dims] for a single str.

        With `dimensions`, [n, dimensions] and [dimensions].

        texts          a str, or any iterable of str (list, tuple, generator, numpy array)
        lane           "high" goes before all "low"; "auto" takes HIGH for up to four texts, LOW
                       for more, within what the client may use
        prompt         name of one of the model's prompts (`prompts`), put before each text; None
                       puts none, not even the model's default
        dimensions     only the first so many components, for models that are trained for it
                       (Matryoshka); of length 1 again if the model's vectors are
        show_progress  True for a bar on the terminal, or a function that gets a Progress
        copy           False gives read-only views on the engine's own memory, one array of shape
                       [dims] a text; each holds one of the channel's places until it is garbage
        timeout        seconds for the whole call

        Raises TypeError, ValueError, TextTooLong or InvalidText before anything is computed, with
        the position of a bad text; LaneDenied, TimedOut, ShuttingDown, TooManyViews, EngineGone,
        and, in the lane HIGH alone, Refused: the engine has more work than it takes in, and
        `retry_after` says when to try again. LOW texts wait for room by themselves.
        After any of these, and after Ctrl-C, the client can be used again (not after EngineGone).

        >>> client.encode(["resize photos", "play chess"]).shape
        (2, 384)
        >>> client.encode(["resize photos", "play chess"], dimensions=128).shape
        (2, 128)
        """
        started = time.monotonic()
        batch, single = _batch_of(texts)
        native = self._opened()
        _check_dimensions(dimensions, native.dims, copy)
        rows = np.empty((len(batch), native.dims), np.float32) if copy else None
        call = native.begin(batch, rows, self._lane_for(lane, len(batch)), _ms(timeout), prompt, -1)
        bar = ProgressBar() if show_progress is True else None
        report = bar or (show_progress if callable(show_progress) else None)
        try:
            while not call.advance(_slice_ms(started, timeout)):
                if timeout is not None and time.monotonic() - started >= timeout:
                    raise TimedOut(f"not finished within {timeout} s")
                if report is not None:
                    report(_progress_of(call, len(batch), started))
            if report is not None:
                report(_progress_of(call, len(batch), started))
        except BaseException:
            call.abandon()
            raise
        finally:
            if bar is not None:
                bar.close()
        return self._result_of(call, rows, dimensions, single)

    @overload
    async def encode_async(self, texts: str | Texts, *, lane: Lane = ..., prompt: str | None = ...,
                           dimensions: int | None = ..., copy: Literal[True] = ...,
                           timeout: float | None = ...) -> Vectors: ...
    @overload
    async def encode_async(  # type: ignore[overload-overlap]
                           self, texts: str, *, lane: Lane = ..., prompt: str | None = ...,
                           copy: Literal[False], timeout: float | None = ...) -> Vectors: ...
    @overload
    async def encode_async(self, texts: Texts, *, lane: Lane = ..., prompt: str | None = ...,
                           copy: Literal[False],
                           timeout: float | None = ...) -> list[Vectors]: ...

    async def encode_async(
        self,
        texts: str | Texts,
        *,
        lane: Lane = "auto",
        prompt: str | None = None,
        dimensions: int | None = None,
        copy: bool = True,
        timeout: float | None = None,
    ) -> Vectors | list[Vectors]:
        """`encode` for asyncio: the event loop goes on meanwhile, without another thread.

        Cancelling the awaiting task cancels the texts that are not computed yet.
        """
        batch, single = _batch_of(texts)
        native = self._opened()
        _check_dimensions(dimensions, native.dims, copy)
        rows = np.empty((len(batch), native.dims), np.float32) if copy else None
        with self._watches.of_running_loop(native) as watch:
            call = native.begin(batch, rows, self._lane_for(lane, len(batch)), _ms(timeout),
                                prompt, watch.wake_descriptor)
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
        return self._result_of(call, rows, dimensions, single)

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

    def _result_of(self, call: _hilo.Call, rows: Vectors | None, dimensions: int | None,
                   single: bool) -> Vectors | list[Vectors]:
        vectors: Vectors | list[Vectors]
        if rows is None:
            vectors = call.views()
        elif dimensions is None:
            vectors = rows
        else:
            vectors = _shortened(rows, dimensions, self.info.get("normalized", False))
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


def _batch_of(texts: str | Texts) -> tuple[tuple[str, ...], bool]:
    """The texts as a tuple, which keeps them where they are, and whether it was a single one."""
    if isinstance(texts, np.ndarray):
        if texts.ndim > 1:
            raise TypeError(f"texts is an array of {texts.ndim} dimensions, and should have one")
        texts = texts.tolist()
    if isinstance(texts, str):
        return (texts,), True
    if isinstance(texts, (bytes, bytearray)) or not isinstance(texts, Iterable):
        kind = type(texts).__name__
        raise TypeError(f"texts is of type {kind}, and should be a str or an iterable of str")
    return tuple(texts), False


def _check_dimensions(dimensions: int | None, dims: int, copy: bool) -> None:
    if dimensions is None:
        return
    if not 1 <= operator.index(dimensions) <= dims:
        raise ValueError(f"dimensions is {dimensions}, and the model's vectors have {dims}")
    if not copy:
        raise ValueError("dimensions needs copy=True: vectors of length 1 cannot be views on "
                         "longer ones")


def _shortened(rows: Vectors, dimensions: int, normalized: bool) -> Vectors:
    short = rows[:, :dimensions].copy()
    if normalized:
        lengths = np.linalg.norm(short, axis=1, keepdims=True)
        np.divide(short, lengths, out=short, where=lengths > 0)
    return short


def _progress_of(call: _hilo.Call, total: int, started: float) -> Progress:
    texts, tokens = call.progress()
    return Progress(texts, total, tokens, time.monotonic() - started)


def _ms(timeout: float | None) -> int:
    """For the C interface, where 0 means no limit."""
    if timeout is None:
        return 0
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}, and should be more than 0 seconds")
    return min(math.ceil(min(timeout, 1e6) * 1000), 2**32 - 1)


def _slice_ms(started: float, timeout: float | None) -> int:
    if timeout is None:
        return _SLICE_MS
    left_ms = (started + timeout - time.monotonic()) * 1000
    return max(1, min(_SLICE_MS, math.ceil(left_ms)))
