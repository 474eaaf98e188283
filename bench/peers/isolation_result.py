"""What a run of `./dev bench isolation` gives: one JSON object, complete or as far as it went."""

from __future__ import annotations

import statistics
from pathlib import Path

import isolation_figures as figures
import lanes
from arrangements import SERVERS
from isolation_run import (BACK_TO_BACK, LOADS, LOW_ALONE, OFF, SATURATING, Benchmark,
                           Condition, Measured)


class Stolen:
    """Time that the host gave to others while one of our cores had work."""

    def __init__(self) -> None:
        self._before = self._ticks()

    @staticmethod
    def _ticks() -> tuple[int, int]:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return ticks[7], sum(ticks)

    def share(self) -> float:
        stolen, ticks = (now - before for now, before in zip(self._ticks(), self._before))
        return stolen / ticks if ticks else 0.0


def result_of(benchmark: Benchmark, stolen: Stolen, complete: bool) -> dict:
    return {
        "complete": complete,
        "stolen_share": stolen.share(),
        "high_texts": len(benchmark.setup.texts["high"]),
        "low_tokens_per_text": benchmark.tokens_of_lot / lanes.LOW_TEXTS,
        "levels": figures.LEVELS,
        "servers": list(SERVERS),
        "not_run": benchmark.not_run,
        "arrangements": {name: figures_of(benchmark, name) for name in benchmark.calibrated},
    }


def figures_of(benchmark: Benchmark, name: str) -> dict:
    calibrated = benchmark.calibrated[name]
    measured = {condition: of for condition, of in benchmark.measured.items()
                if condition.arrangement == name}

    def without_arrivals(kind: str) -> Measured:
        return measured.get(Condition(name, kind), Measured())

    hot = without_arrivals(BACK_TO_BACK).ms
    low_alone = without_arrivals(LOW_ALONE).rates
    pairs = without_arrivals(LOW_ALONE).pairs_with_embed
    hot_ms = statistics.mean(hot) if hot else calibrated.hot_ms
    # Slices of one condition are equally long.
    alone = statistics.mean(low_alone) if low_alone else calibrated.low_tokens_per_second
    rows = [row(condition, of, alone, hot_ms) for condition, of in measured.items()
            if of.ms and condition.per_second]
    rows.sort(key=lambda row: (row["per_second"], LOADS.index(row["low"])))
    return {"batch": calibrated.batch,
            "memory_mib": benchmark.memory.get(name, 0.0),
            "hot_ms": hot_ms,
            "low_alone_tokens_per_second": alone,
            "low_alone_of_slices": low_alone,
            "low_alone_and_embed": pairs,
            "low_alone_of_embed": statistics.median(low / embed for low, embed in pairs)
            if pairs else None,
            "saturating_to_off": ratios(name, measured),
            "conditions": rows}


def row(condition: Condition, of: Measured, alone: float, hot_ms: float) -> dict:
    rate = of.low_tokens / of.seconds
    share = figures.share_of_compute(len(of.ms) / of.seconds, hot_ms)
    return {"per_second": condition.per_second, "low": condition.low,
            **figures.latency(of.ms), "failed": of.failed, "seconds": of.seconds,
            "high_share": share, "low_tokens_per_second": rate,
            "kept_of_what_is_left": figures.kept_of_what_is_left(rate, alone, share)}


def ratios(name: str, measured: dict[Condition, Measured]) -> list[dict]:
    """HIGH beside saturating LOW over HIGH alone, for each rate that has both."""
    found = []
    for rate in sorted({condition.per_second for condition in measured}):
        on, off = (measured.get(Condition(name, low, rate), Measured())
                   for low in (SATURATING, OFF))
        if on.ms and off.ms:
            found.append({"per_second": rate, **figures.ratios(on.ms_of_slices, off.ms_of_slices)})
    return found
