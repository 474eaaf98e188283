"""One engine in a process of its own, which waits while the others have their turn.

The parent writes one JSON object a line, {"do": NAME, ...}, and reads one back. What an engine's
libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import engines
import lanes
import numpy as np


class WorkerEnded(SystemExit):
    """The process is gone, or does not answer: there will be no more figures of it."""


class Process:
    """The parent's side of any program that speaks as described above."""

    def __init__(self, name: str, command: list[str | Path],
                 before_start: Callable[[], None] | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, preexec_fn=before_start)

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, do: str, **what: object) -> None:
        assert self._process.stdin
        self._doing = do
        try:
            self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() says so.

    def answer(self, seconds_max: float | None = None) -> dict:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], seconds_max)[0]:
            raise WorkerEnded(f"{self.name} did not answer for {seconds_max:.0f} s when it was "
                              f"asked to {self._doing}")
        answer = self._process.stdout.readline()
        if not answer:
            raise WorkerEnded(f"{self.name} ended while it was asked to {self._doing}: its own "
                              "words are above")
        return json.loads(answer)

    def ask(self, do: str, **what: object) -> dict:
        self.tell(do, **what)
        return self.answer()

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Worker(Process):
    """An engine for both lanes. `refused` says why there is no engine, if there is none."""

    def __init__(self, python: str, name: str, model: Path, rivals: Path,
                 texts: dict[str, list[str]]) -> None:
        super().__init__(name, [python, __file__, name, model, rivals])
        self.precision = engines.ENGINES[name][0]
        self.refused: str | None = self.ask("start", texts=texts)["refused"]


class Turn:
    """The child's side: one method for each thing that can be asked."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def start(self, texts: dict[str, list[str]]) -> dict:
        self._texts = texts
        try:
            self._engine = self._make()
        except engines.Refused as refusal:
            return {"refused": str(refusal)}
        return {"refused": None}

    def batches(self) -> dict:
        return {"batches": self._engine.batches}

    def batches_of_lot(self) -> dict:
        return {"batches": self._engine.batches_of_lot}

    def bulk(self, shape: str, by_length: bool, batch: int | None, share: float) -> dict:
        """Seconds for this share of the shape's texts."""
        texts = self._texts[shape]
        texts = texts[:max(1, round(len(texts) * share))]
        began = time.perf_counter()
        self._engine.encode(texts, by_length, batch)
        return {"seconds": time.perf_counter() - began}

    def single(self, shape: str, count: int, idle_ms: float) -> dict:
        """Milliseconds of each of so many texts, one at a time, each after a pause."""
        latencies = []
        for text in self._texts[shape][:count]:
            time.sleep(idle_ms / 1000)
            began = time.perf_counter()
            self._engine.encode_one(text)
            latencies.append((time.perf_counter() - began) * 1000)
        return {"ms": latencies}

    def vectors(self, shape: str, count: int, path: str) -> dict:
        """Vectors of the first texts, as a file."""
        batch = max((size for size in self._engine.batches if size), default=None)
        np.save(path, self._engine.encode(self._texts[shape][:count], True, batch))
        return {}

    def slice(self, high: dict | None = None, low: dict | None = None) -> dict:
        return lanes.run_slice(self._engine, self._texts, high, low)

    def back_to_back(self, seconds: float) -> dict:
        return {"ms": lanes.back_to_back(self._engine, self._texts["high"], seconds)}


def maker(name: str, model: Path, rivals: Path, served: list[str]) -> Callable[[], object]:
    """Makes the engine of this name: for both lanes, or for the lanes served, or the client of the
    server or of the running hilo at this address."""
    if name.startswith("http:"):
        return lambda: engines.EmbeddingServer(model, name)
    if name.startswith("unix:"):
        return lambda: engines.HiloClient(model, name.removeprefix("unix:"), served[0])
    if served:
        return lambda: engines.LANE_ENGINES[name](model, rivals, tuple(served))
    return lambda: engines.ENGINES[name][1](model, rivals)


def main() -> None:
    name, model, rivals, *served = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if served:
        lanes.be_punctual()
    turn = Turn(maker(name, Path(model), Path(rivals), served))
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(turn, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    os._exit(0)  # At once: threads that wait for work hold what libraries want to see given back.


if __name__ == "__main__":
    main()
