"""Whole programs whose vectors a GPU computes: one that is played on the host, by a plug-in that
`ninja -C build/release hilo_cuda_host_plugin` makes; HILO_CUDA_HOST names another.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, LIBRARY, LOW, OK, Client
from processes import HILO, ROOT, Engine, python, run_hilo

MODEL = ROOT / "tests/golden/families/distilbert"
HOST_PLUGIN = Path(
    os.environ.get("HILO_CUDA_HOST", ROOT / "build/release/lib/libhilo_cuda_host.so")
)
TEXTS = ["resize photos", "a", "the moon", "convert documents to a printed book", "", "zebra"]


@pytest.fixture(autouse=True)
def host_gpu(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is there unless a test says otherwise, and nobody else's engine."""
    if not HOST_PLUGIN.exists():
        pytest.fail(f"{HOST_PLUGIN} is missing: ninja -C build/release hilo_cuda_host_plugin")
    monkeypatch.setenv("HILO_CUDA_PLUGIN", str(HOST_PLUGIN))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))


@pytest.fixture(scope="module")
def expected() -> list[list[float]]:
    """The vectors of TEXTS as the CPU computes them."""
    return embedded(run_hilo("embed", "--model", MODEL, "--format", "jsonl", *TEXTS).stdout)


def embedded(lines: str) -> list[list[float]]:
    return [json.loads(line)["embedding"] for line in lines.splitlines()]


def check_near(vectors: list[list[float]], expected: list[list[float]]) -> None:
    for vector, wanted in zip(vectors, expected, strict=True):
        product = sum(a * b for a, b in zip(vector, wanted, strict=True))
        assert product / (math.hypot(*vector) * math.hypot(*wanted)) >= 0.9999


def submit_texts(client: Client, lane: int) -> dict[int, int]:
    return {client.submit(text, lane): place for place, text in enumerate(TEXTS)}


def take_vectors(client: Client, places: dict[int, int]) -> list[list[float]]:
    vectors: list[list[float]] = [[] for _ in places]
    for _ in places:
        result = client.await_result()
        assert result.status == OK
        vectors[places[result.task]] = result.vector[: client.info.dims]
        client.release(result.task)
    return vectors


def test_both_lanes_are_served_from_the_gpu(
    expected: list[list[float]], runtime: Path, tmp_path: Path
) -> None:
    path = runtime / "hilo.sock"
    with Engine(tmp_path, "serve", "--model", MODEL, "--backend", "cuda") as engine:
        engine.await_log("ready")
        high, low = Client.connect(path, HIGH), Client.connect(path, LOW)
        bulk = [submit_texts(low, LOW) for _ in range(3)]
        check_near(take_vectors(high, submit_texts(high, HIGH)), expected)
        all_bulk = {task: i * len(TEXTS) + place for i, batch in enumerate(bulk)
                    for task, place in batch.items()}
        check_near(take_vectors(low, all_bulk), expected * 3)
        info = json.loads(high.info.json)
        told = (info["backend"], info["precision"], info["device"])
        assert told == ("cuda", "bf16", "fake device")
        numbers = json.loads(run_hilo("top", "--once", "--json").stdout)
        assert numbers["backend"] == "cuda bf16 (fake device)"
        assert sum(worker["device"] for worker in numbers["workers"]) == 4
        for lane in ("high", "low"):
            assert numbers["lanes"][lane]["device_ns"] > 0
        high.close()
        low.close()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0
    assert "host GPU:" not in engine.log()


def test_programs_are_run_on_the_gpu(tmp_path: Path) -> None:
    report = tmp_path / "report"
    script = python(
        "import json; c = Client.from_environment(); "
        f'json.dump([c.embed("zebra"), json.loads(c.info.json)], open("{report}", "w"))'
    )
    done = run_hilo("run", "--model", MODEL, "--backend", "auto", "--gpu-format", "fp16",
                    "--high", script)
    assert done.returncode == 0, done.stderr
    _, info = json.loads(report.read_text())
    assert (info["backend"], info["precision"]) == ("cuda", "fp16")
    assert "host GPU:" not in done.stderr


def test_files_are_embedded_on_the_gpu(expected: list[list[float]], tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(TEXTS * 20) + "\n")
    with lines.open() as source:
        done = run_hilo("embed", "--model", MODEL, "--backend", "cuda", "--format", "jsonl",
                        stdin=source)
    assert done.returncode == 0, done.stderr
    check_near(embedded(done.stdout), expected * 20)
    assert "host GPU:" not in done.stderr


def complaint(*arguments: str | Path) -> str:
    """The one line of complaint of an engine that does not start, and of `hilo embed`."""
    lines = []
    for verb in (("serve",), ("embed", "a text")):
        done = run_hilo(*verb, "--model", MODEL, "--backend", "cuda", *arguments)
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        lines.append(done.stderr)
    assert lines[0] == lines[1]
    assert lines[0].count("\n") == 1, lines[0]
    return lines[0]


def test_a_missing_plugin_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "no-plugin.so"
    monkeypatch.setenv("HILO_CUDA_PLUGIN", str(missing))
    assert f"$HILO_CUDA_PLUGIN names {missing}, which is not there" in complaint()


def test_the_plugin_is_looked_for_beside_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HILO_CUDA_PLUGIN")
    programs, libraries = tmp_path / "bin", tmp_path / "lib"
    programs.mkdir()
    libraries.mkdir()
    hilo = shutil.copy(HILO, programs / "hilo")

    def gpu() -> str:
        lines = run_hilo("info", program=hilo).stdout.splitlines()
        return next(line for line in lines if line.startswith("gpu"))

    assert f"libhilo_cuda.so is not there: neither in {programs} nor in its ../lib" in gpu()
    (libraries / "libhilo_cuda.so").symlink_to(HOST_PLUGIN)
    assert "fake device, 1024 of 1024 MiB free" in gpu()
    (programs / "libhilo_cuda.so").write_text("the one beside it comes first")
    assert "is no shared library" in gpu()


@pytest.mark.parametrize("bytes_kept", [0, 100, 5000, -100], ids=str)
def test_a_plugin_that_was_cut_off_is_told(
    bytes_kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(HOST_PLUGIN.read_bytes()[:bytes_kept])
    monkeypatch.setenv("HILO_CUDA_PLUGIN", str(broken))
    assert f"{broken} is no shared library, or not a whole one" in complaint()


def test_a_plugin_that_cannot_be_loaded_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobodys = tmp_path / "nobodys.so"
    # The name of a library that it needs, where the CUDA plug-in has cuBLASLt's.
    nobodys.write_bytes(HOST_PLUGIN.read_bytes().replace(b"libc.so.6\0", b"libX.so.6\0"))
    monkeypatch.setenv("HILO_CUDA_PLUGIN", str(nobodys))
    assert f"{nobodys} cannot be loaded: libX.so.6: cannot open" in complaint()


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("HILO_CUDA_PLUGIN", LIBRARY, "is another library: it has no function hilo_cuda_driver"),
        ("HILO_HOST_GPU_VERSION", "77", "version 77 of its table, and hilo needs"),
        ("HILO_HOST_GPU_ERROR", "35", "there is no GPU to compute on: CUDA driver version is"),
        ("HILO_HOST_GPU_ERROR", "100", "there is no GPU to compute on"),
        ("HILO_HOST_GPU_MEBIBYTES", "8", "MiB are missing; use a smaller model, or free the GPU"),
    ],
)
def test_what_keeps_the_gpu_from_computing_is_told_in_a_sentence(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert sentence in complaint()
    # And `auto` goes on without one, with that sentence.
    done = run_hilo("embed", "--model", MODEL, "--backend", "auto", "zebra")
    assert done.returncode == 0
    assert done.stderr.startswith("hilo: --backend auto: computing on the CPU, because ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    on_cpu = run_hilo("embed", "--model", MODEL, "zebra")
    assert (done.stdout, on_cpu.stderr) == (on_cpu.stdout, "")


def test_auto_says_that_it_takes_the_gpu() -> None:
    done = run_hilo("embed", "--model", MODEL, "--backend", "auto", "zebra")
    assert done.stderr == "hilo: --backend auto: computing on the GPU fake device\n"
    described = run_hilo("info", "--model", MODEL, "--backend", "auto").stdout
    assert "cuda bf16 (fake device)" in described
