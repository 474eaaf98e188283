"""One engine in a process of its own, which waits while the others have their turn.

The parent writes one JSON object a line, {"do": NAME, ...}, and reads one back. What an engine's
libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import engines
import numpy as np


class Worker:
    """The parent's side. `refused` says why there is no engine, if there is none."""

    def __init__(self, python: str, name: str, model: Path, rivals: Path,
                 texts: dict[str, list[str]]) -> None:
        self.name = name
        self.precision = engines.ENGINES[name][0]
        self._process = subprocess.Popen(
            [python, __file__, name, model, rivals], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.refused: str | None = self.ask("start", texts=texts)["refused"]

    def ask(self, do: str, **what: object) -> dict:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended while it was asked to {do}: its own words are "
                             "above")
        return json.loads(answer)

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


class Turn:
    """The child's side: one method for each thing that can be asked."""

    def __init__(self, name: str, model: Path, rivals: Path) -> None:
        self._make = engines.ENGINES[name][1]
        self._model, self._rivals = model, rivals

    def start(self, texts: dict[str, list[str]]) -> dict:
        self._texts = texts
        try:
            self._engine = self._make(self._model, self._rivals)
        except engines.Refused as refusal:
            return {"refused": str(refusal)}
        return {"refused": None}

    def batches(self) -> dict:
        return {"batches": self._engine.batches}

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


def main() -> None:
    name, model, rivals = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    turn = Turn(name, Path(model), Path(rivals))
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(turn, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
