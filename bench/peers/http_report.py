"""The figures of `./dev bench http`, and the tables that show them. No server is needed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import isolation_figures
from figures import quantile, table

# What is asked of hilo.
REQUESTS_PER_SECOND_MIN = 20_000  # without a model
CPU_US_MAX = 60  # of hilo-http, for a single text
LOW_KEPT_MIN = 0.95  # of what shared memory has
P99_RATIO_MAX = 1.3  # HIGH beside LOW over HIGH alone


def figures_of(measured: Mapping, low_alone: Sequence[str], off: str) -> dict:
    """`measured` is a Measured for each Condition."""
    low = {condition.low: of.low_rates for condition, of in measured.items()
           if condition.low in low_alone}
    first = statistics.median(low[low_alone[0]])
    return {
        "low": [{"way": way, "tokens_per_second": statistics.median(low[way]),
                 "of_slices": low[way], "kept": statistics.median(low[way]) / first}
                for way in low_alone],
        "high": [row_of(condition, of, measured, off) for condition, of in
                 sorted(measured.items(), key=lambda pair: (pair[0].server, pair[0].per_second))
                 if condition.per_second and any(of.ms_of_slices)],
    }


def row_of(condition: object, of: object, measured: Mapping, off: str) -> dict:
    ms = [one for of_slice in of.ms_of_slices for one in of_slice]
    row = {"server": condition.server, "low": condition.low, "per_second": condition.per_second,
           "texts": len(ms), "failed": of.failed, "p50": quantile(ms, 0.5),
           "p99": quantile(ms, 0.99), "max": max(ms),
           "low_tokens_per_second": statistics.median(of.low_rates) if of.low_rates else 0}
    alone = next((other.ms_of_slices for key, other in measured.items()
                  if (key.server, key.low, key.per_second)
                  == (condition.server, off, condition.per_second)), [])
    if condition.low != off and any(alone):
        row["to_alone"] = isolation_figures.ratios(of.ms_of_slices, alone)
    return row


# ---- tables


def missed(fits: bool) -> str:
    return "" if fits else " (missed)"


def requests(result: dict) -> str:
    head = ["single texts over HTTP", "connections", "p50 ms", "p99 ms",
            f"requests/s (null: >= {REQUESTS_PER_SECOND_MIN:,})",
            f"us of hilo-http a request (< {CPU_US_MAX})"]
    rows = []
    for of in result["requests"]:
        enough = of["backend"] != "null" or of["per_second"] >= REQUESTS_PER_SECOND_MIN
        rows.append([of["backend"], f"{of['connections']}", f"{of['p50_ms']:.2f}",
                     f"{of['p99_ms']:.2f}", f"{of['per_second']:,.0f}{missed(enough)}",
                     f"{of['cpu_us']:.1f}{missed(of['cpu_us'] < CPU_US_MAX)}"])
    return table(head, rows)


def low(result: dict) -> str:
    head = [f"LOW alone, {result['precision']}, 64 texts a request", "tokens/s",
            f"of shared memory (>= {LOW_KEPT_MIN:.0%})"]
    rows = [[of["way"], f"{of['tokens_per_second']:,.0f}",
             f"{of['kept']:.1%}{missed(of['kept'] >= LOW_KEPT_MIN)}"] for of in result["low"]]
    return table(head, rows)


def high(result: dict) -> str:
    head = ["HIGH ms over HTTP", "HIGH/s", "LOW", "n", "p50", "p99", "max", "p50 : alone",
            f"p99 : alone [95 %] (<= {P99_RATIO_MAX})", "LOW tokens/s"]
    rows = []
    for of in result["high"]:
        ratios = ["", ""]
        if "to_alone" in of:
            p99 = of["to_alone"]["p99"]
            fits = of["server"] != "hilo" or p99["ratio"] <= P99_RATIO_MAX
            ratios = [f"{of['to_alone']['p50']['ratio']:.2f}",
                      f"{p99['ratio']:.2f} [{p99['from']:.2f}, {p99['to']:.2f}]{missed(fits)}"]
        rows.append([of["server"], f"{of['per_second']:g}", of["low"], f"{of['texts']:,}",
                     f"{of['p50']:.2f}", f"{of['p99']:.2f}", f"{of['max']:.2f}", *ratios,
                     f"{of['low_tokens_per_second']:,.0f}" if of["low_tokens_per_second"] else ""])
    return table(head, rows)


def tables(result: dict) -> str:
    said = [requests(result), low(result), high(result)]
    said += [f"{name} was not compared: {reason}" for name, reason in result["not_run"].items()]
    if failed := sum(of["failed"] for of in result["high"]):
        said.append(f"{failed} HIGH texts failed.")
    if broken := sum(of["refused"] + of["broken"] for of in result["requests"]):
        said.append(f"{broken} single texts failed.")
    if result["stolen_share"] > 0.002:
        said.append(f"The host took {result['stolen_share']:.1%} of the cores for others.")
    return "\n\n".join(said)
