"""What `hilo` says and returns where no engine serves anybody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hilo_ctypes import echo_vector
from processes import HILO, PATIENCE_S, ROOT, run_hilo


def sentence_of(*arguments: str | Path, status: int = 1) -> str:
    """The one line of complaint of a command that must fail."""
    done = run_hilo(*arguments)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == (1 if status == 1 else 2), done.stderr
    return lines[0]


def test_version_and_help() -> None:
    assert run_hilo("--version").stdout.startswith("hilo 0.")
    for verb in ("run", "serve", "embed", "tokenize", "info", "model"):
        done = run_hilo(verb, "--help")
        assert done.returncode == 0
        assert "Examples:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "A verb is required"),
        (["fly"], "fly"),
        (["serve"], "--model is required"),
        (["serve", "--model", "x", "--backend", "tensorrt"], "--prepared is required"),
        (["model"], "One of info, prepare and build is required"),
        (["model", "info"], "The path of one model or file is required"),
        (["run", "--backend", "echo"], "--high or --low is required"),
        (["run", "--high", "true"], "--model is required"),
        (["serve", "--backend", "gpu"], "gpu"),
        (["serve", "--backend", "echo", "--lanes", "middle"], "middle"),
        (["serve", "--backend", "echo", "--drain-seconds", "-1"], "--drain-seconds"),
        (["serve", "--backend", "echo", "--precision", "fp8"], "fp8 not in {fp32,bf16,int8,auto}"),
        (["serve", "--backend", "echo", "--private-fd", "3", "--socket", "x"], "--private-fd"),
        (["tokenize", "--max-length", "1", "a"], "--max-length"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], complaint: str) -> None:
    assert complaint in sentence_of(*arguments, status=2)


@pytest.mark.parametrize("verb", ["serve", "embed", "info"])
def test_a_missing_model_is_named(verb: str, tmp_path: Path) -> None:
    missing = tmp_path / "no-model"
    assert str(missing) in sentence_of(verb, "--model", missing)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", b"{"),
        ("config.json", None),
        ("model.safetensors", b"\xff" * 100),
        ("model.safetensors", None),
        ("tokenizer.json", b"[]"),
    ],
    ids=["config-cut", "config-missing", "weights-garbage", "weights-missing", "tokenizer-wrong"],
)
def test_a_broken_model_is_named(
    file: str, content: bytes | None, model_folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model_folder, broken, copy_function=os.symlink)
    (broken / file).unlink()
    if content is not None:
        (broken / file).write_bytes(content)
    complaint = sentence_of("embed", "--model", broken, "a text")
    assert str(broken) in complaint or file in complaint


def test_echo_embeds_arguments_and_lines() -> None:
    texts = ["one", "zwei Wörter", ""]
    done = run_hilo("embed", "--backend", "echo", "--format", "jsonl", *texts)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == texts
    for answer in answers:
        assert answer["tokens"] == len(answer["text"].encode())
        assert answer["embedding"] == pytest.approx(echo_vector(answer["text"], 64), abs=1e-7)

    lines = run_hilo("embed", "--backend", "echo", stdin=None, input="\n".join(texts))
    assert len(lines.stdout.splitlines()) == 2  # The last line is empty and not ended.
    first = [float(number) for number in lines.stdout.splitlines()[0].split()]
    assert first == pytest.approx(echo_vector("one", 64), abs=1e-7)


def test_a_model_embeds_similar_texts_closely(model_folder: Path) -> None:
    texts = ["resize photos", "make pictures smaller", "the moon is far away"]
    done = run_hilo("embed", "--model", model_folder, "--format", "jsonl", *texts)
    photos, pictures, moon = (json.loads(line)["embedding"] for line in done.stdout.splitlines())

    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b))

    assert cosine(photos, photos) == pytest.approx(1, abs=1e-5)
    assert cosine(photos, pictures) > cosine(photos, moon) + 0.2


# Models of other families than the demo model's, with the vectors that transformers computes.
@pytest.mark.parametrize("family", ["distilbert", "mpnet", "roberta", "xlm_roberta"])
def test_a_model_of_another_family_embeds_texts(family: str) -> None:
    folder = ROOT / "tests/golden/families" / family
    expected = json.loads((folder / "expected.json").read_text())
    texts = [entry for entry in expected if "text" in entry]
    assert texts
    done = run_hilo(
        "embed", "--model", folder, "--format", "jsonl", *(entry["text"] for entry in texts)
    )
    for line, entry in zip(done.stdout.splitlines(), texts, strict=True):
        assert json.loads(line)["tokens"] == len(entry["ids"])
        assert json.loads(line)["embedding"] == pytest.approx(entry["vector"], abs=1e-4)


def test_a_cross_encoder_is_told_apart() -> None:
    folder = ROOT / "tests/golden/families/bert_cross_encoder"
    assert "is a cross-encoder" in sentence_of("embed", "--model", folder, "a text")
    assert "the score of a pair" in run_hilo("info", "--model", folder).stdout


# The engine would find these out with the first text, by ending.
@pytest.mark.parametrize(
    ("family", "file", "written", "instead", "sentence"),
    [
        ("distilbert", "tokenizer_config.json", ": 38", ": 3", ""),
        ("mpnet_cross_encoder", "tokenizer_config.json", ": 38", ": 3", "adds 4 special tokens"),
        ("bert_cross_encoder", "tokenizer.json", '"type_id": 1', '"type_id": 2', "3 types of"),
    ],
)
def test_a_tokenizer_that_asks_too_much_of_its_model_is_named(
    family: str, file: str, written: str, instead: str, sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / family
    shutil.copytree(ROOT / "tests/golden/families" / family, folder)
    settings = (folder / file).read_text()
    assert written in settings
    (folder / file).write_text(settings.replace(written, instead))
    if sentence:
        assert sentence in sentence_of("info", "--model", folder)
    else:
        assert run_hilo("info", "--model", folder).returncode == 0


def test_a_tokenizer_that_makes_nothing_of_an_empty_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "roberta"
    shutil.copytree(ROOT / "tests/golden/families/roberta", folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    for command in ("info", "embed"):
        words = [] if command == "info" else [""]
        assert "adds no special tokens" in sentence_of(command, "--model", folder, *words)


def test_an_unknown_prompt_is_told() -> None:
    command = ("embed", "--backend", "echo", "--prompt", "query", "a text")
    assert "no prompt 'query'" in sentence_of(*command)


def test_tokenize_shows_pieces_and_ids() -> None:
    done = run_hilo("tokenize", "unaffable")
    assert "14477  una" in done.stdout
    assert "20961  ##ffa" in done.stdout
    answer = json.loads(run_hilo("tokenize", "--json", "--no-special", "unaffable").stdout)
    assert answer["ids"] == [14477, 20961, 3468]
    assert answer["pieces"] == ["una", "##ffa", "##ble"]
    cut = json.loads(run_hilo("tokenize", "--json", "--max-length", "3", "unaffable").stdout)
    assert cut["ids"] == [101, 14477, 102]
    assert cut["truncated"] is True


@pytest.mark.parametrize(
    "family, text", [("xlm_roberta", "hello world"), ("qwen2", "Na\u00efve 42")]
)
def test_tokenize_shows_where_tokens_stand_and_what_ids_mean(
    tmp_path: Path, family: str, text: str
) -> None:
    shutil.copy(ROOT / f"tests/golden/subwords/{family}.json", tmp_path / "tokenizer.json")
    command = ("tokenize", "--model", tmp_path, "--no-special")
    answer = json.loads(run_hilo(*command, "--json", "--offsets", text).stdout)
    assert answer["offsets"][0][0] == 0
    assert answer["offsets"][-1][1] == len(text.encode())
    ids = " ".join(map(str, answer["ids"]))
    decoded = run_hilo(*command, "--decode", ids).stdout
    assert decoded == text + "\n"


def test_bytes_that_are_no_text_are_survived() -> None:
    done = run_hilo("tokenize", "--json", os.fsdecode(b"a\xffb"))
    assert json.loads(done.stdout)["text"] == "a\N{REPLACEMENT CHARACTER}b"


def test_info_tells_the_shape(model_folder: Path) -> None:
    done = run_hilo("info", "--model", model_folder)
    assert done.returncode == 0
    assert "6 layers, 384 wide" in done.stdout
    assert "in all" in done.stdout


def test_output_that_cannot_be_written_is_a_failure() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [HILO, "tokenize", "a"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 1
    assert "cannot write to standard output" in done.stderr
