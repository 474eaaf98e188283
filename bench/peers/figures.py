"""What is computed from measurements: medians, spreads, ratios, tables. No engine is needed."""

import math
import statistics
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def spread(values: Sequence[float]) -> float:
    """How far the runs lie apart, as a share of their median."""
    return (max(values) - min(values)) / statistics.median(values)


def operations(config: dict, lengths: Sequence[int]) -> int:
    """Additions and multiplications in a BERT encoder's matrix products for texts so long.

    A token meets every weight once, and every other token of its text twice: for its score and for
    its share of the mix.
    """
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    weights = 4 * hidden * hidden + 2 * hidden * wide
    products = sum(length * weights + 2 * length * length * hidden for length in lengths)
    return 2 * config["num_hidden_layers"] * products


def best_rival(rates: dict[str, float], precisions: dict[str, str],
               precision: str) -> tuple[str, float] | None:
    """Name and rate of the fastest engine of this precision that is not hilo."""
    rivals = {name: rate for name, rate in rates.items()
              if precisions[name] == precision and not name.startswith("hilo")}
    return max(rivals.items(), key=lambda row: row[1]) if rivals else None


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right. A row
    with fewer cells than the head ends in a sentence, which takes the room of the rest."""
    whole = [row for row in [head, *rows] if len(row) == len(head)]
    widths = [max(len(row[i]) for row in whole) for i in range(len(head))]
    widths[0] = max(len(row[0]) for row in [head, *rows])
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += ([cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
                  if len(row) == len(head) else list(row[1:]))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
