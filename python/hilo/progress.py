"""Progress of a long call, and a bar that shows it on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Progress:
    """Where a call stands: texts finished of `total`, their tokens, and seconds since it began."""

    texts: int
    total: int
    tokens: int
    seconds: float

    @property
    def texts_per_second(self) -> float:
        return self.texts / self.seconds if self.seconds > 0 else 0.0

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Infinite as long as nothing is finished."""
        rate = self.texts_per_second
        return (self.total - self.texts) / rate if rate > 0 else float("inf")


ProgressCallback = Callable[[Progress], None]


class ProgressBar:
    """A line on standard error that redraws itself; silent if that is no terminal.

    >>> bar = ProgressBar()
    >>> bar(Progress(texts=500, total=1000, tokens=9000, seconds=1.5))
    >>> bar.close()
    """

    WIDTH = 24
    SECONDS_BETWEEN_DRAWINGS = 0.1

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._shown = self._stream.isatty()
        self._drawn_at = float("-inf")
        self._latest: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        self._latest = progress
        now = time.monotonic()
        if self._shown and now - self._drawn_at >= self.SECONDS_BETWEEN_DRAWINGS:
            self._drawn_at = now
            self._draw(progress)

    def close(self) -> None:
        """Draws the latest state and ends the line."""
        if self._shown and self._latest is not None:
            self._draw(self._latest)
            self._stream.write("\n")
            self._stream.flush()

    def _draw(self, progress: Progress) -> None:
        self._stream.write("\r" + line_of(progress, self.WIDTH) + "\x1b[K")
        self._stream.flush()


def line_of(progress: Progress, width: int) -> str:
    """Such as `[####....] 500/1,000  333 texts/s  6,000 tokens/s  2 s left`."""
    filled = width * progress.texts // max(progress.total, 1)
    left = progress.seconds_left
    rest = f"{progress.seconds:.1f} s" if progress.texts == progress.total else f"{left:.0f} s left"
    return (
        f"[{'#' * filled}{'.' * (width - filled)}] {progress.texts:,}/{progress.total:,}"
        f"  {progress.texts_per_second:,.0f} texts/s  {progress.tokens_per_second:,.0f} tokens/s"
        f"  {rest}"
    )
