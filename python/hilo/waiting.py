"""Waiting for a call, with its progress told and its time limited."""

from __future__ import annotations

import math
import time

from hilo import _hilo
from hilo.errors import TimedOut
from hilo.progress import Progress, ProgressBar, ProgressCallback

# How long a wait stays out of Python: the longest that Ctrl-C or a closed client goes unnoticed.
_SLICE_MS = 50


def wait_for(call: _hilo.Call, total: int, show_progress: bool | ProgressCallback,
             started: float, timeout: float | None) -> None:
    """Until the call is over; abandons it if it fails, or is interrupted."""
    bar = ProgressBar() if show_progress is True else None
    report = bar or (show_progress if callable(show_progress) else None)
    try:
        while not call.advance(_slice_ms(started, timeout)):
            if timeout is not None and time.monotonic() - started >= timeout:
                raise TimedOut(f"not finished within {timeout} s")
            if report is not None:
                report(_progress_of(call, total, started))
        if report is not None:
            report(_progress_of(call, total, started))
    except BaseException:
        call.abandon()
        raise
    finally:
        if bar is not None:
            bar.close()


def _progress_of(call: _hilo.Call, total: int, started: float) -> Progress:
    texts, tokens = call.progress()
    return Progress(texts, total, tokens, time.monotonic() - started)


def milliseconds(timeout: float | None) -> int:
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
