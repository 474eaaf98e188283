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
import signal
import tempfile
from pathlib import Path

import isolation_report as report
import plot
import prepare
import texts
from arrangements import HILO, OTHERS, Setup
from isolation_result import Stolen, result_of
from isolation_run import LOADS, Benchmark, seconds_of_slice
from progress import Bar

ROOT = Path(__file__).resolve().parents[2]


def keep(result: dict, path: Path) -> None:
    """All of it or, if this is interrupted, what was there before."""
    unfinished = path.with_suffix(".writing")
    unfinished.write_text(json.dumps(result, indent=2) + "\n")
    unfinished.replace(path)


def run(arguments: argparse.Namespace) -> dict:
    rivals = Path()
    if not all(name.startswith("hilo") for name in arguments.arrangements):
        rivals = prepare.prepared(arguments.model, arguments.corpus, arguments.build)
    with tempfile.TemporaryDirectory(prefix="hilo-isolation.") as folder:
        setup = Setup(arguments.model, rivals, arguments.hilo, arguments.hilo_lane,
                      arguments.hilo_python, arguments.infinity,
                      texts.of_lanes(arguments.corpus, arguments.questions), Path(folder))
        benchmark = Benchmark(arguments, setup)

        def stop(*_: object) -> None:
            benchmark.stopped = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        try:
            bar = Bar(1, "isolation")
            benchmark.start(bar)
            plan = benchmark.plan()
            planned = sum(seconds_of_slice(condition, seconds) for condition, seconds, _ in plan)
            bar = Bar(planned, "isolation")
            bar.say(f"{len(plan)} slices, {planned / 60:.0f} min")
            stolen = Stolen()
            benchmark.run(bar, plan, lambda: keep(result_of(benchmark, stolen, complete=False),
                                                  arguments.unfinished))
            bar.say("stopped: these are the figures so far" if benchmark.stopped else "done")
            return result_of(benchmark, stolen, complete=not benchmark.stopped)
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
    parser.add_argument("--slice-seconds", type=float, default=10, help="about")
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS),
                        help="of LOW")
    parser.add_argument("--rivals", nargs="*", default=[""], metavar="WORD",
                        help="only those with one of these words in their names; none: hilo alone")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--seed", type=int, default=1, help="of the order of slices")
    parser.add_argument("--corpus", type=Path, default=ROOT / "tests/golden/packages.txt",
                        help="lines that LOW's texts are made of")
    parser.add_argument("--questions", type=Path,
                        default=Path(__file__).with_name("questions.txt"),
                        help="lines that are HIGH's texts")
    parser.add_argument("--build", type=Path, default=ROOT / "build/peers",
                        help="where the rivals' models are kept")
    parser.add_argument("--hilo", type=Path, default=ROOT / "build/release/bin/hilo")
    parser.add_argument("--hilo-lane", type=Path,
                        default=ROOT / "build/release/bin/hilo-bench-lane")
    parser.add_argument("--hilo-python", default="python", help="a Python that has hilo")
    parser.add_argument("--infinity", type=Path, help="the program infinity_emb")
    parser.add_argument("--plot", type=Path,
                        help="draw the curves as an SVG file, if the run is whole and not quick")
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
    arguments.arrangements = [f"hilo {precision}" for precision in arguments.precision.split(",")]
    if unknown := set(arguments.arrangements) - set(HILO):
        parser.error(f"--precision knows {', '.join(HILO)}, not {', '.join(unknown)}")
    arguments.arrangements += [name for name in OTHERS
                               if any(word in name for word in arguments.rivals)]
    return arguments


def main() -> None:
    arguments = parsed()
    result = run(arguments)
    keep(result, arguments.unfinished)
    print(report.tables(result))
    if arguments.plot and result["complete"] and not arguments.quick:
        plot.draw_distributions(result, arguments.plot)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    arguments.unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
