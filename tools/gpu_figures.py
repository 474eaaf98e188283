"""What tools/gpu_check.py found, as rows of one table: a figure, what was aimed at, and whether it
was reached. The aims are those of docs/GPU.md.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COSINE_MIN = 0.9999
MINILM_TOKENS_PER_SECOND = 17e6  # Half of what an H100's tensor cores could do at 128 tokens.
BASE_TOKENS_PER_SECOND = 2.3e6
HIGH_TEXT_US = 100
BESIDE_LOW_RATIO = 1.10  # HIGH's p99 beside LOW is so much of that alone,
BESIDE_LOW_US = 25  # or so much more, whichever is larger.
LOW_KEPT = 0.90
LOW_THREADS = 2  # beside HIGH, in hilo-bench-gpu

Figures = dict[str, Any]


@dataclass(frozen=True)
class Row:
    name: str
    measured: str
    aim: str = ""
    good: bool | None = None  # None: nothing was aimed at


def read(path: Path) -> Figures:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def tests_of(report: Figures) -> Iterator[Figures]:
    for suite in report.get("testsuites", []):
        yield from suite.get("testsuite", [])


def rows_of_tests(step: str, outcome: str, report: Figures) -> Iterator[Row]:
    tests = list(tests_of(report))
    failed = [f"{test['classname']}.{test['name']}" for test in tests if "failures" in test]
    skipped = sum(test.get("result") == "SKIPPED" for test in tests)
    passed = sum(test.get("result") == "COMPLETED" for test in tests) - len(failed)
    measured = f"{passed} passed, {len(failed)} failed, {skipped} skipped"
    if outcome != "passed" and not failed:
        measured += f"; {outcome}"
    yield Row(f"{step}: tests", measured, "all pass", outcome == "passed" and passed > 0)
    yield from (Row(f"{step}:", f"{name} failed", "", False) for name in failed[:12])
    for test in tests:
        name = f"{test['name'].partition('/')[0]} {test['name'].rpartition('/')[2]}"
        for key, value in test.items():
            if key.startswith("cosine_min"):
                yield Row(f"{step}: {name} {key.removeprefix('cosine_min')}".rstrip(" _"), value)
            elif key.endswith("bytes_lost"):
                yield Row(f"{step}: {name} {key.replace('_', ' ')}", value)


def better(rows: list[Figures], key: str, **wanted: Any) -> Figures:
    """The row with the most of `key` among those that are as wanted."""
    fitting = [row for row in rows if all(row.get(name) == is_ for name, is_ in wanted.items())]
    return max(fitting, key=lambda row: row[key], default={})


def rows_of_throughput(name: str, figures: Figures, aim: float) -> Iterator[Row]:
    for number_format, measured in figures.get("formats", {}).items():
        rates = measured.get("throughput", [])
        if not isinstance(rates, list) or not rates:
            yield Row(f"{name} {number_format}", str(rates or "nothing"), "", False)
            continue
        for tokens in sorted({row["tokens"] for row in rates}):
            best = better(rates, "tokens_per_second", tokens=tokens)
            reached = best["tokens_per_second"]
            aimed = tokens == 128
            yield Row(f"{name} {number_format}, {tokens} tokens",
                      f"{reached / 1e6:.2f} M tokens/s, {best['texts_per_second']:.0f} texts/s, "
                      f"quanta of {best['quantum']}",
                      f"{aim / 1e6:.1f} M at 128" if aimed else "",
                      reached >= aim if aimed else None)
        for row in measured.get("phases", []):
            times = row["microseconds"]
            parts = ", ".join(f"{part} {us:.0f}" for part, us in times.items()
                              if part != "everything")
            yield Row(f"{name} {number_format}, {row['rows']} rows",
                      f"{times['everything']:.0f} us; {parts}; products at "
                      f"{row['tflops_of_products']:.0f} TFLOP/s")


def rows_of_high_text(figures: Figures) -> Iterator[Row]:
    for number_format, measured in figures.get("formats", {}).items():
        smallest = [row for row in measured.get("phases", []) if row["rows"] == 32]
        for row in smallest:
            us = row["microseconds"]["everything"]
            yield Row(f"32 tokens on the GPU, {number_format}", f"{us:.1f} us",
                      f"{HIGH_TEXT_US} us", us <= HIGH_TEXT_US)
        for row in measured.get("overhead", []):
            yield Row(f"a quantum of {row['bucket']}, {number_format}",
                      f"queued in {row['queue_us']:.1f} us, there after {row['done_us']:.1f} us")


def rows_of_latency(latency: Figures, throughput: Figures) -> Iterator[Row]:
    rows = latency.get("formats", {}).get("bf16", {}).get("latency", [])
    alone_rates = throughput.get("formats", {}).get("bf16", {}).get("throughput", [])
    if not isinstance(rows, list):
        yield Row("HIGH beside LOW", str(rows), "", False)
        return
    for quantum, tokens in sorted({(row["quantum"], row["tokens"]) for row in rows}):
        here = {row["beside"]: row for row in rows
                if (row["quantum"], row["tokens"]) == (quantum, tokens)}
        alone = here.get("nothing")
        for beside, row in here.items():
            measured = " / ".join(f"{row[key]:.0f}" for key in ("p50_us", "p99_us", "p999_us"))
            name = f"HIGH of {tokens} beside {beside}, quanta of {quantum}"
            if beside != "low" or not alone:
                yield Row(name, f"{measured} us")
                continue
            aim = max(BESIDE_LOW_RATIO * alone["p99_us"], alone["p99_us"] + BESIDE_LOW_US)
            yield Row(name, f"{measured} us", f"p99 {aim:.0f} us", row["p99_us"] <= aim)
            only = better(alone_rates, "tokens_per_second", quantum=quantum, tokens=128,
                          threads=LOW_THREADS)
            if only:
                kept = row["low_tokens_per_second"] / only["tokens_per_second"]
                yield Row(f"LOW of {quantum} beside that HIGH", f"{100 * kept:.0f} % of LOW only",
                          f"{100 * LOW_KEPT:.0f} %", kept >= LOW_KEPT)


def rows_of_baseline(figures: Figures) -> Iterator[Row]:
    for row in figures.get("rows", []):
        yield Row(f"PyTorch {row['how']}, bf16, {row['texts']} x {row['tokens']} tokens",
                  f"{row['us']:.0f} us, {row['tokens_per_second'] / 1e6:.2f} M tokens/s")


def rows_of(folder: Path, outcomes: dict[str, str], judge_speed: bool) -> list[Row]:
    """`outcomes` are those of steps, by their names. A played device is not judged by its speed."""
    rows: list[Row] = []
    throughput = read(folder / "throughput.json")
    readers: dict[str, Callable[[Figures], Iterator[Row]]] = {
        "throughput": lambda figures: iter(
            [*rows_of_throughput("MiniLM", figures, MINILM_TOKENS_PER_SECOND),
             *rows_of_high_text(figures)]),
        "base": lambda figures: rows_of_throughput("BERT-base", figures, BASE_TOKENS_PER_SECOND),
        "latency": lambda figures: rows_of_latency(figures, throughput),
        "baseline": rows_of_baseline,
    }
    for step, outcome in outcomes.items():
        report = read(folder / f"{step}.json")
        if outcome.startswith("left out"):
            rows.append(Row(step, outcome))
        elif step in readers:
            if outcome != "passed":
                rows.append(Row(step, outcome, "", False))
            rows += [row if judge_speed else replace(row, good=None)
                     for row in readers[step](report)]
        else:
            rows += rows_of_tests(step, outcome, report)
    return rows


def table(rows: list[Row]) -> str:
    marks = {True: "reached", False: "NOT", None: ""}
    cells = [("figure", "aim", "", "measured")] + [
        (row.name, row.aim, marks[row.good], row.measured) for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    return "".join("  ".join([*(text.ljust(width) for text, width in zip(cell, widths,
                                                                         strict=False)),
                              cell[3]]).rstrip() + "\n" for cell in cells)
