"""How far a long benchmark is, on standard error."""

import sys
import time


class Bar:
    """How much of the run is over, and the time left."""

    def __init__(self, seconds: float, name: str) -> None:
        """`seconds` is what was planned. What is left follows how long the rest really took."""
        self._name = name
        self._all, self._over, self._told = seconds, 0.0, 0.0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def show(self, doing: str) -> None:
        share = min(1.0, self._over / self._all)
        slower = (time.monotonic() - self._began) / self._over if self._over else 1.0
        left = max(0, round((self._all - self._over) * slower))
        line = f"{share:4.0%}, {left // 60}:{left % 60:02} left: {doing}"
        if self._terminal:
            filled = round(30 * share)
            print(f"\r\033[K[{'#' * filled}{'.' * (30 - filled)}]{line}"[:110], end="",
                  file=sys.stderr, flush=True)
        elif time.monotonic() - self._told > 60:
            self._told = time.monotonic()
            print(f"{self._name}: {line}", file=sys.stderr, flush=True)

    def advance(self, seconds: float) -> None:
        self._over += seconds

    def say(self, words: str) -> None:
        print(f"{chr(13) + chr(27) + '[K' if self._terminal else ''}{self._name}: {words}",
              file=sys.stderr, flush=True)
