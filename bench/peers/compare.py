#!/usr/bin/env python3
"""hilo and its rivals on the same texts in the same minutes: ./dev bench peers.

Every engine has a process of its own. A round gives each of them one turn at everything, so a slow
minute of the machine hits all alike; the table has the medians of all rounds. Rivals run at the
batch size that was fastest for them in a trial before the first round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import engines
import figures
import numpy as np
import plot
import prepare
import texts
from worker import Worker

ROOT = Path(__file__).resolve().parents[2]
# Column of the table -> which texts, and whether an engine may sort them by length first.
COLUMNS = {
    "32 tokens": ("32 tokens", False),
    "mix, arrival": ("natural mix", False),
    "mix, sorted": ("natural mix", True),
    "256 tokens": ("256 tokens", False),
}
SINGLE_SHAPE = "32 tokens"
HOT_TEXTS, WARM_UP_TEXTS, COLD_TEXTS, COLD_IDLE_MS = 200, 30, 10, 50.0
TRIAL_SHARE = 0.15
# Vectors this far apart are not those of the same model.
COSINE_MIN = 0.9


def say(words: str) -> None:
    print(f"peers: {words}", file=sys.stderr, flush=True)


@dataclass
class Measured:
    """What one engine did, a value for each round."""

    batch: dict[str, int | None] = field(default_factory=dict)
    tokens_per_second: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hot_ms: list[list[float]] = field(default_factory=list)
    cold_ms: list[list[float]] = field(default_factory=list)

    def rate(self, column: str) -> float:
        return statistics.median(self.tokens_per_second[column])

    def hot(self, share: float) -> float:
        return figures.quantile([ms for run in self.hot_ms for ms in run], share)

    def cold(self) -> float:
        return figures.quantile([ms for run in self.cold_ms for ms in run], 0.5)


def start_workers(arguments: argparse.Namespace, rivals: Path,
                  shapes: dict[str, list[str]]) -> tuple[list[Worker], dict[str, str]]:
    """The engines that run here, and why the others do not."""
    running, refused = [], {}
    for name in arguments.engines:
        python = arguments.hilo_python if name.startswith("hilo") else sys.executable
        worker = Worker(python, name, arguments.model, rivals, shapes)
        if worker.refused is None:
            running.append(worker)
        else:
            refused[name] = worker.refused
            say(f"{name} does not run: {worker.refused}")
            worker.end()
    return running, refused


def check_vectors(workers: list[Worker]) -> None:
    """All engines compute the same model, or nothing here means anything."""
    with tempfile.TemporaryDirectory() as folder:
        first = None
        for worker in workers:
            worker.ask("vectors", shape="natural mix", count=20, path=f"{folder}/vectors.npy")
            vectors = np.load(f"{folder}/vectors.npy")
            first = vectors if first is None else first
            cosine = float((vectors * first).sum(axis=1).min())
            if cosine < COSINE_MIN:
                raise SystemExit(f"peers: a vector of {worker.name} is only {cosine:.3f} like that "
                                 f"of {workers[0].name}: they do not compute the same model")


def choose_batches(worker: Worker, measured: Measured) -> None:
    """The fastest batch size of each column, from a short trial of each, which also warms up."""
    candidates = worker.ask("batches")["batches"]
    for column, (shape, by_length) in COLUMNS.items():
        seconds = {}
        for batch in candidates:
            turns = [worker.ask("bulk", shape=shape, by_length=by_length, batch=batch,
                                share=TRIAL_SHARE)["seconds"] for _ in range(3)]
            seconds[batch] = min(turns)
        measured.batch[column] = min(seconds, key=seconds.__getitem__)


def take_turn(worker: Worker, measured: Measured, tokens: dict[str, int]) -> None:
    for column, (shape, by_length) in COLUMNS.items():
        seconds = worker.ask("bulk", shape=shape, by_length=by_length,
                             batch=measured.batch[column], share=1)["seconds"]
        measured.tokens_per_second[column].append(tokens[shape] / seconds)
    worker.ask("single", shape=SINGLE_SHAPE, count=WARM_UP_TEXTS, idle_ms=0)
    hot = worker.ask("single", shape=SINGLE_SHAPE, count=HOT_TEXTS, idle_ms=0)
    cold = worker.ask("single", shape=SINGLE_SHAPE, count=COLD_TEXTS, idle_ms=COLD_IDLE_MS)
    measured.hot_ms.append(hot["ms"])
    measured.cold_ms.append(cold["ms"])


def machine_peaks(program: Path) -> dict[str, float]:
    """10^9 operations a second of all cores, by instruction."""
    with tempfile.NamedTemporaryFile(suffix=".json") as written:
        subprocess.run([program, "--seconds", "0.1", "--runs", "2", "--json", written.name],
                       check=True, stdout=subprocess.DEVNULL)
        return json.load(written)


def table_of_engines(measured: dict[str, Measured], refused: dict[str, str],
                     names: list[str]) -> str:
    head = ["tokens/s (spread)", *COLUMNS, "one text p50", "p99", "cold p50"]
    rows = []
    for name in names:
        if name in refused:
            rows.append([name, f"did not run: {refused[name]}"])
            continue
        of = measured[name]
        rates = [f"{of.rate(column):,.0f} ({figures.spread(of.tokens_per_second[column]):.0%})"
                 for column in COLUMNS]
        rows.append([name, *rates, f"{of.hot(0.5):.2f} ms", f"{of.hot(0.99):.2f} ms",
                     f"{of.cold():.2f} ms"])
    return figures.table(head, rows)


def comparisons(measured: dict[str, Measured]) -> dict[str, dict[str, dict]]:
    """For each of hilo's precisions and each column: the best rival, and hilo's rate over its."""
    precisions = {name: engines.ENGINES[name][0] for name in measured}
    # What a column's name says, and hilo as texts arrive against rivals that sort.
    pairs = {**{column: (column, column) for column in COLUMNS},
             "arrival to sorted": ("mix, arrival", "mix, sorted")}
    found: dict[str, dict[str, dict]] = {}
    for name in (name for name in measured if name.startswith("hilo")):
        found[name] = {}
        for label, (own, rivals) in pairs.items():
            best = figures.best_rival({other: of.rate(rivals) for other, of in measured.items()},
                                      precisions, precisions[name])
            if best:
                found[name][label] = {"rival": best[0],
                                      "times": measured[name].rate(own) / best[1]}
        best = figures.best_rival({other: 1 / of.hot(0.5) for other, of in measured.items()},
                                  precisions, precisions[name])
        if best:
            found[name]["one text p50"] = {"rival": best[0],
                                           "times": 1 / measured[name].hot(0.5) / best[1]}
    return found


def table_of_comparisons(found: dict[str, dict[str, dict]]) -> str:
    labels = [*COLUMNS, "arrival to sorted", "one text p50"]
    rows = [[name, *(f"{of[label]['times']:.2f} {of[label]['rival']}" for label in labels)]
            for name, of in found.items() if len(of) == len(labels)]
    return figures.table(["times the best rival", *labels], rows) if rows else ""


def shares_of_peak(measured: dict[str, Measured], peaks: dict[str, float], model: Path,
                   lengths: dict[str, list[int]]) -> dict[str, dict[str, float]]:
    """hilo's useful operations a second over the peak of each instruction for its precision."""
    config = json.loads((model / "config.json").read_text())
    instructions = {"fp32": ["fma_avx2", "fma"], "bf16": ["bf16", "amx_bf16"],
                    "int8": ["vnni", "amx_int8"]}
    shares: dict[str, dict[str, float]] = {}
    for name in (name for name in measured if name.startswith("hilo")):
        for instruction in instructions[engines.ENGINES[name][0]]:
            if instruction not in peaks:
                continue
            shares[f"{name} of {instruction}"] = {
                column: (measured[name].rate(column) / sum(lengths[shape])
                         * figures.operations(config, lengths[shape]) / 1e9 / peaks[instruction])
                for column, (shape, _) in COLUMNS.items()}
    return shares


def run(arguments: argparse.Namespace) -> dict:
    rivals = prepare.prepared(arguments.model, arguments.corpus, arguments.build)
    shapes = texts.shapes(arguments.corpus, arguments.model, arguments.scale)
    tokenizer = texts.tokenizer(arguments.model)
    lengths = {shape: [len(encoding.ids) for encoding in tokenizer.encode_batch(of)]
               for shape, of in shapes.items()}
    tokens = {shape: sum(of) for shape, of in lengths.items()}
    workers, refused = start_workers(arguments, rivals, shapes)
    check_vectors(workers)
    measured = {worker.name: Measured() for worker in workers}
    for worker in workers:
        say(f"{worker.name}: warming up, and choosing its batch sizes")
        choose_batches(worker, measured[worker.name])
    peaks_of_rounds = []
    for i in range(arguments.rounds):
        say(f"round {i + 1} of {arguments.rounds}")
        peaks_of_rounds.append(machine_peaks(arguments.peaks))
        # Another engine is first in each round: the first may find the machine cooler.
        for worker in workers[i % len(workers):] + workers[:i % len(workers)]:
            take_turn(worker, measured[worker.name], tokens)
    for worker in workers:
        worker.end()
    peaks = {name: max(of[name] for of in peaks_of_rounds) for name in peaks_of_rounds[0]}
    found = comparisons(measured)
    shares = shares_of_peak(measured, peaks, arguments.model, lengths)
    print(table_of_engines(measured, refused, arguments.engines))
    print(f"\n{table_of_comparisons(found)}\n")
    print(figures.table(["share of peak", *COLUMNS],
                        [[name, *(f"{share:.0%}" for share in of.values())]
                         for name, of in shares.items()]))
    print("peaks, 10^9 operations a second of all cores: "
          + ", ".join(f"{name} {peak:,.0f}" for name, peak in peaks.items()))
    return {
        "texts": {shape: {"texts": len(of), "tokens": tokens[shape]}
                  for shape, of in shapes.items()},
        "engines": {name: {
            "batch": of.batch,
            "tokens_per_second": {column: of.rate(column) for column in COLUMNS},
            "tokens_per_second_of_rounds": of.tokens_per_second,
            "one_text_ms": {"p50": of.hot(0.5), "p99": of.hot(0.99), "cold_p50": of.cold()},
            "one_text_p50_ms_of_rounds": [figures.quantile(ms, 0.5) for ms in of.hot_ms],
        } for name, of in measured.items()},
        "refused": refused,
        "times_the_best_rival": found,
        "peaks": peaks,
        "peaks_of_rounds": peaks_of_rounds,
        "shares_of_peak": shares,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face model folder")
    parser.add_argument("--corpus", type=Path, default=ROOT / "tests/golden/packages.txt",
                        help="lines that the texts are made of")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="share of the usual texts")
    parser.add_argument("--engines", nargs="+", default=list(engines.ENGINES),
                        choices=list(engines.ENGINES), metavar="NAME")
    parser.add_argument("--hilo-python", default="python", help="a Python that has hilo")
    parser.add_argument("--build", type=Path, default=ROOT / "build/peers",
                        help="where the rivals' models are kept")
    parser.add_argument("--peaks", type=Path, default=ROOT / "build/release/bin/hilo-bench-peaks")
    parser.add_argument("--plot", type=Path, help="draw the table as an SVG file")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    result = run(arguments)
    if arguments.plot:
        plot.draw(result, list(COLUMNS), arguments.plot)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
