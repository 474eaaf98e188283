"""The steps of a preparation as a person sees them: a bar on a terminal, else a line each."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_SECONDS_BETWEEN_DRAWINGS = 0.2
_WIDTH = 24


def line_of(done: int, total: int, what: str, seconds: float) -> str:
    """Such as `[########................] 1/3  exporting to ONNX  4 s`."""
    filled = _WIDTH * done // total
    return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total}  {what}  {seconds:.0f} s"


class Steps:
    """Counts steps on standard error. `say` prints a finding between or within them."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._done = 0
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._lock = threading.Lock()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A step may take minutes, in calls that tell nothing; so a thread draws its seconds."""
        ended = threading.Event()
        begin = time.monotonic()
        drawer = threading.Thread(target=self._draw_until, args=(ended, what, begin), daemon=True)
        if self._terminal:
            drawer.start()
        try:
            yield
            self._done += 1
        finally:
            ended.set()
            if self._terminal:
                drawer.join()
                self._write("\r\x1b[K")
        self.say(line_of(self._done, self._total, what, time.monotonic() - begin))

    def say(self, line: str) -> None:
        self._write(("\r\x1b[K" if self._terminal else "") + line + "\n")

    def _draw_until(self, ended: threading.Event, what: str, begin: float) -> None:
        while not ended.wait(_SECONDS_BETWEEN_DRAWINGS):
            line = line_of(self._done, self._total, what, time.monotonic() - begin)
            self._write(f"\r{line}\x1b[K")

    def _write(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()
