"""The slices of `./dev bench isolation`: arrangements take turns, and each condition collects what
its slices gave.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import isolation_figures as figures
import isolation_report as report
import lanes
import texts
from arrangements import HILO, OTHERS, Arrangement, NotRun, Setup
from progress import Bar
from worker import WorkerEnded

SECONDS_TO_SETTLE = 0.7  # LOW runs, and HIGH warms up, before anything is counted.
SECONDS_TO_DRAIN_MAX = 90
SECONDS_OF_SLOW = 10
# What others are compared with is measured at several moments, however short.
PIECES_WITHOUT_ARRIVALS_MIN = 3
OFF, HALF, SATURATING = LOADS = ("off", "half", "saturating")
# Each of hilo's slices of LOW alone is followed by one of `hilo embed`: the two differ by less than
# the machine from one minute to the next.
PAIRS_WITH_EMBED = 8
# Conditions without HIGH arrivals.
LOW_ALONE, BACK_TO_BACK = "LOW alone", "back to back"


@dataclass(frozen=True)
class Condition:
    arrangement: str
    low: str  # a load, or one of the two above
    per_second: float = 0

    @property
    def is_paired(self) -> bool:
        """Whether `hilo embed` follows each slice."""
        return self.low == LOW_ALONE and self.arrangement in HILO


@dataclass
class Measured:
    """What the slices of a condition gave."""

    ms_of_slices: list[list[float]] = field(default_factory=list)
    failed: int = 0
    low_tokens: int = 0
    seconds: float = 0
    rates: list[float] = field(default_factory=list)  # LOW's tokens a second in each slice
    # Those of hilo's LOW alone, with those of `hilo embed` right after.
    pairs_with_embed: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ms(self) -> list[float]:
        return [ms for of_slice in self.ms_of_slices for ms in of_slice]


@dataclass
class Calibrated:
    """What is known before the first slice, and stands in for slices that were never reached."""

    batch: int | None
    hot_ms: float
    low_tokens_per_second: float
    interval: float  # seconds for 64 LOW texts at half of that


class Benchmark:
    def __init__(self, arguments: argparse.Namespace, setup: Setup) -> None:
        self._arguments, self.setup = arguments, setup
        self._chance = random.Random(arguments.seed)
        tokenizer = texts.tokenizer(arguments.model)
        self.tokens_of_lot = lanes.LOW_TEXTS * statistics.mean(
            len(encoding.ids) for encoding in tokenizer.encode_batch(setup.texts["low"]))
        self.running: dict[str, Arrangement] = {}
        self.calibrated: dict[str, Calibrated] = {}
        self.memory: dict[str, float] = {}
        self.not_run: dict[str, str] = {}
        self.measured: dict[Condition, Measured] = {}
        self.stopped = False

    # ---- before the first slice

    def start(self, bar: Bar) -> None:
        for name in self._arguments.arrangements:
            if self.stopped:
                return
            bar.say(f"{name}: starting, and choosing its batch size")
            try:
                self.running[name] = (HILO | OTHERS)[name](self.setup)
                self.calibrated[name] = self._calibrate(self.running[name])
                self.memory[name] = self.running[name].memory_mib()
            except (NotRun, WorkerEnded, OSError) as reason:
                self._give_up(name, str(reason), bar)

    def _calibrate(self, arrangement: Arrangement) -> Calibrated:
        """The batch size with which LOW is fastest, and how fast that is."""
        seconds = 0.6 if self._arguments.quick else 1.5
        rates = {}
        for batch in arrangement.batches:
            self._run_low(arrangement, 0.3, 0, batch)  # Warm: new shapes are compiled.
            rates[batch] = self._run_low(arrangement, seconds, 0, batch) / seconds
        batch = max(rates, key=rates.__getitem__)
        if not rates[batch]:  # Slower than one batch in that time.
            rates[batch] = self._run_low(arrangement, SECONDS_OF_SLOW, 0, batch) / SECONDS_OF_SLOW
        if not rates[batch]:
            raise NotRun(f"LOW had no text ready in {SECONDS_OF_SLOW} s")
        # Long enough to meet every question, whose lengths some engines have to get ready for.
        hot_ms = statistics.mean(arrangement.back_to_back(seconds))
        return Calibrated(batch, hot_ms, rates[batch], 2 * self.tokens_of_lot / rates[batch])

    def _run_low(self, arrangement: Arrangement, seconds: float, interval: float,
                 batch: int | None) -> int:
        begin = time.monotonic() + 0.2
        low = {"begin": begin, "end": begin + seconds, "interval": interval, "batch": batch}
        return arrangement.slice(seconds + SECONDS_TO_DRAIN_MAX, low=low)["low"]["tokens"]

    def _give_up(self, name: str, reason: str, bar: Bar) -> None:
        bar.say(f"{name} goes no further: {reason}")
        self.not_run[name] = reason
        if arrangement := self.running.pop(name, None):
            arrangement.end()

    # ---- slices

    def plan(self) -> list[tuple[Condition, float, int]]:
        """Condition, seconds and HIGH texts of each slice, in order."""
        slices: dict[tuple[Condition, float, int], int] = {}
        for condition, seconds, count in self._wanted():
            pieces = max(self._pieces_min(condition),
                         round(seconds / self._arguments.slice_seconds))
            slices[(condition, seconds / pieces, -(-count // pieces))] = pieces
        return figures.interleaved(slices, self._chance)

    def _pieces_min(self, condition: Condition) -> int:
        if condition.per_second:
            return 1
        return PAIRS_WITH_EMBED if condition.is_paired else PIECES_WITHOUT_ARRIVALS_MIN

    def _wanted(self) -> Iterator[tuple[Condition, float, int]]:
        """Each condition with its seconds and HIGH texts in all."""
        of = self._arguments
        for name in self.running:
            for rate in of.rates if name in HILO else of.rival_rates:
                for low in of.loads:
                    count = of.texts[rate] if name in HILO else of.rival_texts
                    # Half a load shows the shape of the curve; the promise is about the others.
                    count = count // 2 if low == HALF else count
                    yield Condition(name, low, rate), count / rate, count
            alone = Condition(name, LOW_ALONE)
            pairs = self._pieces_min(alone) / PIECES_WITHOUT_ARRIVALS_MIN
            yield alone, of.alone_seconds * pairs, 0
            yield Condition(name, BACK_TO_BACK), of.alone_seconds / 5, 0

    def run_slice(self, condition: Condition, seconds: float, count: int) -> None:
        arrangement = self.running[condition.arrangement]
        to = self.measured.setdefault(condition, Measured())
        if condition.low == BACK_TO_BACK:
            to.ms_of_slices.append(arrangement.back_to_back(seconds))
        else:
            self._run_lanes(arrangement, condition, seconds, count, to)
            if condition.is_paired:
                embed = self._embed(condition.arrangement, seconds)
                to.pairs_with_embed += [(to.rates[-1], rate) for rate in embed]
        to.seconds += seconds

    def _run_lanes(self, arrangement: Arrangement, condition: Condition, seconds: float,
                   count: int, to: Measured) -> None:
        begin = time.monotonic() + SECONDS_TO_SETTLE
        high = low = None
        if count:
            # From the same seeds for each arrangement and load; slices differ in length.
            chance = random.Random(f"{condition.per_second} {to.seconds:.3f}")
            high = {"begin": begin, "arrivals": figures.poisson(count, seconds, chance),
                    "texts": chance.choices(range(len(self.setup.texts["high"])), k=count)}
        if condition.low != OFF:
            calibrated = self.calibrated[condition.arrangement]
            low = {"begin": begin, "end": begin + seconds, "batch": calibrated.batch,
                   "interval": calibrated.interval if condition.low == HALF else 0}
        answer = arrangement.slice(seconds + SECONDS_TO_DRAIN_MAX, high=high, low=low)
        if high:
            ms = answer["high"]["ms"]
            to.ms_of_slices.append([one for one in ms if one is not None])
            to.failed += ms.count(None)
        if low:
            to.low_tokens += answer["low"]["tokens"]
            to.rates.append(answer["low"]["tokens"] / seconds)

    def _embed(self, name: str, seconds: float) -> list[float]:
        """Tokens a second of `hilo embed`, which has no lanes: what LOW is compared with. A run
        with few texts tells what starting takes. None where that took longer than everything."""
        wanted = self.calibrated[name].low_tokens_per_second * seconds / self.tokens_of_lot
        few_tokens, few_seconds = self._embed_lots(name, 1)
        tokens, all_seconds = self._embed_lots(name, 1 + max(1, round(wanted)))
        left = all_seconds - few_seconds
        return [(tokens - few_tokens) / left] if left > 0 else []

    def _embed_lots(self, name: str, lots: int) -> tuple[int, float]:
        """Tokens and seconds."""
        lines = random.Random(2).choices(self.setup.texts["low"], k=lots * lanes.LOW_TEXTS)
        vectors = self.setup.folder / "vectors.npy"
        began = time.monotonic()
        run = subprocess.run(
            [self.setup.hilo, "embed", "--model", self.setup.model, "--precision",
             name.split()[1], "--output", vectors],
            input="\n".join(lines) + "\n", text=True, capture_output=True, check=True)
        seconds = time.monotonic() - began
        vectors.unlink()
        return report.tokens_told(run.stderr), seconds

    def run(self, bar: Bar, plan: list[tuple[Condition, float, int]],
            now_and_then: Callable[[], None]) -> None:
        for i, (condition, seconds, count) in enumerate(plan):
            name = condition.arrangement
            if self.stopped:
                return
            bar.show(f"{name}, " + (f"{condition.per_second:g}/s, LOW {condition.low}" if count
                                    else condition.low))
            if name in self.running:
                try:
                    self.run_slice(condition, seconds, count)
                    self.memory[name] = max(self.memory[name], self.running[name].memory_mib())
                except (WorkerEnded, OSError, subprocess.CalledProcessError) as reason:
                    self._give_up(name, str(reason), bar)
            bar.advance(seconds_of_slice(condition, seconds))
            if i % 10 == 9:
                now_and_then()

    def end(self) -> None:
        for arrangement in self.running.values():
            arrangement.end()


def seconds_of_slice(condition: Condition, seconds: float) -> float:
    return seconds * (2 if condition.is_paired else 1) + SECONDS_TO_SETTLE + 0.2
