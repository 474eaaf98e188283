"""What the two example programs share: the shelf where LOW leaves vectors for HIGH, and the
terminal.

The engine gives every program its own vectors only, so these two share a folder: its path is in
HILO_DEMO_DIR, or made of the id of the process that started both.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import hilo

QUICK = "--quick" in sys.argv[1:] or os.environ.get("HILO_DEMO_QUICK", "0") not in ("", "0")


@dataclass
class Indexing:
    """How far LOW is; it writes this for HIGH."""

    embedded: int = 0  # packages on the shelf
    ready: bool = False  # all packages are named, so the bulk work can begin
    finished: bool = False  # all packages are embedded
    ended: bool = False  # LOW is about to exit
    texts: int = 0  # of the bulk work, as are the next two
    tokens: int = 0
    seconds: float = 0.0


class Shelf:
    """A folder with the packages' names, one line each, and their vectors, one row each.

    LOW writes rows and then counts them in `indexing.json`, so a counted row is complete.
    """

    def __init__(self) -> None:
        named = os.environ.get("HILO_DEMO_DIR")
        self._is_ours = named is None
        self.folder = Path(named or f"{tempfile.gettempdir()}/hilo-demo-{os.getppid()}")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.stat().st_uid != os.getuid():
            sys.exit(f"{self.folder} belongs to another user: name a folder in HILO_DEMO_DIR")

    # ---- LOW writes

    def make_room(self, rows: int, dims: int) -> np.ndarray:
        """Rows for vectors, shared with whoever opens the file; it takes space as they are used."""
        return np.lib.format.open_memmap(self.folder / "vectors.npy", "w+", np.float32,
                                         (rows, dims))

    def name_packages(self, packages: list[str]) -> None:
        self._write("packages.txt", "\n".join(packages))

    def tell(self, indexing: Indexing) -> None:
        self._write("indexing.json", json.dumps(asdict(indexing)))

    def may_begin(self) -> bool:
        return (self.folder / "begin").exists()

    def should_stop(self) -> bool:
        return (self.folder / "stop").exists() or not self.folder.exists()

    # ---- HIGH reads

    def indexing(self) -> Indexing:
        try:
            return Indexing(**json.loads((self.folder / "indexing.json").read_text()))
        except FileNotFoundError:  # LOW has not said anything yet.
            return Indexing()

    def packages(self) -> list[str]:
        return (self.folder / "packages.txt").read_text().split("\n")

    def vectors(self) -> np.ndarray:
        return np.load(self.folder / "vectors.npy", mmap_mode="r")

    def begin(self) -> None:
        self._write("begin", "")

    def stop(self) -> None:
        self._write("stop", "")

    def remove(self) -> None:
        """Whoever named the folder removes it."""
        if self._is_ours:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        """In one step, so that nobody reads a half."""
        unfinished = self.folder / f"{name}.{os.getpid()}"
        with suppress(FileNotFoundError):  # The other program has ended and removed the folder.
            unfinished.write_text(text)
            unfinished.rename(self.folder / name)


def open_client() -> hilo.Client:
    """The channel that `hilo run` gave this program."""
    # The engine asks its programs to end with SIGTERM; that is an orderly end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        return hilo.Client.from_environment()
    except hilo.NotFound as error:
        sys.exit(f"{error}\nTry: hilo run --model DIR --low 'python examples/low.py' "
                 "--high 'python examples/high.py'")


def describe(client: hilo.Client) -> str:
    """The engine's values, as this program sees them."""
    info = client.info
    return (f"model {Path(str(info.get('model', '?'))).name or '?'}, "
            f"backend {info.get('backend', '?')}, {client.dims} dims, "
            f"texts cut to {client.tokens_max} tokens, lanes {client.lanes}")


_COLOURS = {"bold": "1", "dim": "2", "high": "1;35", "low": "1;36", "good": "32"}


def styled(text: str, style: str) -> str:
    """Coloured on a terminal, plain elsewhere."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\x1b[{_COLOURS[style]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """One line, above the progress bar if there is one. One write, so that it is not torn."""
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    sys.stdout.write(f"{clear}{text}\n")
    sys.stdout.flush()
