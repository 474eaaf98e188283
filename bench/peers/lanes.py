"""What `./dev bench isolation` asks of an engine's process: HIGH texts that arrive at given
moments, LOW texts in bulk. All moments are of the monotonic clock, which processes share.
"""

import ctypes
import random
import sys
import threading
import time

LOW_TEXTS = 64
WARM_UP_TEXTS = 5
PR_SET_TIMERSLACK = 29


def be_punctual() -> None:
    """Before any thread is made: the kernel wakes them on time, not up to 50 us late, and Python
    passes its lock on within half a millisecond instead of five."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    sys.setswitchinterval(0.0005)


def sleep_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


class Arrivals:
    """HIGH texts, each when it is due, whatever the ones before it take. Each thread waits for one
    of them, so that none has to be handed over when it arrives."""

    def __init__(self, engine: object, texts: list[str], begin: float,
                 offsets: list[float]) -> None:
        self._engine, self._texts = engine, texts
        self._due = [begin + offset for offset in offsets]
        self._ms: list[float | None] = [None] * len(offsets)
        self._next = iter(range(len(offsets)))
        self._lock = threading.Lock()

    def run(self) -> list[float | None]:
        """Milliseconds of each, counted from when it was due; None if it failed."""
        threads = [threading.Thread(target=self._serve) for _ in range(self._engine.singles_max)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._ms

    def _serve(self) -> None:
        while True:
            with self._lock:
                i = next(self._next, None)
            if i is None:
                return
            sleep_until(self._due[i])
            self._engine.encode_one(self._texts[i])
            self._ms[i] = (time.monotonic() - self._due[i]) * 1000


class Bulk:
    """LOW texts, 64 at a time: one lot after the other without a gap, or one in each interval."""

    def __init__(self, engine: object, texts: list[str], batch: int) -> None:
        self._engine, self._texts, self._batch = engine, texts, batch
        self._lock = threading.Lock()
        self._tokens = 0

    def run(self, begin: float, end: float, interval: float) -> int:
        """Starts now, and returns how many tokens were ready between the two moments."""
        def ready(tokens: int) -> None:
            if begin <= time.monotonic() < end:
                with self._lock:
                    self._tokens += tokens

        chance = random.Random(2)
        due = time.monotonic()
        while time.monotonic() < end:
            self._engine.feed(chance.choices(self._texts, k=LOW_TEXTS), self._batch, ready)
            if interval:
                self._engine.drain()
                due += interval
                sleep_until(min(due, end))
        self._engine.drain()
        return self._tokens


def run_slice(engine: object, texts: dict[str, list[str]], high: dict | None,
              low: dict | None) -> dict:
    """Both lanes at once, or the one that this process serves."""
    answer: dict[str, dict] = {}

    def run_low(begin: float, end: float, interval: float, batch: int) -> None:
        bulk = Bulk(engine, texts["low"], batch)
        answer["low"] = {"tokens": bulk.run(begin, end, interval)}

    thread = threading.Thread(target=run_low, kwargs=low) if low else None
    if thread:
        thread.start()
    if high:
        warm_up(engine, texts["high"])
        chosen = [texts["high"][i] for i in high["texts"]]
        answer["high"] = {"ms": Arrivals(engine, chosen, high["begin"], high["arrivals"]).run()}
    if thread:
        thread.join()
    return answer


def warm_up(engine: object, texts: list[str]) -> None:
    for text in texts[:WARM_UP_TEXTS]:
        engine.encode_one(text)


def back_to_back(engine: object, texts: list[str], seconds: float) -> list[float]:
    """Milliseconds of each text, one after the other."""
    warm_up(engine, texts)
    latencies = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        engine.encode_one(texts[len(latencies) % len(texts)])
        latencies.append((time.monotonic() - began) * 1000)
    return latencies
