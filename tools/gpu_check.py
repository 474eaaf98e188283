#!/usr/bin/env python3
"""The first run on a machine with a GPU: tests, sanitizers and speed, whose figures are printed
beside what was aimed at, and all logs packed into one file.

It needs Python, a driver and cuBLASLt, and nothing of a checkout: gpu_test, hilo-bench-gpu and
libhilo_cuda.so may lie in one folder. A part that fails or takes too long is told of, and the next
one runs. --dry-run does the same on the device that is played on the host, in little.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import gpu_figures

PLUGIN = "libhilo_cuda.so"
PLAYED_PLUGIN = "libhilo_cuda_host.so"
CUBLAS = "libcublasLt.so.13"
# Tests that take long on the played device: large products, and the second format of encoders.
LONG_TESTS = "*minilm*:*base*:*large*:*DeviceEncoder*fp16:*DeviceLanes*fp16"
LITTLE = {"--shape": "tiny", "--quanta": "64", "--tokens": "16", "--high-tokens": "8",
          "--high-texts": "20", "--seconds": "0.02"}


@dataclass(frozen=True)
class Step:
    name: str
    command: list[str]
    limit_s: int
    takes_gpu: bool = False  # a real one


@dataclass(frozen=True)
class Part:
    what: str
    steps: list[Step]
    at_once: bool = False  # Where time is not what is measured.


@dataclass
class Kit:
    """Where the programs are, and where what they say goes."""
    programs: Path
    out: Path
    model: Path | None
    dry: bool
    limit_s: int
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, name: str) -> str:
        for folder in (self.programs, self.programs / "bin", self.programs / "lib"):
            if (folder / name).exists():
                return str(folder / name)
        raise SystemExit(f"gpu-check: there is no {name} in {self.programs}, nor in its bin or lib")

    def test(self, name: str, tests: str, limit_s: int, before: tuple[str, ...] = ()) -> Step:
        if self.dry and "-" not in tests:
            tests += f":-{LONG_TESTS}"
        result = self.out / f"{name}.json"
        return Step(name, [*before, self.program("gpu_test"), f"--gtest_filter={tests}",
                           f"--gtest_output=json:{result}"], limit_s, takes_gpu=bool(before))

    def bench(self, name: str, limit_s: int, **options: str) -> Step:
        given = {f"--{option.replace('_', '-')}": value for option, value in options.items()}
        if self.dry:
            given |= LITTLE
        elif self.model and "shape" not in options:
            given["--model"] = str(self.model)
        given["--json"] = str(self.out / f"{name}.json")
        # What a played device computes takes longer than a dry run may, and is not looked at.
        idle = ["env", "HILO_HOST_GPU_IDLE=1"] if self.dry else []
        arguments = [text for pair in given.items() for text in pair]
        return Step(name, [*idle, self.program("hilo-bench-gpu"), *arguments], limit_s)


def parts_of(kit: Kit) -> dict[str, Part]:
    return {
        "parity": Part("kernels, products and the whole encoder against the host", [
            kit.test("kernels", "*DeviceKernels.*", 120),
            kit.test("products", "*DeviceProducts.*", 150),
            kit.test("encoder", "*DeviceEncoder.*", 150),
            kit.test("refusals", "OnDevice.*:WithoutADevice.*", 60)], at_once=True),
        "replay": Part("recorded graphs against direct calls",
                       [kit.test("replay", "*DeviceLanes.Replayed*", 60)]),
        "throughput": Part("texts and tokens a second, and where the time goes", [
            kit.bench("throughput", 120, parts="throughput,phases,overhead"),
            kit.bench("base", 60, parts="throughput,phases", shape="base", quanta="2048,8192",
                      tokens="32,128,512", formats="bf16")]),
        "isolation": Part("both lanes at once, HIGH beside LOW, and what lives leave behind", [
            kit.test("lanes", "*DeviceLanes.Beside*:*DeviceLanes.Leave*", 90),
            kit.bench("latency", 120, parts="latency", formats="bf16", high_tokens="32",
                      high_texts="3000")]),
        "sanitizer": Part("compute-sanitizer's four tools on small tests",
                          sanitizer_steps(kit), at_once=True),
        "baseline": Part("the same model by PyTorch, where there is one", [
            Step("baseline", [sys.executable, str(Path(__file__).parent / "gpu_baseline.py"),
                              "--json", str(kit.out / "baseline.json")], 120, takes_gpu=True)]),
    }


def sanitizer_steps(kit: Kit) -> list[Step]:
    # What cuBLASLt does in shared memory is not ours to judge, and rows behind a batch are
    # multiplied without ever having been written. So only memcheck sees products.
    kernels = "*DeviceKernels.*"
    tests = {
        "memcheck": f"{kernels}:*DeviceProducts.*tiny*:*DeviceEncoder.*iny*",
        "racecheck": kernels,
        "initcheck": kernels,
        "synccheck": kernels,
    }
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    return [kit.test(name, filters, 100,
                     (tool, "--tool", name, "--error-exitcode", "9", "--print-limit", "20"))
            for name, filters in tests.items()]


# ---- running


def cublas_folders() -> Iterator[Path]:
    """Where cuBLASLt may be: with a toolkit, or as a Python package beside PyTorch."""
    roots = [Path("/usr/local/cuda/lib64"), *Path("/usr/local").glob("cuda-*/lib64"),
             Path("/usr/lib/x86_64-linux-gnu")]
    packages = [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    packages += Path("/opt").glob("*/.venv/lib/python3*/site-packages")
    roots += [folder for package in packages for folder in package.glob("nvidia/*/lib")]
    return (folder for folder in roots if (folder / CUBLAS).exists())


def environment_of(kit: Kit) -> dict[str, str]:
    libraries = [str(folder) for folder in cublas_folders()][:1]
    if not libraries and not kit.dry:
        print(f"gpu-check: {CUBLAS} was not found where it usually is; the loader may know better")
    # A driver that is mounted into a container may be in no folder that the loader looks into.
    libraries += [os.environ.get("LD_LIBRARY_PATH", ""), "/usr/local/nvidia/lib64"]
    environment = {**os.environ, "GTEST_COLOR": "no",
                   "HILO_CUDA_PLUGIN": kit.program(PLAYED_PLUGIN if kit.dry else PLUGIN),
                   "LD_LIBRARY_PATH": ":".join(filter(None, libraries))}
    if kit.model:
        environment["HILO_TEST_MODEL"] = str(kit.model)
    return environment


def outcome_of(command: list[str], log: Path, limit_s: float, environment: dict[str, str]) -> str:
    """"passed", or a clause that says why not. The command's whole output is in the log."""
    with log.open("wb") as file:
        file.write((" ".join(command) + "\n\n").encode())
        file.flush()
        try:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=environment,
                                       start_new_session=True)
        except OSError as error:
            return f"not started: {error.strerror}"
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"stopped after {limit_s:.0f} s"
    return "passed" if status == 0 else f"ended with status {status}"


def run_step(kit: Kit, step: Step, ends: float) -> str:
    if kit.dry and step.takes_gpu:
        return "left out: that takes a GPU"
    left = ends - time.monotonic()
    if left < 1:
        return "not run: the time for all parts is over"
    began = time.monotonic()
    outcome = outcome_of(step.command, kit.out / f"{step.name}.log", min(step.limit_s, left),
                         kit.environment)
    print(f"    {step.name:12} {outcome:24} {time.monotonic() - began:6.1f} s", flush=True)
    return outcome


def run_parts(kit: Kit, wanted: list[str]) -> dict[str, str]:
    ends = time.monotonic() + kit.limit_s
    outcomes: dict[str, str] = {}
    for name, part in parts_of(kit).items():
        if name not in wanted:
            continue
        print(f"==== {name}: {part.what}", flush=True)
        with ThreadPoolExecutor(len(part.steps) if part.at_once else 1) as pool:
            done = pool.map(lambda step: run_step(kit, step, ends), part.steps)
            outcomes |= zip([step.name for step in part.steps], done, strict=True)
    return outcomes


def describe_machine(kit: Kit) -> bool:
    """For the log: what a figure is worth depends on it. Returns whether there is a GPU."""
    lines = [f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"]
    lines += [f"{name}: {kit.environment.get(name, '')}"
              for name in ("HILO_CUDA_PLUGIN", "LD_LIBRARY_PATH", "HILO_TEST_MODEL")]
    query = "name,driver_version,memory.total,memory.used,clocks.sm,clocks.mem,power.draw"
    asked = ["nvidia-smi", f"--query-gpu={query}", "--format=csv"]
    outcome_of(asked, kit.out / "nvidia-smi.log", 20, kit.environment)
    step = kit.bench("device", 60, parts="device")
    outcome = outcome_of(step.command, kit.out / "device.log", step.limit_s, kit.environment)
    for name in ("nvidia-smi", "device"):
        lines += (kit.out / f"{name}.log").read_text(errors="replace").splitlines()[2:]
    (kit.out / "machine.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)
    return outcome == "passed"


def pack(folder: Path) -> Path:
    packed = folder / "gpu-check.tar.gz"
    packed.unlink(missing_ok=True)
    with tarfile.open(packed, "w:gz") as archive:
        for file in sorted(folder.iterdir()):
            if file != packed:
                archive.add(file, arcname=f"gpu-check/{file.name}")
    return packed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, required=True,
                        help="the folder with gpu_test, hilo-bench-gpu and libhilo_cuda.so")
    parser.add_argument("--model", type=Path, help="all-MiniLM-L6-v2; else random weights")
    parser.add_argument("--out", type=Path, required=True, help="where logs go")
    parser.add_argument("--parts", default="parity,replay,throughput,isolation,sanitizer",
                        help="those to run, in their own order, of %(default)s,baseline")
    parser.add_argument("--limit", type=int, default=1800, metavar="SECONDS",
                        help="for all parts together")
    parser.add_argument("--dry-run", action="store_true", help="on the played device, in little")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    kit = Kit(programs=arguments.programs.resolve(), out=arguments.out.resolve(),
              model=arguments.model.resolve() if arguments.model else None,
              dry=arguments.dry_run, limit_s=arguments.limit)
    wanted = arguments.parts.split(",")
    kit.environment = environment_of(kit)
    if unknown := set(wanted) - parts_of(kit).keys():
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts_of(kit))}")
    if not describe_machine(kit):
        print("gpu-check: there is nothing to check here; --dry-run tries the checks themselves")
        return 2
    outcomes = run_parts(kit, wanted)
    rows = gpu_figures.rows_of(kit.out, outcomes, judge_speed=not kit.dry)
    table = gpu_figures.table(rows)
    (kit.out / "table.txt").write_text(table)
    print(f"\n{table}\neverything is in {pack(kit.out)}")
    return 1 if any(row.good is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
