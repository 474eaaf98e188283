"""Real vectors and real ids, with all-MiniLM-L6-v2."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import hilo
import numpy as np
import pytest


def test_similar_texts_are_near(minilm: hilo.Hilo) -> None:
    photos, pictures, chess = minilm.encode(["resize photos", "scale pictures", "play chess"])
    assert photos @ pictures > 0.6 > 0.3 > photos @ chess
    assert np.linalg.norm(photos) == pytest.approx(1, abs=1e-5)


def test_vectors_do_not_depend_on_company_or_lane(minilm: hilo.Hilo) -> None:
    texts = [("a question about photos " * (1 + i % 20)).strip() for i in range(200)]
    together = minilm.encode(texts, lane="low")
    for i in range(0, 200, 23):
        np.testing.assert_array_equal(together[i], minilm.encode(texts[i], lane="high"))


def test_fewer_dimensions_have_length_1_again(minilm: hilo.Hilo) -> None:
    whole = minilm.encode(["resize photos", "play chess"])
    short = minilm.encode(["resize photos", "play chess"], dimensions=100)
    np.testing.assert_allclose(
        short, whole[:, :100] / np.linalg.norm(whole[:, :100], axis=1, keepdims=True), rtol=1e-6)


def test_question_beside_bulk_gets_its_vector(minilm: hilo.Hilo) -> None:
    alone = minilm.encode("resize photos")
    bulk = threading.Thread(target=minilm.encode, args=[["some longer text " * 10] * 1000])
    bulk.start()
    time.sleep(0.05)
    for _ in range(3):
        np.testing.assert_array_equal(minilm.encode("resize photos"), alone)
    assert bulk.is_alive(), "the questions waited for the whole list"
    bulk.join()


def test_values_of_the_model(minilm: hilo.Hilo) -> None:
    assert minilm.dims == 384
    assert minilm.info["precision"] == "fp32"


def test_tokenizer_gives_the_ids_of_the_reference(model_folder: Path) -> None:
    import tokenizers  # The reference; ./dev installs it.

    reference = tokenizers.Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    tokenizer = hilo.Tokenizer(model_folder)
    texts = ["", "resize photos", "Zürich, 東京 & naïve café!", "a\0b\ufffd", "x" * 300, "🙂 ok"]
    for text in texts:
        assert tokenizer.encode(text) == reference.encode(text).ids
        assert (tokenizer.encode(text, add_special_tokens=False)
                == reference.encode(text, add_special_tokens=False).ids)
    assert tokenizer.encode("one", "two three") == reference.encode("one", "two three").ids
    assert tokenizer.encode_batch(texts) == [e.ids for e in reference.encode_batch(texts)]
    reference.enable_truncation(5)
    assert tokenizer.encode("one two three four five", max_length=5) == reference.encode(
        "one two three four five").ids


def test_built_in_tokenizer() -> None:
    tokenizer = hilo.Tokenizer()
    assert tokenizer.encode("resize photos") == [101, 24501, 4697, 7760, 102]
    assert [tokenizer.piece(id) for id in (101, 24501, 4697)] == ["[CLS]", "res", "##ize"]
    assert tokenizer.piece(10**6) is None
    assert len(tokenizer) == 30522


def test_tokenizer_refuses_what_is_no_text() -> None:
    tokenizer = hilo.Tokenizer()
    with pytest.raises(TypeError, match="text 1 is of type int"):
        tokenizer.encode_batch(["a", 1])
    with pytest.raises(TypeError, match="several"):
        tokenizer.encode_batch("abc")
    with pytest.raises(hilo.InvalidText, match="text 1"):
        tokenizer.encode_batch(["a", "\udfff"])
    for length in (0, -1):
        with pytest.raises(ValueError, match="max_length"):
            tokenizer.encode("a", max_length=length)
    with pytest.raises(hilo.InvalidArgument):
        tokenizer.encode("a", max_length=1)


def test_missing_tokenizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(hilo.Error, match=str(tmp_path)):
        hilo.Tokenizer(tmp_path)


def test_requirements_are_said_once() -> None:
    """pyproject.toml and the files that ./dev installs from name the same packages."""
    root = Path(__file__).resolve().parent.parent.parent
    text = (root / "pyproject.toml").read_text()

    def required(name: str) -> list[str]:
        lines = (root / f"python/requirements-{name}.txt").read_text().splitlines()
        return [line for line in lines if line and not line.startswith("#")]

    for extra in ("dev", "rtx-check"):
        assert f"{extra} = {json.dumps(required(extra))}" in text
    (line,) = [line for line in text.splitlines() if line.startswith("prepare = ")]
    assert set(json.loads(line.partition(" = ")[2])) <= set(required("oracles"))
