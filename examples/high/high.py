"""The HIGH program: asks questions about Debian's packages while LOW embeds their descriptions.

    hilo run --model DIR --low "python examples/low.py" --high "python examples/high.py"

It measures how long a question takes alone and then beside the bulk work, and ends with both.
"""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass, field

import numpy as np
from common import QUICK, Indexing, Shelf, describe, open_client, say, styled

import hilo

QUESTIONS = (
    "resize photos from the command line",
    "play chess against the computer",
    "edit videos",
    "download a web site",
    "find duplicate files",
    "draw diagrams",
    "watch what a process is doing",
    "record sound from a microphone",
    "read e-mail in a terminal",
    "scan the local network",
    "learn to type faster",
    "convert documents to PDF",
    "back up my home directory",
    "plot data from a file",
    "look at the stars",
    "compress large files",
    "keep passwords safe",
    "listen to internet radio",
    "manage photo collections",
    "simulate electronic circuits",
)
SECONDS_BETWEEN_QUESTIONS = 0.5
SECONDS_ALONE = 3.0 if QUICK else 10.0
SECONDS_BULK_MIN = 6.0 if QUICK else 20.0
SECONDS_BULK_MAX = 8.0 if QUICK else 80.0
SECONDS_TO_WAIT_FOR_LOW = 60.0
SECONDS_IN_ALL_MAX = 105.0
PACKAGES_SHOWN = 3


@dataclass
class Search:
    """The packages that LOW has put on the shelf so far."""

    shelf: Shelf
    packages: list[str] = field(default_factory=list)
    vectors: np.ndarray | None = None

    def best(self, question: np.ndarray, embedded: int) -> list[str]:
        """Names of the packages whose vectors are nearest to the question's."""
        if self.vectors is None:
            self.vectors = self.shelf.vectors()
        if len(self.packages) < embedded:
            self.packages = self.shelf.packages()
        # Vectors have length one, so the product is the cosine.
        nearness = self.vectors[:embedded] @ question
        return [self.packages[i].split(":")[0] for i in np.argsort(-nearness)[:PACKAGES_SHOWN]]


class Interview:
    """Asks at a steady pace, whatever the answers take, and remembers how long they took."""

    def __init__(self, client: hilo.Client, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf
        self._search = Search(shelf)
        self._questions = itertools.cycle(QUESTIONS)
        self._next_at = self._began = time.monotonic()

    def ask(self) -> float:
        """Asks one question, shows the answer, and returns the milliseconds it took to embed it."""
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = max(self._next_at + SECONDS_BETWEEN_QUESTIONS, time.monotonic())
        question = next(self._questions)
        before = time.perf_counter()
        vector = self._client.encode(question, lane="high")
        milliseconds = (time.perf_counter() - before) * 1000
        embedded = self._shelf.indexing().embedded
        best = self._search.best(vector, embedded)
        say(f"{styled(f'{milliseconds:6.1f} ms', 'high')}  {question:36}"
            f"{styled(', '.join(best), 'bold')}"
            f"{styled(f'  of {embedded:,}', 'dim')}")
        return milliseconds

    def ask_until_ready(self) -> None:
        """While LOW reads the packages: answered, but not counted, since LOW is not idle then."""
        deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_LOW
        while not (state := self._shelf.indexing()).ready:
            if time.monotonic() > deadline:
                sys.exit("high: the LOW program has named no packages; is it running?")
            if state.embedded == 0:
                time.sleep(0.02)
            else:
                self.ask()

    def ask_for(self, seconds: float) -> list[float]:
        end = time.monotonic() + seconds
        return [self.ask() for _ in iter(lambda: time.monotonic() < end, False)]

    def ask_during_bulk(self) -> list[float]:
        """Until LOW has embedded everything, but neither too briefly nor too long."""
        began = time.monotonic()
        latencies = []
        while True:
            seconds = time.monotonic() - began
            enough = seconds >= SECONDS_BULK_MIN and self._shelf.indexing().finished
            late = time.monotonic() - self._began >= SECONDS_IN_ALL_MAX
            if enough or late or seconds >= SECONDS_BULK_MAX:
                return latencies
            latencies.append(self.ask())


def wait_for_end(shelf: Shelf) -> Indexing:
    deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_LOW
    while not (state := shelf.indexing()).ended and time.monotonic() < deadline:
        time.sleep(0.02)
    return state


def show_table(alone: list[float], bulk: list[float], low: Indexing) -> None:
    say()
    say(styled(f"{'HIGH':24}{'questions':>10}{'p50':>11}{'p99':>11}", "bold"))
    for name, latencies in (("before the bulk work", alone), ("during the bulk work", bulk)):
        p50, p99 = np.percentile(latencies, [50, 99])
        say(f"{name:24}{len(latencies):>10}{p50:>8.1f} ms{p99:>8.1f} ms")
    say(styled(f"{'LOW':24}{'texts':>10}{'texts/s':>11}{'tokens/s':>11}", "bold"))
    seconds = max(low.seconds, 1e-9)
    say(f"{'beside the questions':24}{low.texts:>10,}{low.texts / seconds:>11,.0f}"
        f"{low.tokens / seconds:>11,.0f}")


def main() -> None:
    with open_client() as client:
        shelf = Shelf()
        try:
            say(f"{styled('high', 'high')} {describe(client)}")
            interview = Interview(client, shelf)
            interview.ask_until_ready()
            say(styled("The questions alone, to compare with:", "good"))
            alone = interview.ask_for(SECONDS_ALONE)
            say(styled("The same while LOW embeds everything:", "good"))
            shelf.begin()
            bulk = interview.ask_during_bulk()
            shelf.stop()
            show_table(alone, bulk, wait_for_end(shelf))
        finally:
            shelf.stop()
            shelf.remove()


if __name__ == "__main__":
    try:
        main()
    except hilo.Error as error:
        sys.exit(f"high: {error}")
