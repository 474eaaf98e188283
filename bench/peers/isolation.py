#!/usr/bin/env python3
"""Does HIGH stay fast beside LOW, and what does LOW lose? ./dev bench isolation.

HIGH: questions that arrive at random moments, a known number a second, each timed from the moment
when it was due, whatever the ones before it take. LOW: texts of an index, 64 in flight. Each
arrangement (hilo, and what a good engineer would set up without it) waits in processes of its own
while the others have their turn; turns are slices of seconds in random order, so that a slow minute
of the machine hits all alike.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import isolation_figures as figures
import isolation_report as report
import lanes
import plot
import prepare
import texts
from arrangements import ARRANGEMENTS, SERVERS, Arrangement, NotRun, Setup
from progress import Bar
from worker import WorkerEnded

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_SETTLE = 0.7  # LOW runs, and HIGH warms up, before anything is counted.
SECONDS_TO_DRAIN_MAX = 90
LOW_TEXTS_DIFFERENT = 800
OFF, HALF, SATURATING = "off", "half", "saturating"
# Conditions without HIGH arrivals.
LOW_ALONE, BACK_TO_BACK, EMBED = "LOW alone", "back to back", "embed"


@dataclass(frozen=True)
class Condition:
    arrangement: str
    low: str  # a load, or one of the three above
    per_second: float = 0


@dataclass
class Measured:
    """What the slices of a condition gave."""

    ms: list[float] = field(default_factory=list)
    failed: int = 0
    low_tokens: int = 0
    seconds: float = 0
    rates: list[float] = field(default_factory=list)  # LOW's tokens a second in each slice


@dataclass
class Calibrated:
    """What is known before the first slice, and stands in for slices that were never reached."""

    batch: int | None
    hot_ms: float
    low_tokens_per_second: float
    interval: float  # seconds for 64 LOW texts at half of that


class Benchmark:
    def __init__(self, arguments: argparse.Namespace, setup: Setup) -> None:
        self._arguments, self._setup = arguments, setup
        self._chance = random.Random(arguments.seed)
        tokenizer = texts.tokenizer(arguments.model)
        self._tokens_of_lot = lanes.LOW_TEXTS * statistics.mean(
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
                self.running[name] = ARRANGEMENTS[name](self._setup)
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
        while not rates[batch]:  # Slower than one batch in that time.
            seconds *= 4
            rates[batch] = self._run_low(arrangement, seconds, 0, batch) / seconds
        hot_ms = statistics.mean(arrangement.back_to_back(0.5))
        return Calibrated(batch, hot_ms, rates[batch], 2 * self._tokens_of_lot / rates[batch])

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
            pieces = max(1, round(seconds / self._arguments.slice_seconds))
            slices[(condition, seconds / pieces, -(-count // pieces))] = pieces
        return figures.interleaved(slices, self._chance)

    def _wanted(self) -> Iterator[tuple[Condition, float, int]]:
        """Each condition with its seconds and HIGH texts in all."""
        of = self._arguments
        for name in self.running:
            is_hilo = name.startswith("hilo")
            for rate in of.rates if is_hilo else of.rival_rates:
                for low in of.loads:
                    count = of.texts[rate] if is_hilo else of.rival_texts
                    # Half a load shows the shape of the curve; the promise is about the others.
                    count = count // 2 if low == HALF else count
                    yield Condition(name, low, rate), count / rate, count
            yield Condition(name, LOW_ALONE), of.alone_seconds, 0
            yield Condition(name, BACK_TO_BACK), of.alone_seconds / 5, 0
            if is_hilo:
                yield Condition(name, EMBED), of.alone_seconds, 0

    def run_slice(self, condition: Condition, seconds: float, count: int) -> None:
        arrangement = self.running[condition.arrangement]
        to = self.measured.setdefault(condition, Measured())
        to.seconds += seconds
        if condition.low == BACK_TO_BACK:
            to.ms += arrangement.back_to_back(seconds)
        elif condition.low == EMBED:
            to.rates.append(self._embed(condition.arrangement, seconds))
        else:
            self._run_lanes(arrangement, condition, seconds, count, to)

    def _run_lanes(self, arrangement: Arrangement, condition: Condition, seconds: float,
                   count: int, to: Measured) -> None:
        begin = time.monotonic() + SECONDS_TO_SETTLE
        high = low = None
        if count:
            # The same questions at the same moments for each arrangement and load.
            chance = random.Random(f"{condition.per_second} {to.seconds:.3f}")
            high = {"begin": begin, "arrivals": figures.poisson(count, seconds, chance),
                    "texts": chance.choices(range(len(self._setup.texts["high"])), k=count)}
        if condition.low != OFF:
            calibrated = self.calibrated[condition.arrangement]
            low = {"begin": begin, "end": begin + seconds, "batch": calibrated.batch,
                   "interval": calibrated.interval if condition.low == HALF else 0}
        answer = arrangement.slice(seconds + SECONDS_TO_DRAIN_MAX, high=high, low=low)
        if high:
            ms = answer["high"]["ms"]
            to.ms += [one for one in ms if one is not None]
            to.failed += ms.count(None)
        if low:
            to.low_tokens += answer["low"]["tokens"]
            to.rates.append(answer["low"]["tokens"] / seconds)

    def _embed(self, name: str, seconds: float) -> float:
        """Tokens a second of `hilo embed`, which has no lanes: what LOW is compared with."""
        wanted = self.calibrated[name].low_tokens_per_second * seconds
        chance = random.Random(2)
        lots = max(1, round(wanted / self._tokens_of_lot))
        lines = chance.choices(self._setup.texts["low"], k=lots * lanes.LOW_TEXTS)
        vectors = self._setup.folder / "vectors.npy"
        run = subprocess.run(
            [self._setup.hilo, "embed", "--model", self._setup.model, "--precision",
             name.split()[1], "--output", vectors],
            input="\n".join(lines) + "\n", text=True, capture_output=True, check=True)
        vectors.unlink()
        return report.tokens_per_second_told(run.stderr)

    def run(self, bar: Bar, plan: list[tuple[Condition, float, int]]) -> None:
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
            bar.advance(seconds_of_slice(seconds))
            if i % 10 == 9:
                keep(self.result(complete=False), self._arguments.unfinished)

    def end(self) -> None:
        for arrangement in self.running.values():
            arrangement.end()

    # ---- figures

    def result(self, complete: bool) -> dict:
        return {
            "complete": complete,
            "high_texts": len(self._setup.texts["high"]),
            "low_tokens_per_text": self._tokens_of_lot / lanes.LOW_TEXTS,
            "levels": figures.LEVELS,
            "servers": list(SERVERS),
            "not_run": self.not_run,
            "arrangements": {name: self._figures_of(name) for name in self._arguments.arrangements
                             if name in self.calibrated},
        }

    def _figures_of(self, name: str) -> dict:
        calibrated = self.calibrated[name]
        hot = self.measured.get(Condition(name, BACK_TO_BACK), Measured()).ms
        low_alone = self.measured.get(Condition(name, LOW_ALONE), Measured()).rates
        embed = self.measured.get(Condition(name, EMBED), Measured()).rates
        hot_ms = statistics.mean(hot) if hot else calibrated.hot_ms
        # Slices of one condition are equally long.
        alone = statistics.mean(low_alone) if low_alone else calibrated.low_tokens_per_second
        rows = [self._row(condition, of, alone, hot_ms) for condition, of in self.measured.items()
                if condition.arrangement == name and of.ms and condition.per_second]
        rows.sort(key=lambda row: (row["per_second"], [OFF, HALF, SATURATING].index(row["low"])))
        return {"batch": calibrated.batch,
                "memory_mib": self.memory[name],
                "hot_ms": hot_ms,
                "low_alone_tokens_per_second": alone,
                "low_alone_of_slices": low_alone,
                "embed_tokens_per_second": statistics.median(embed) if embed else None,
                "conditions": rows}

    @staticmethod
    def _row(condition: Condition, of: Measured, alone: float, hot_ms: float) -> dict:
        rate = of.low_tokens / of.seconds
        share = figures.share_of_compute(len(of.ms) / of.seconds, hot_ms)
        return {"per_second": condition.per_second, "low": condition.low,
                **figures.latency(of.ms), "failed": of.failed, "seconds": of.seconds,
                "high_share": share, "low_tokens_per_second": rate,
                "kept_of_what_is_left": figures.kept_of_what_is_left(rate, alone, share)}


def seconds_of_slice(seconds: float) -> float:
    return seconds + SECONDS_TO_SETTLE + 0.2


def keep(result: dict, path: Path) -> None:
    """All of it or, if this is interrupted, what was there before."""
    unfinished = path.with_suffix(".writing")
    unfinished.write_text(json.dumps(result, indent=2) + "\n")
    unfinished.replace(path)


def texts_of_lanes(corpus: Path, questions: Path) -> dict[str, list[str]]:
    lines = texts.lines_of(corpus)
    return {"high": texts.lines_of(questions),
            "low": texts.mixed(lines[:len(lines) // 2], LOW_TEXTS_DIFFERENT, seed=1)}


def run(arguments: argparse.Namespace) -> dict:
    rivals = Path()
    if any(not name.startswith("hilo") for name in arguments.arrangements):
        rivals = prepare.prepared(arguments.model, arguments.corpus, arguments.build)
    with tempfile.TemporaryDirectory(prefix="hilo-isolation.") as folder:
        setup = Setup(arguments.model, rivals, arguments.hilo, arguments.hilo_lane,
                      arguments.infinity, texts_of_lanes(arguments.corpus, arguments.questions),
                      Path(folder))
        benchmark = Benchmark(arguments, setup)

        def stop(*_: object) -> None:
            benchmark.stopped = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        try:
            bar = Bar(1)
            benchmark.start(bar)
            plan = benchmark.plan()
            planned = sum(seconds_of_slice(seconds) for _, seconds, _ in plan)
            bar = Bar(planned)
            bar.say(f"{len(plan)} slices, {planned / 60:.0f} min")
            benchmark.run(bar, plan)
            bar.say("stopped: these are the figures so far" if benchmark.stopped else "done")
            return benchmark.result(complete=not benchmark.stopped)
        finally:
            benchmark.end()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face model folder")
    parser.add_argument("--precision", default="int8,fp32", help="hilo's, with commas")
    parser.add_argument("--rates", default="5,20,50", help="HIGH texts a second, for hilo")
    parser.add_argument("--rival-rates", default="20", help="HIGH texts a second, for rivals")
    parser.add_argument("--texts", default="2000",
                        help="HIGH texts for each load of LOW: one number, or one for each rate")
    parser.add_argument("--rival-texts", type=int, default=500, help="the same for rivals")
    parser.add_argument("--alone-seconds", type=float, default=12, help="LOW alone")
    parser.add_argument("--slice-seconds", type=float, default=10)
    parser.add_argument("--loads", nargs="+", default=[OFF, HALF, SATURATING], help="of LOW")
    parser.add_argument("--rivals", nargs="*", default=None, metavar="WORD",
                        help="only those with one of these words in their names; none: hilo alone")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=ROOT / "tests/golden/packages.txt",
                        help="lines that LOW's texts are made of")
    parser.add_argument("--questions", type=Path,
                        default=Path(__file__).with_name("questions.txt"))
    parser.add_argument("--build", type=Path, default=ROOT / "build/peers",
                        help="where the rivals' models are kept")
    parser.add_argument("--hilo", type=Path, default=ROOT / "build/release/bin/hilo")
    parser.add_argument("--hilo-lane", type=Path,
                        default=ROOT / "build/release/bin/hilo-bench-lane")
    parser.add_argument("--infinity", type=Path, help="the program infinity_emb")
    parser.add_argument("--plot", type=Path, help="draw the curves as an SVG file")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    arguments.rates = [float(rate) for rate in arguments.rates.split(",")]
    arguments.rival_rates = [float(rate) for rate in arguments.rival_rates.split(",")]
    installed = arguments.build / "infinity/bin/infinity_emb"
    if arguments.infinity is None and installed.exists():
        arguments.infinity = installed
    arguments.unfinished = arguments.build / "isolation-unfinished.json"
    if arguments.quick:
        arguments.texts, arguments.rival_texts = "20", 20
        arguments.alone_seconds, arguments.slice_seconds = 1, 1
    counts = [int(count) for count in arguments.texts.split(",")]
    if len(counts) not in (1, len(arguments.rates)):
        parser.error(f"--texts has {len(counts)} numbers, --rates {len(arguments.rates)}")
    arguments.texts = dict(zip(arguments.rates, counts * len(arguments.rates)))
    arguments.arrangements = chosen(arguments.precision.split(","), arguments.rivals)
    return arguments


def chosen(precisions: list[str], words: list[str] | None) -> list[str]:
    rivals = [name for name in ARRANGEMENTS if not name.startswith("hilo")]
    if words is not None:
        rivals = [name for name in rivals if any(word in name for word in words)]
    return [f"hilo {precision}" for precision in precisions] + rivals


def main() -> None:
    arguments = parsed()
    result = run(arguments)
    print(report.tables(result))
    if arguments.plot:
        plot.draw_distributions(result, arguments.plot)
    if arguments.json:
        keep(result, arguments.json)
    arguments.unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
