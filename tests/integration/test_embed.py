"""`hilo embed`: many texts to a file of vectors, without an engine that runs."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hilo_ctypes import echo_vector
from processes import HILO, PATIENCE_S, run_hilo, until

ECHO = ("embed", "--backend", "echo")
DIMS = 64


def embed(*arguments: str | Path, input: bytes, status: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([HILO, *map(str, arguments)], input=input, capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == status, done.stderr
    return done


def rows(texts: list[str]) -> np.ndarray:
    return np.array([echo_vector(text, DIMS) for text in texts], np.float32)


def some_texts(count: int) -> list[str]:
    """Of many lengths, some empty, some with characters of several bytes."""
    return [f"text {i} " + "ü" * (i * 7919 % 300) if i % 50 else "" for i in range(count)]


def lines_of(texts: list[str]) -> bytes:
    return "".join(text + "\n" for text in texts).encode()


def test_npy_is_what_numpy_saves(tmp_path: Path) -> None:
    texts = some_texts(3000)
    with open(tmp_path / "vectors.npy", "wb") as vectors:
        subprocess.run([HILO, *ECHO], input=lines_of(texts), stdout=vectors, check=True,
                       timeout=PATIENCE_S)
    saved = io.BytesIO()
    np.save(saved, rows(texts))
    assert (tmp_path / "vectors.npy").read_bytes() == saved.getvalue()


def test_no_line_is_no_row(tmp_path: Path) -> None:
    embed(*ECHO, "--output", tmp_path / "vectors.npy", input=b"")
    assert np.load(tmp_path / "vectors.npy").shape == (0, DIMS)


def test_last_line_needs_no_end() -> None:
    assert embed(*ECHO, input=b"a\nb").stdout == embed(*ECHO, input=b"a\nb\n").stdout


def test_text_is_a_line_of_numbers_a_text() -> None:
    texts = some_texts(200)
    done = embed(*ECHO, input=lines_of(texts))
    np.testing.assert_array_equal(np.loadtxt(io.BytesIO(done.stdout), np.float32), rows(texts))


def test_jsonl_keeps_ids_and_order(tmp_path: Path) -> None:
    texts = some_texts(500)
    ids = [i if i % 2 else f"id \"{i}\"" for i in range(len(texts))]
    (tmp_path / "texts.jsonl").write_text(
        "".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in zip(ids, texts)))
    with open(tmp_path / "texts.jsonl", "rb") as lines, open(tmp_path / "v.jsonl", "wb") as vectors:
        subprocess.run([HILO, *ECHO], stdin=lines, stdout=vectors, check=True, timeout=PATIENCE_S)
    answers = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert [answer["id"] for answer in answers] == ids
    assert [answer["text"] for answer in answers] == texts
    vectors = np.array([answer["embedding"] for answer in answers], np.float32)
    np.testing.assert_array_equal(vectors, rows(texts))


def test_another_field_may_hold_the_text() -> None:
    done = embed(*ECHO, "--field", "title", "--format", "jsonl", input=b'{"title": "a", "text": 1}')
    assert json.loads(done.stdout)["text"] == "a"
    assert "id" not in json.loads(done.stdout)


BAD_LINES = [
    (b"\xff", "is not valid UTF-8", ()),
    (b"x" * (128 * 1024 + 1), "has more than 131072 bytes", ()),
    (b"x" * (9 * 128 * 1024), "has more than 1048576 bytes", ("--field", "text")),
    (b'{"text": "' + b"x" * (128 * 1024 + 1) + b'"}', "has more than 131072", ("--field", "text")),
    (b'{"text": "a"', "is no JSON object", ("--field", "text")),
    (b"", "is no JSON object", ("--field", "text")),
    (b'["a"]', "is no JSON object", ("--field", "text")),
    (b'{"id": 1}', 'has no member "text"', ("--field", "text")),
    (b'{"text": 1}', 'has a "text" that is no string', ("--field", "text")),
    (b'{"text": "\xff"}', "is no JSON object", ("--field", "text")),
]


@pytest.mark.parametrize(("bad", "complaint", "options"), BAD_LINES)
def test_a_bad_line_is_told_and_skipped_only_on_demand(
    bad: bytes, complaint: str, options: tuple[str, ...]
) -> None:
    good = [b'{"text": "%d"}' % i if options else b"%d" % i for i in range(100)]
    input = b"\n".join([*good[:40], bad, *good[40:]])
    done = embed(*ECHO, *options, input=input, status=1)
    assert f"line 41 {complaint}" in done.stderr.decode()
    assert len(done.stdout.splitlines()) == 40

    done = embed(*ECHO, *options, "--skip-bad", input=input)
    assert f"line 41 {complaint}" in done.stderr.decode()
    vectors = np.loadtxt(io.BytesIO(done.stdout), np.float32)
    assert np.isnan(vectors[40]).all()
    np.testing.assert_array_equal(np.delete(vectors, 40, 0), rows([str(i) for i in range(100)]))

    done = embed(*ECHO, *options, "--skip-bad", "--format", "jsonl", input=input)
    assert len(done.stdout.splitlines()) == 100


def test_skipped_lines_are_rows_of_nan(tmp_path: Path) -> None:
    embed(*ECHO, "--skip-bad", "--output", tmp_path / "v.npy", input=b"a\n\xff\nb\n")
    vectors = np.load(tmp_path / "v.npy")
    assert np.isnan(vectors[1]).all()
    np.testing.assert_array_equal(vectors[[0, 2]], rows(["a", "b"]))


def test_a_longest_line_is_a_text() -> None:
    assert len(embed(*ECHO, input=b"x" * (128 * 1024)).stdout.splitlines()) == 1


@pytest.mark.parametrize("ending", ["npy", "jsonl", "txt"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.99, 1.0])
def test_resume_gives_the_bytes_of_one_run(ending: str, part: float, tmp_path: Path) -> None:
    """A file cut anywhere, as a killed run leaves it, becomes what a single run makes."""
    input = lines_of(some_texts(300)) + b"\xff\n" + lines_of(some_texts(50))
    whole, begun = tmp_path / f"whole.{ending}", tmp_path / f"begun.{ending}"
    embed(*ECHO, "--skip-bad", "--output", whole, input=input)
    bytes = whole.read_bytes()
    header = 128 if ending == "npy" else 0
    begun.write_bytes(bytes[: header + int(part * (len(bytes) - header))])
    embed(*ECHO, "--skip-bad", "--output", begun, "--resume", input=input)
    assert begun.read_bytes() == bytes


@pytest.fixture(scope="module")
def whole_run(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Texts, and what a run without an interruption makes of them."""
    folder = tmp_path_factory.mktemp("whole")
    texts = folder / "texts.txt"
    texts.write_bytes(lines_of([f"a text about {i} photos and {i * i} games" for i in range(400)]))
    vectors = folder / "vectors.npy"
    embed("embed", "--model", model_folder, "--output", vectors, input=texts.read_bytes())
    return texts, vectors.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(
    number: signal.Signals, model_folder: Path, whole_run: tuple[Path, bytes], tmp_path: Path
) -> None:
    texts, whole = whole_run
    begun = tmp_path / "begun.npy"
    command = [HILO, "embed", "--model", str(model_folder), "--output", str(begun)]
    with open(texts, "rb") as input:
        run = subprocess.Popen(command, stdin=input, stderr=subprocess.PIPE)
    until(lambda: begun.exists() and begun.stat().st_size > 10_000, "the first vectors")
    run.send_signal(number)
    words = run.communicate(timeout=PATIENCE_S)[1].decode()
    size = begun.stat().st_size
    assert size < len(whole), "the run was over before it was interrupted"
    if number == signal.SIGKILL:
        assert run.returncode == -number
    else:
        assert run.returncode == 1
        assert f"--output {begun} --resume" in words
        assert np.load(begun).shape == ((size - 128) // 1536, 384)
    embed(*command[1:], "--resume", input=texts.read_bytes())
    assert begun.read_bytes() == whole


@pytest.mark.parametrize(
    ("input", "options", "complaint"),
    [
        (b"a\nb\nother\n", (), "its record 3 is not what comes out now"),
        (b"a\nb\n", (), "more than the input has texts"),
        (b"a\nb\nc\n", ("--dimensions", "8"), "no .npy file of vectors of 8 floats"),
    ],
)
def test_resume_refuses_what_does_not_fit(
    input: bytes, options: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    output = tmp_path / "vectors.npy"
    embed(*ECHO, "--output", output, input=b"a\nb\nc\n")
    before = output.read_bytes()
    done = embed(*ECHO, "--output", output, "--resume", *options, input=input, status=1)
    assert complaint in done.stderr.decode()
    assert output.read_bytes() == before


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "vectors.npy"
    embed(*ECHO, "--output", output, input=b"a\n")
    before = output.read_bytes()
    done = embed(*ECHO, "--output", output, input=b"b\n", status=1)
    assert "is there already" in done.stderr.decode()
    assert output.read_bytes() == before


def test_npy_cannot_go_through_a_pipe() -> None:
    assert "--output" in embed(*ECHO, "--format", "npy", input=b"a", status=1).stderr.decode()


def test_a_name_that_tells_no_format_is_refused(tmp_path: Path) -> None:
    done = embed(*ECHO, "--output", tmp_path / "vectors.csv", input=b"a", status=1)
    assert "--format" in done.stderr.decode()
    assert not (tmp_path / "vectors.csv").exists()


def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([HILO, *ECHO], input=b"a\n", stdout=full, stderr=subprocess.PIPE,
                              timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert b"cannot write to standard output: No space left" in done.stderr


def test_a_typed_line_is_answered_at_once() -> None:
    run = subprocess.Popen([HILO, *ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for text in ("one", "two"):
        run.stdin.write(text.encode() + b"\n")
        run.stdin.flush()
        assert [float(number) for number in run.stdout.readline().split()] == pytest.approx(
            echo_vector(text, DIMS), abs=1e-7)
    run.communicate(timeout=PATIENCE_S)


def test_dimensions_are_the_first_ones(model_folder: Path) -> None:
    command = ("embed", "--model", model_folder, "resize photos")
    whole = np.fromstring(run_hilo(*command).stdout, np.float32, sep=" ")
    short = np.fromstring(run_hilo(*command, "--dimensions", "100").stdout, np.float32, sep=" ")
    np.testing.assert_allclose(short, whole[:100] / np.linalg.norm(whole[:100]), rtol=1e-6)
    assert run_hilo(*command, "--dimensions", "0").returncode == 2
    assert "have 384 components" in run_hilo(*command, "--dimensions", "385").stderr


def test_vectors_are_those_of_an_engine(model_folder: Path, tmp_path: Path) -> None:
    import hilo  # The package, which starts an engine.

    texts = [f"a text about {i} photos" * (1 + i % 7) for i in range(60)]
    embed("embed", "--model", model_folder, "--output", tmp_path / "v.npy", input=lines_of(texts))
    with hilo.Hilo(model_folder) as model:
        np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), model.encode(texts))


def test_progress_is_for_terminals(tmp_path: Path) -> None:
    """A line that redraws itself; without a terminal, only the figures at the end."""
    terminal, its_end = pty.openpty()
    run = subprocess.Popen([HILO, *ECHO, "--output", tmp_path / "v.npy"], stdin=subprocess.PIPE,
                           stderr=its_end)
    os.close(its_end)
    run.stdin.write(lines_of(some_texts(5000)))
    run.stdin.flush()
    shown = b""
    while b"\r5,000 texts, " not in shown:
        shown += os.read(terminal, 4096)
    run.communicate(timeout=PATIENCE_S)
    os.close(terminal)
    assert run.returncode == 0

    quiet = embed(*ECHO, input=lines_of(some_texts(5000))).stderr.decode()
    assert len(quiet.splitlines()) == 1
    assert quiet.startswith("hilo: 5,000 texts, ")
