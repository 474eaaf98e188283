"""The arithmetic of `./dev bench isolation`. No engine is needed."""

import random
from collections.abc import Sequence

from figures import quantile

QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
# Shares of texts that are slower, for curves: from all of them to one in ten thousand.
LEVELS = [round(10 ** (-step / 10), 5) for step in range(41)]
# What is asked of hilo: HIGH beside saturating LOW over HIGH alone, at most.
RATIOS_MAX = {"p50": 1.05, "p99": 1.15, "p999": 2.0}
KEPT_MIN = 0.96  # Of what HIGH at 20 a second leaves.
KEPT_IDLE_MIN = 0.97  # Of what an engine without lanes does.
BOOTSTRAPS = 300


def poisson(count: int, seconds: float, chance: random.Random) -> list[float]:
    """Moments of arrivals at random, so many in so many seconds: given their number, those of a
    Poisson process are independent of each other."""
    return sorted(chance.uniform(0, seconds) for _ in range(count))


def interleaved(slices_of: dict[object, int], chance: random.Random) -> list[object]:
    """Each key as often as it says, spread evenly over the whole and in random order, so that a
    slow minute of the machine hits all alike."""
    placed = [((i + chance.random()) / count, chance.random(), key)
              for key, count in slices_of.items() for i in range(count)]
    return [key for _, _, key in sorted(placed, key=lambda place: place[:2])]


def latency(ms: Sequence[float]) -> dict[str, object]:
    """Quantiles, and the curve: of the texts, the share LEVELS[i] is slower than curve_ms[i]. It
    ends where a level would mean less than one text."""
    found: dict[str, object] = {"texts": len(ms), "max": max(ms)}
    found |= {name: quantile(ms, share) for name, share in QUANTILES.items()}
    found["curve_ms"] = [quantile(ms, 1 - level) for level in LEVELS if level * len(ms) >= 1]
    return found


def share_of_compute(texts_per_second: float, hot_ms: float) -> float:
    """What HIGH takes of the machine: all cores, as long as a text takes right after another."""
    return min(1.0, texts_per_second * hot_ms / 1000)


def kept_of_what_is_left(beside: float, alone: float, high_share: float) -> float:
    """LOW's tokens a second beside HIGH, over what the compute that HIGH does not use is worth; 0
    where that is nothing."""
    left = alone * (1 - high_share)
    return beside / left if left > 0 else 0.0


def ratios(saturating: Sequence[Sequence[float]],
           off: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """Each quantile of one over that of the other, both in slices, with the range that holds 95 %
    of what other slices like these would have given (bootstrap: a tail is few texts, and a
    disturbance of the machine is in few slices)."""
    drawn: dict[str, list[float]] = {name: [] for name in QUANTILES}
    chance = random.Random(3)
    for i in range(BOOTSTRAPS + 1):
        # The first is the measurement itself.
        above, below = ([ms for one in (chance.choices(slices, k=len(slices)) if i else slices)
                         for ms in one] for slices in (saturating, off))
        for name, share in QUANTILES.items():
            drawn[name].append(quantile(above, share) / quantile(below, share))
    return {name: {"ratio": values[0], "from": quantile(values[1:], 0.025),
                   "to": quantile(values[1:], 0.975)} for name, values in drawn.items()}


def best_rival(values: dict[str, float], lowest: bool) -> tuple[str, float] | None:
    """Name and value of the best arrangement that is not hilo's."""
    rivals = {name: value for name, value in values.items() if not name.startswith("hilo")}
    if not rivals:
        return None
    return (min if lowest else max)(rivals.items(), key=lambda row: row[1])
