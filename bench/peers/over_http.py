#!/usr/bin/env python3
"""What HTTP costs, and whether the lanes hold over it. ./dev bench http.

Without a model: requests a second, and the processor time that hilo-http takes for one. With the
model: LOW by requests of 64 texts beside LOW through shared memory, and HIGH texts that arrive at
random moments while LOW is off, floods, or floods beside a crowd of slow connections. infinity,
where it is installed, has the same HIGH and the same flood. Conditions take turns in slices of
seconds, in random order, so that a slow minute of the machine hits all alike.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import http_report as report
import isolation_figures as figures
import lanes
import texts
from arrangements import NotRun, end_with_parent
from http_load import Crowd, HighClient, Wrk, write_bodies
from http_servers import LowMeter, Server, serve_hilo, serve_rival
from isolation_result import Stolen
from progress import Bar
from worker import Process

ROOT = Path(__file__).resolve().parents[2]
TEXTS_OF_A_BODY = 64
FLOODING_CONNECTIONS = 4
CONNECTIONS_WITHOUT_MODEL = 64
SECONDS_TO_SETTLE = 0.7
SECONDS_TO_DRAIN_MAX = 90
LOTS = 64  # Different bodies of LOW.
OFF, FLOOD, CROWD = "off", "flood", "flood, crowd"
IN_PROCESS, BASE64, FLOAT = "shared memory", "HTTP, base64", "HTTP, float"


@dataclass(frozen=True)
class Condition:
    """HIGH at a rate beside a LOW, or LOW alone by a way."""

    server: str
    low: str
    per_second: float = 0


@dataclass
class Measured:
    ms_of_slices: list[list[float]] = field(default_factory=list)
    failed: int = 0
    low_rates: list[float] = field(default_factory=list)


class Benchmark:
    def __init__(self, arguments: argparse.Namespace, folder: Path, bar: Bar) -> None:
        self._of, self._folder, self._bar = arguments, folder, bar
        self._texts = texts.of_lanes(arguments.corpus, arguments.questions)
        chance = random.Random(2)
        lots = [chance.choices(self._texts["low"], k=TEXTS_OF_A_BODY) for _ in range(LOTS)]
        self._bodies = {encoding: write_bodies(folder / encoding, lots, encoding)
                        for encoding in ("float", "base64")}
        self._single = write_bodies(folder / "single", self._texts["high"], "float")
        self.measured: dict[Condition, Measured] = {}
        self.servers: dict[str, Server] = {}
        self.not_run: dict[str, str] = {}
        self._in_process: Process | None = None
        tokenizer = texts.tokenizer(arguments.model)
        self._tokens_of_lot = sum(len(encoding.ids) for lot in lots
                                  for encoding in tokenizer.encode_batch(lot)) / LOTS

    # ---- what a request costs

    def requests(self) -> list[dict]:
        """Single texts, as fast as they go, without a model and with one."""
        found = []
        ways = [("null", ["--backend", "null"], CONNECTIONS_WITHOUT_MODEL),
                ("echo", ["--backend", "echo"], CONNECTIONS_WITHOUT_MODEL),
                (self._of.precision, self._with_model(), 1)]
        for name, options, connections in ways:
            self._bar.say(f"single texts, backend {name}, {connections} connections")
            server = serve_hilo(self._of.hilo, f"single {name}", self._folder, *options)
            try:
                self._flood(server, self._single, connections, 1).result()  # Warm.
                before = server.front_end_seconds()
                told = self._flood(server, self._single, connections,
                                   self._of.request_seconds).result()
                spent = server.front_end_seconds() - before
            finally:
                server.end()
            found.append({"backend": name, "connections": connections, **told,
                          "cpu_us": spent / told["requests"] * 1e6})
        return found

    def _flood(self, server: Server, bodies: Path, connections: int, seconds: float) -> Wrk:
        path = server.high_path if bodies == self._single else server.low_path
        return Wrk(server.port, path, bodies, connections, min(2, connections), seconds)

    def _with_model(self) -> list[str | Path]:
        return ["--model", self._of.model, "--precision", self._of.precision]

    # ---- lanes

    def start(self) -> None:
        hilo = serve_hilo(self._of.hilo, "hilo", self._folder, *self._with_model())
        self.servers["hilo"] = hilo
        self._meter = LowMeter(self._of.hilo, hilo)
        self._in_process = Process("LOW through shared memory", [
            self._of.hilo_lane, "--socket", hilo.socket, "--lane", "low"], end_with_parent)
        self._in_process.ask("start", texts=self._texts)
        if self._of.no_rival:
            return
        try:
            self._bar.say("infinity is starting")
            self.servers["infinity"] = serve_rival(self._of.infinity, self._of.model)
        except (NotRun, OSError) as reason:
            self._bar.say(f"infinity is not compared: {reason}")
            self.not_run["infinity"] = str(reason)

    def plan(self) -> list[tuple[Condition, float, int]]:
        """Condition, seconds and HIGH texts of each slice, in order."""
        of = self._of
        slices: dict[tuple[Condition, float, int], int] = {}
        for way in (IN_PROCESS, BASE64, FLOAT):
            slices[(Condition("hilo", way), of.low_seconds / of.pieces, 0)] = of.pieces
        for name in self.servers:
            for low in (OFF, FLOOD, CROWD) if name == "hilo" else (OFF, FLOOD):
                for rate, count in of.rates.items():
                    pieces = max(1, round(count / rate / of.slice_seconds))
                    each = -(-count // pieces)
                    slices[(Condition(name, low, rate), each / rate, each)] = pieces
        return figures.interleaved(slices, random.Random(of.seed))

    def run_slice(self, condition: Condition, seconds: float, count: int) -> None:
        to = self.measured.setdefault(condition, Measured())
        if count:
            self._run_high(condition, seconds, count, to)
        else:
            to.low_rates.append(self._run_low(condition.low, seconds))

    def _run_low(self, way: str, seconds: float) -> float:
        """Tokens a second, as the engine tells."""
        begin = time.monotonic() + SECONDS_TO_SETTLE
        if way == IN_PROCESS:
            assert self._in_process
            self._in_process.tell("slice", low={"begin": begin, "end": begin + seconds,
                                                "interval": 0, "batch": None})
            end = self._in_process.answer
        else:
            bodies = self._bodies["float" if way == FLOAT else "base64"]
            end = self._flood(self.servers["hilo"], bodies, FLOODING_CONNECTIONS,
                              seconds + SECONDS_TO_SETTLE + 1).result
        lanes.sleep_until(begin)
        before = self._meter.read()
        lanes.sleep_until(begin + seconds - 0.1)
        rate = LowMeter.rate(before, self._meter.read())
        end()
        return rate

    def _run_high(self, condition: Condition, seconds: float, count: int, to: Measured) -> None:
        server = self.servers[condition.server]
        crowd = (Crowd(server.port, server.low_path, self._of.crowd)
                 if condition.low == CROWD else None)
        flood = None
        if condition.low != OFF:
            flood = self._flood(server, self._bodies["base64"], FLOODING_CONNECTIONS,
                                seconds + SECONDS_TO_SETTLE + 1)
        client = HighClient(server.port, server.high_path)
        begin = time.monotonic() + SECONDS_TO_SETTLE
        lanes.warm_up(client, self._texts["high"])
        # From the same seeds for each server and LOW.
        chance = random.Random(f"{condition.per_second} {len(to.ms_of_slices)}")
        chosen = chance.choices(self._texts["high"], k=count)
        ms = lanes.Arrivals(client, chosen, begin, figures.poisson(count, seconds, chance)).run()
        to.ms_of_slices.append([one for one in ms if one is not None])
        to.failed += ms.count(None)
        if flood:
            to.low_rates.append(flood.result()["per_second"] * self._tokens_of_lot)
        if crowd:
            crowd.leave()

    def end(self) -> None:
        if self._in_process:
            self._in_process.end()
        for server in self.servers.values():
            server.end()


def run(arguments: argparse.Namespace, folder: Path) -> dict:
    stolen, bar = Stolen(), Bar(1, "http")
    benchmark = Benchmark(arguments, folder, bar)
    try:
        requests = benchmark.requests()
        benchmark.start()
        plan = benchmark.plan()
        bar = Bar(sum(seconds + SECONDS_TO_SETTLE for _, seconds, _ in plan), "http")
        for condition, seconds, count in plan:
            bar.show(f"{condition.server}, LOW {condition.low}")
            benchmark.run_slice(condition, seconds, count)
            bar.advance(seconds + SECONDS_TO_SETTLE)
    finally:
        benchmark.end()
    return {"precision": arguments.precision, "stolen_share": stolen.share(),
            "crowd": arguments.crowd, "requests": requests, "not_run": benchmark.not_run,
            **report.figures_of(benchmark.measured, low_alone=(IN_PROCESS, BASE64, FLOAT),
                                off=OFF)}


def rates_of(text: str) -> dict[float, int]:
    """"5:250,20:1000": HIGH texts a second, and how many of them."""
    return {float(rate): int(count) for rate, count in
            (pair.split(":") for pair in text.split(","))}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    option: Callable = parser.add_argument
    option("--model", type=Path, required=True, help="Hugging Face model folder")
    option("--precision", default="int8", help="hilo's")
    option("--rates", default="5:300,20:1200", type=rates_of,
           help="RATE:TEXTS, HIGH texts a second and how many beside each LOW")
    option("--low-seconds", type=float, default=24, help="of LOW alone, each way")
    option("--request-seconds", type=float, default=8, help="of single texts")
    option("--slice-seconds", type=float, default=10, help="about")
    option("--pieces", type=int, default=4, help="slices of LOW alone, each way")
    option("--crowd", type=int, default=2000, help="slow LOW connections")
    option("--quick", action="store_true", help="seconds, to see that it works")
    option("--no-rival", action="store_true", help="hilo alone")
    option("--seed", type=int, default=1, help="of the order of slices")
    option("--corpus", type=Path, default=ROOT / "tests/golden/packages.txt",
           help="lines that LOW's texts are made of")
    option("--questions", type=Path, default=Path(__file__).with_name("questions.txt"),
           help="lines that are HIGH's texts")
    option("--hilo", type=Path, default=ROOT / "build/release/bin/hilo")
    option("--hilo-lane", type=Path, default=ROOT / "build/release/bin/hilo-bench-lane")
    option("--infinity", type=Path, help="the program infinity_emb")
    option("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    installed = ROOT / "build/peers/infinity/bin/infinity_emb"
    if arguments.infinity is None and installed.exists():
        arguments.infinity = installed
    if arguments.quick:
        arguments.rates = {rate: 20 for rate in arguments.rates}
        arguments.low_seconds, arguments.pieces = 2, 1
        arguments.request_seconds = arguments.slice_seconds = 1
    return arguments


def main() -> None:
    arguments = parsed()
    lanes.be_punctual()
    with tempfile.TemporaryDirectory(prefix="hilo-http.") as folder:
        result = run(arguments, Path(folder))
    print(report.tables(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
