"""tools/gpu_check.py with programs that only pretend: what it runs, what it makes of failures, and
the table.
"""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import gpu_figures
import pytest

CHECK = Path(__file__).resolve().parent / "gpu_check.py"

# A program that writes what it is told to where it is told to.
PRETEND = """#!{python}
import json, os, signal, sys
answers = json.loads({answers!r})
options = dict(zip(sys.argv[1:], sys.argv[2:]))
path = options.get("--json") or sys.argv[2].removeprefix("--gtest_output=json:")
answer = answers.get(path.rpartition("/")[2], {{}})
if answer == "hang":
    signal.pause()
if isinstance(answer, int):
    sys.exit(answer)
open(path, "w").write(json.dumps(answer))
print("ran with", os.environ["HILO_CUDA_PLUGIN"])
"""


def report(*tests: dict[str, str]) -> dict[str, object]:
    return {"testsuites": [{"testsuite": [
        {"classname": "Formats/DeviceKernels", "result": "COMPLETED", **test} for test in tests]}]}


def pretend(folder: Path, answers: dict[str, object]) -> None:
    for name in ("gpu_test", "hilo-bench-gpu"):
        program = folder / name
        program.write_text(PRETEND.format(python=sys.executable, answers=json.dumps(answers)))
        program.chmod(0o755)
    for name in ("libhilo_cuda.so", "libhilo_cuda_host.so"):
        (folder / name).touch()


def check(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, CHECK, "--programs", folder, "--out", folder / "out",
                           *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_one_failing_part_stops_no_other(tmp_path: Path) -> None:
    pretend(tmp_path, {"kernels.json": 7, "replay.json": report({"name": "Replayed/bf16"})})
    status, text = check(tmp_path, "--parts", "parity,replay")
    assert status == 1
    assert "kernels: tests" in text
    assert "ended with status 7" in text
    assert "replay: tests" in text.partition("figure")[2]
    assert "1 passed, 0 failed, 0 skipped" in text


def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    pretend(tmp_path, {"replay.json": "hang"})
    status, text = check(tmp_path, "--parts", "replay,isolation", "--limit", "3")
    assert status == 1
    assert "stopped after 3 s" in text
    assert "not run: the time for all parts is over" in text


def test_logs_and_results_are_packed(tmp_path: Path) -> None:
    pretend(tmp_path, {"replay.json": report({"name": "Replayed/bf16"})})
    assert check(tmp_path, "--parts", "replay")[0] == 0
    with tarfile.open(tmp_path / "out/gpu-check.tar.gz") as archive:
        names = {Path(name).name for name in archive.getnames()}
    assert {"machine.txt", "replay.log", "replay.json", "table.txt"} <= names


def test_without_a_gpu_nothing_is_run(tmp_path: Path) -> None:
    pretend(tmp_path, {"device.json": 1})
    status, text = check(tmp_path)
    assert status == 2
    assert "nothing to check here; --dry-run" in text
    assert "====" not in text


def test_a_dry_run_takes_the_played_plugin_and_no_sanitizer(tmp_path: Path) -> None:
    pretend(tmp_path, {"replay.json": report({"name": "Replayed/bf16"})})
    status, text = check(tmp_path, "--dry-run", "--parts", "replay,sanitizer")
    assert status == 0
    assert "left out: that takes a GPU" in text
    assert "libhilo_cuda_host.so" in (tmp_path / "out/replay.log").read_text()


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    pretend(tmp_path, {})
    status, text = check(tmp_path, "--parts", "parity,speed")
    assert status == 2
    assert "no part speed; there are parity" in text


# ---- The table


def test_failed_tests_are_named() -> None:
    rows = list(gpu_figures.rows_of_tests("kernels", "ended with status 1", report(
        {"name": "A/bf16"}, {"name": "B/bf16", "failures": "x"},
        {"name": "C", "result": "SKIPPED"})))
    assert rows[0].measured == "1 passed, 1 failed, 1 skipped"
    assert rows[0].good is False
    assert rows[1].measured == "Formats/DeviceKernels.B/bf16 failed"


def test_tests_that_were_all_skipped_are_no_success() -> None:
    [row] = gpu_figures.rows_of_tests("kernels", "passed",
                                      report({"name": "A", "result": "SKIPPED"}))
    assert row.good is False


def latency(alone_p99: float, beside_p99: float, low_rate: float) -> dict[str, object]:
    def row(beside: str, p99: float) -> dict[str, object]:
        return {"quantum": 2048, "tokens": 32, "beside": beside, "p50_us": 50, "p99_us": p99,
                "p999_us": p99, "low_tokens_per_second": low_rate}
    return {"formats": {"bf16": {"latency": [row("nothing", alone_p99), row("low", beside_p99)]}}}


@pytest.mark.parametrize(("alone", "beside", "low_rate", "good"), [
    (100, 125, 9e6, [True, True]), (100, 126, 9e6, [False, True]),
    (1000, 1100, 9e6, [True, True]), (100, 100, 8.9e6, [True, False])])
def test_aims_beside_low(alone: float, beside: float, low_rate: float, good: list[bool]) -> None:
    rates = {"formats": {"bf16": {"throughput": [
        {"quantum": 2048, "tokens": 128, "threads": 2, "tokens_per_second": 10e6},
        {"quantum": 2048, "tokens": 128, "threads": 1, "tokens_per_second": 12e6}]}}}
    rows = list(gpu_figures.rows_of_latency(latency(alone, beside, low_rate), rates))
    assert [row.good for row in rows if row.aim] == good


def test_the_best_quantum_counts_for_the_aim() -> None:
    rates = [{"quantum": quantum, "tokens": 128, "tokens_per_second": rate,
              "texts_per_second": rate / 128} for quantum, rate in ((2048, 16e6), (8192, 18e6))]
    [row] = gpu_figures.rows_of_throughput(
        "MiniLM", {"formats": {"bf16": {"throughput": rates}}}, 17e6)
    assert row.good
    assert "quanta of 8192" in row.measured


def test_the_table_lines_up() -> None:
    text = gpu_figures.table([gpu_figures.Row("a", "long enough", "1", True),
                              gpu_figures.Row("bbb", "x", "", None)])
    assert text.splitlines() == ["figure  aim           measured",
                                 "a       1    reached  long enough",
                                 "bbb                   x"]
