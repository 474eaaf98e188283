"""The LOW program: embeds the descriptions of up to 20,000 Debian packages.

    hilo run --model DIR --low "python examples/low.py" --high "python examples/high.py"

It embeds a few at once, so that HIGH has something to search in, reads the rest, and waits until
HIGH has measured how fast its questions are answered without bulk work beside them.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from common import Indexing, Shelf, describe, open_client, say, styled

import hilo
from hilo.progress import Progress, ProgressBar, ProgressCallback

SMALL_CORPUS = Path(__file__).resolve().parent.parent / "data" / "packages.tsv"
PACKAGES_MAX = 20_000
PACKAGES_AT_ONCE = 256
PACKAGES_AT_ONCE_IN_THE_BEGINNING = 50
SECONDS_TO_WAIT_FOR_HIGH = 120
# Sections with things that people look for; the rest is libraries and parts of other packages.
SECTIONS = frozenset("""admin comm database editors education electronics embedded games gnome
    graphics hamradio httpd interpreters kde mail math misc net news otherosfs science shells sound
    tex text utils vcs video web x11 xfce devel""".split())


def small_corpus() -> list[str]:
    return [line.replace("\t", ": ", 1)
            for line in SMALL_CORPUS.read_text(encoding="utf-8").splitlines()]


def debian_packages() -> Iterator[str]:
    """"name: description" of each package that apt knows; none where there is no apt."""
    if shutil.which("apt-cache") is None:
        return
    with subprocess.Popen(["apt-cache", "dumpavail"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as apt:
        name = description = section = ""
        for line in apt.stdout:
            if line.startswith(b"Package: "):
                name = line[9:].decode(errors="replace").strip()
            elif line.startswith((b"Description: ", b"Description-en: ")):
                description = line.split(b": ", 1)[1].decode(errors="replace").strip()
            elif line.startswith(b"Section: "):
                section = line[9:].decode(errors="replace").strip().rsplit("/", 1)[-1]
            elif line == b"\n":
                if section in SECTIONS and description and "dummy" not in description:
                    yield f"{name}: {description}"
                name = description = section = ""


def read_corpus(beginning: list[str]) -> list[str]:
    """The beginning, then what Debian has beside it, in an order that mixes all subjects."""
    rest = sorted(set(debian_packages()) - set(beginning))
    random.Random(7).shuffle(rest)
    return (beginning + rest)[:PACKAGES_MAX]


class Indexer:
    """Embeds packages onto the shelf and says how far it is."""

    def __init__(self, client: hilo.Client, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf
        self._vectors = shelf.make_room(PACKAGES_MAX, client.dims)
        self.state = Indexing()

    def embed(self, packages: list[str], start: int, stop: int,
              report: ProgressCallback | Literal[False] = False) -> None:
        """Some of the packages, and word of them to HIGH."""
        vectors = self._client.encode(packages[start:stop], lane="low", show_progress=report)
        self._vectors[start : start + len(vectors)] = vectors
        self.state.embedded = max(self.state.embedded, start + len(vectors))
        self._shelf.tell(self.state)

    def embed_all(self, packages: list[str]) -> None:
        """All packages, with a progress bar, until HIGH has seen enough."""
        bar, began = ProgressBar(), time.monotonic()
        before = self._client.totals
        texts_before, tokens_before, seconds_before = (
            self.state.texts, self.state.tokens, self.state.seconds)

        def report(_: Progress) -> None:
            done = self._client.totals
            texts, tokens = done.texts - before.texts, done.tokens - before.tokens
            seconds = time.monotonic() - began
            self.state.texts = texts_before + texts
            self.state.tokens = tokens_before + tokens
            self.state.seconds = seconds_before + seconds
            bar(Progress(texts, len(packages), tokens, seconds))

        for start in range(0, len(packages), PACKAGES_AT_ONCE):
            if self._shelf.should_stop():
                break
            self.embed(packages, start, start + PACKAGES_AT_ONCE, report)
        else:
            self.state.finished = True
            self._shelf.tell(self.state)
        bar.close()


def wait_for_high(shelf: Shelf) -> bool:
    deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_HIGH
    while time.monotonic() < deadline and not shelf.should_stop():
        if shelf.may_begin():
            return True
        time.sleep(0.02)
    return False


def main() -> None:
    with open_client() as client:
        shelf = Shelf()
        say(f"{styled('low ', 'low')} {describe(client)}")
        indexer = Indexer(client, shelf)
        beginning = small_corpus()
        shelf.name_packages(beginning)
        step = PACKAGES_AT_ONCE_IN_THE_BEGINNING
        for start in range(0, len(beginning), step):
            indexer.embed(beginning, start, start + step)

        packages = read_corpus(beginning)
        shelf.name_packages(packages)
        indexer.state.ready = True
        shelf.tell(indexer.state)
        say(f"{styled('low ', 'low')} {len(packages):,} packages to embed")
        if wait_for_high(shelf):
            # A fast machine is done before HIGH has asked enough, so it does all of it again.
            while not shelf.should_stop():
                indexer.embed_all(packages)
            indexer.state.ended = True
            shelf.tell(indexer.state)
        else:
            shelf.remove()  # There is no HIGH that would.


if __name__ == "__main__":
    try:
        main()
    except hilo.Error as error:
        sys.exit(f"low: {error}")
