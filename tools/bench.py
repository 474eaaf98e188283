#!/usr/bin/env python3
"""Runs a benchmark, shows its table, and keeps its figures with all that is needed to judge them.

A benchmark is a program that prints a table for people and, given `--json FILE`, writes its
figures. This adds machine, commit, date and command, as bench/results/NAME-COMMIT-TIME.json.
"""

import argparse
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = "build/release/bin/"
RIVALS_PYTHON = "build/peers/environment/bin/python"  # ./dev makes it for those that use it.
# name -> what it measures, command. {model} is the demo model's folder.
BENCHES = {
    "ipc": ("submit to completion, echo backend, from C", [BIN + "hilo-bench-ipc"]),
    "ipc-python": ("the same from Python", ["python", "bench/ipc_python.py"]),
    "throughput": ("texts and tokens per second by length",
                   [BIN + "hilo-bench-throughput", "--model", "{model}"]),
    "latency": ("one HIGH text at a time, hot and cold, on one core and on all",
                [BIN + "hilo-bench-latency", "--model", "{model}"]),
    "isolation": ("HIGH beside no LOW, half of it and all of it; hilo and what one has without it",
                  [RIVALS_PYTHON, "bench/peers/isolation.py", "--model", "{model}",
                   "--plot", "bench/results/isolation.svg"]),
    "http": ("what HTTP costs, and HIGH over HTTP beside a flood and a crowd of LOW",
             ["python", "bench/peers/over_http.py", "--model", "{model}"]),
    "preemption": ("what each part of LOW's giving way is worth",
                   [BIN + "hilo-bench-preemption", "--model", "{model}"]),
    "peers": ("hilo and its rivals on the same texts, in turns",
              [RIVALS_PYTHON, "bench/peers/compare.py", "--model", "{model}",
               "--plot", "bench/results/peers.svg"]),
    "quality": ("how much of the fp32 vectors each precision keeps, rivals' too",
                [RIVALS_PYTHON, "bench/peers/quality.py", "--model", "{model}"]),
    "tokenizer": ("the tokenizer by script, text length and cache, and Hugging Face tokenizers",
                  ["python", "bench/tokenizer.py"]),
    "peaks": ("the most that these cores can compute, by instruction", [BIN + "hilo-bench-peaks"]),
}


def commands() -> dict[str, tuple[str, list[str]]]:
    """The benchmarks above, and the Google Benchmark programs of modules that were built."""
    found = dict(BENCHES)
    for program in sorted(ROOT.glob(BIN + "*_bench")):
        found.setdefault(program.stem.removesuffix("_bench"),
                         ("functions of this module, by Google Benchmark", [BIN + program.name]))
    return found


def output_of(command: list[str]) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine() -> dict[str, object]:
    models = [line.split(":", 1)[1].strip()
              for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],  # A busy machine explains a strange figure.
    }


def commit() -> str:
    name = output_of(["git", "rev-parse", "--short=10", "HEAD"]) or "unknown"
    changed = output_of(["git", "status", "--porcelain", "--untracked-files=no"])
    return name + ("-changed" if changed else "")


def run(name: str, command: list[str], extra: list[str]) -> int:
    command = [part.format(model=os.environ.get("HILO_MODEL", "")) for part in command] + extra
    result = {
        "benchmark": name,
        "command": " ".join(command).replace(os.environ.get("HILO_MODEL") or "\0", "MODEL"),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
    }
    with tempfile.NamedTemporaryFile(suffix=".json") as figures:
        google = command[0].endswith("_bench")
        command += ([f"--benchmark_out={figures.name}", "--benchmark_out_format=json"] if google
                    else ["--json", figures.name])
        # An interrupt is for the benchmark, which may have figures to tell.
        signal.signal(signal.SIGINT, lambda *_: None)
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status != 0:
            print(f"bench: {name} ended with status {status}", file=sys.stderr)
            return 1
        result["figures"] = json.load(figures)
    time = datetime.datetime.now().strftime("%Y%m%dT%H%M%S")
    path = ROOT / "bench" / "results" / f"{name}-{result['commit']}-{time}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{result['machine']['cpu']}, {result['machine']['cores']} cores; "
          f"kept in {path.relative_to(ROOT)}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", help="without one, the benchmarks are listed")
    arguments, extra = parser.parse_known_args()
    known = commands()
    if arguments.name in known:
        return run(arguments.name, known[arguments.name][1], extra)
    for name, (purpose, _) in known.items():
        print(f"  {name:<12} {purpose}")
    return 1 if arguments.name else 0


if __name__ == "__main__":
    sys.exit(main())
