#!/usr/bin/env python3
"""From Python to the engine and back, without a model: tasks per second and latency.

The null backend computes nothing, so this is what the channel, the engine and the Python package
cost together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import hilo
import numpy as np

TEXT = "resize photos from the command line"


def tasks_per_second(texts: int, run: Callable[[int], object]) -> float:
    """Median of three."""
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        run(texts)
        rates.append(texts / (time.perf_counter() - began))
    return statistics.median(rates)


def one_by_one(model: hilo.Hilo, count: int) -> np.ndarray:
    """Microseconds of each call."""
    latencies = np.empty(count)
    for i in range(count):
        began = time.perf_counter()
        model.encode(TEXT)
        latencies[i] = time.perf_counter() - began
    return latencies * 1e6


def in_views(model: hilo.Hilo, texts: int) -> None:
    for _ in range(texts // 64):
        model.encode([TEXT] * 64, copy=False)


def in_threads(model: hilo.Hilo, texts: int, threads: int = 4) -> None:
    workers = [threading.Thread(target=model.encode, args=[[TEXT] * (texts // threads)])
               for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


async def in_an_event_loop(model: hilo.Hilo, texts: int) -> None:
    for _ in range(texts // 100):
        await asyncio.gather(*(model.encode_async(TEXT) for _ in range(100)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--texts", type=int, default=200_000, help="texts of a bulk call")
    arguments = parser.parse_args()
    texts = arguments.texts

    with hilo.Hilo(backend="null") as model:
        one_by_one(model, 1000)  # Warm.
        latencies = one_by_one(model, min(texts, 20_000))
        rates = {
            "one list": tasks_per_second(texts, lambda n: model.encode([TEXT] * n)),
            "one list, lane high":
                tasks_per_second(texts, lambda n: model.encode([TEXT] * n, lane="high")),
            "lists of 64 as views": tasks_per_second(texts, lambda n: in_views(model, n)),
            "four threads, a list each": tasks_per_second(texts, lambda n: in_threads(model, n)),
            "event loop, 100 at a time":
                tasks_per_second(texts // 20,
                                 lambda n: asyncio.run(in_an_event_loop(model, n))),
        }
    p50, p99 = np.percentile(latencies, [50, 99])
    print(f"one text at a time           {p50:10.1f} us p50 {p99:10.1f} us p99")
    for name, rate in rates.items():
        print(f"{name:28} {rate:10,.0f} tasks/s")
    if arguments.json:
        figures = {"one_text_p50_us": p50, "one_text_p99_us": p99,
                   "tasks_per_second": rates, "texts": texts}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
