"""Token ids, pairs, and where texts are cut: with answers that are known, and small real models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hilo
import numpy as np
import pytest
from echo import echo_vector

FAMILIES = Path(__file__).resolve().parents[2] / "tests/golden/families"
TOKENS_MAX = 1024  # of the echo engine, whose tokens are bytes


@pytest.fixture(params=["bert_cross_encoder", "mpnet_cross_encoder"])
def goldens(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Pairs with the scores that transformers computes; each has the folder of its model."""
    folder = FAMILIES / request.param
    entries = json.loads((folder / "expected.json").read_text())
    return [entry | {"folder": folder} for entry in entries if "second" in entry]


@pytest.fixture
def scorer(goldens: list[dict[str, Any]]) -> Iterator[hilo.Hilo]:
    with hilo.Hilo(goldens[0]["folder"]) as model:
        yield model


@pytest.fixture
def embedder() -> Iterator[hilo.Hilo]:
    with hilo.Hilo(FAMILIES / "distilbert") as model:
        yield model


# ---- ids


def ids_of(text: str) -> list[int]:
    return list(text.encode())


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda ids: np.array(ids, np.uint8),
                                  lambda ids: [np.int64(id) for id in ids]])
def test_ids_are_the_tokens(echo: hilo.Hilo, form: Callable[[list[int]], Any]) -> None:
    np.testing.assert_array_equal(echo.encode(form(ids_of("abc"))), echo_vector("abc"))
    many = echo.encode([form(ids_of(text)) for text in ("abc", "d", "efghij")])
    np.testing.assert_array_equal(many, [echo_vector(text) for text in ("abc", "d", "efghij")])


def test_rows_of_an_array_are_ids(echo: hilo.Hilo) -> None:
    texts = ["abc", "def"]
    np.testing.assert_array_equal(echo.encode(np.array([ids_of(text) for text in texts])),
                                  [echo_vector(text) for text in texts])


def test_ids_have_views_lanes_and_event_loops(echo: hilo.Hilo) -> None:
    view = echo.encode(ids_of("abc"), copy=False, lane="low")
    np.testing.assert_array_equal(view, echo_vector("abc"))
    awaited = asyncio.run(echo.encode_async([ids_of("abc")] * 100))
    np.testing.assert_array_equal(awaited, [echo_vector("abc")] * 100)


@pytest.mark.parametrize(("texts", "error", "sentence"), [
    ([1, "a"], TypeError, "texts should have whole numbers only"),
    ([1, 2.5], TypeError, "texts should have whole numbers only"),
    ([True], TypeError, "texts should have whole numbers only"),
    ([[1], "a"], TypeError, "text 1 is of type str"),
    ([[1], 2], TypeError, "text 1 is of type int"),
    ([[1], [2, None]], TypeError, "text 1 should have whole numbers only"),
    ([[[1]]], TypeError, "text 0 should have whole numbers only"),
    ([[1], []], ValueError, "text 1 has no token id"),
    (np.array([], np.int32), ValueError, "texts has no token id"),
    ([1, -1], ValueError, "texts has -1"),
    ([[5], [2**32]], ValueError, "text 1 has 4294967296"),
    (["a", [1]], TypeError, "text 1 is of type list"),
])
def test_what_is_no_id_is_named(
    echo: hilo.Hilo, texts: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        echo.encode(texts)


def test_ids_that_the_model_does_not_know_are_named(echo: hilo.Hilo) -> None:
    with pytest.raises(hilo.UnknownId, match="text 2 has a token id") as caught:
        echo.encode([[1], [2], [echo.info["vocabulary"]]])
    assert caught.value.index == 2
    np.testing.assert_array_equal(echo.encode(ids_of("a")), echo_vector("a"))


def test_ids_take_no_prompt(embedder: hilo.Hilo) -> None:
    with pytest.raises(hilo.InvalidArgument, match="prompt"):
        embedder.encode([5, 6], prompt="query")


def test_ids_give_the_vectors_of_their_texts(embedder: hilo.Hilo) -> None:
    tokenizer = hilo.Tokenizer(FAMILIES / "distilbert")
    texts = ["hello", "a cafe, b!", "", "z"]
    np.testing.assert_array_equal(embedder.encode(tokenizer.encode_batch(texts)),
                                  embedder.encode(texts))


# ---- truncation


@pytest.mark.parametrize("as_given", [lambda text: text, ids_of])
def test_texts_are_cut_where_they_are_to_be(
    echo: hilo.Hilo, as_given: Callable[[str], Any]
) -> None:
    text = "".join(chr(97 + i % 26) for i in range(TOKENS_MAX + 10))
    for truncate, kept in (("end", text[:TOKENS_MAX]), ("start", text[-TOKENS_MAX:])):
        np.testing.assert_array_equal(echo.encode(as_given(text), truncate=truncate),
                                      echo_vector(kept))
    with pytest.raises(hilo.TooManyTokens, match="text 1 has more tokens than the 1024") as caught:
        echo.encode([as_given("a"), as_given(text)], truncate="refuse")
    assert caught.value.index == 1
    np.testing.assert_array_equal(echo.encode(as_given(text[:TOKENS_MAX]), truncate="refuse"),
                                  echo_vector(text[:TOKENS_MAX]))


def test_truncation_without_a_meaning_is_refused(echo: hilo.Hilo) -> None:
    with pytest.raises(ValueError, match="'middle'"):
        echo.encode("a", truncate="middle")


# ---- raw vectors


def test_raw_vectors_are_the_others_before_they_are_scaled(embedder: hilo.Hilo) -> None:
    texts = ["hello", "a cafe, b!", "z"]
    scaled = embedder.encode(texts)
    raw = embedder.encode(texts, normalize=False)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.all(np.abs(lengths - 1) > 0.01)
    np.testing.assert_allclose(raw / lengths, scaled, atol=1e-6)
    np.testing.assert_array_equal(embedder.encode(texts, normalize=False, dimensions=5), raw[:, :5])
    np.testing.assert_array_equal(
        asyncio.run(embedder.encode_async(texts, normalize=False)), raw)
    np.testing.assert_array_equal(embedder.encode(texts, normalize=True), scaled)


def test_vectors_that_have_no_length_are_not_promised_one(echo: hilo.Hilo) -> None:
    with pytest.raises(ValueError, match="normalize"):
        echo.encode("a", normalize=True)


# ---- pairs


def test_scores_are_those_of_transformers(
    scorer: hilo.Hilo, goldens: list[dict[str, Any]]
) -> None:
    for golden in goldens:
        truncate = "end" if golden["side"] == "right" else "start"
        pair = (golden["text"], golden["second"])
        score = scorer.score(*pair, truncate=truncate)
        assert score.shape == ()
        assert score.dtype == np.float32
        assert score == pytest.approx(golden["vector"][0], abs=1e-4)
        logit = scorer.score(*pair, truncate=truncate, raw=True)
        assert logit == pytest.approx(golden["logit"], abs=2e-4)
        if len(golden["ids"]) < scorer.tokens_max:
            assert scorer.score(*pair, truncate="refuse") == score


def test_many_texts_are_scored_against_one_query(scorer: hilo.Hilo) -> None:
    texts = [" ".join("abcxyz"[i % 6] for i in range(n, 2 * n)) for n in range(300)]
    scores = scorer.score("hello a b", texts)
    assert scores.shape == (300,)
    for i in range(0, 300, 37):
        assert scorer.score("hello a b", texts[i], lane="high") == scores[i]
    np.testing.assert_array_equal(asyncio.run(scorer.score_async("hello a b", texts)), scores)
    assert scorer.score("hello a b", []).shape == (0,)


def test_pairs_that_are_none_are_named(scorer: hilo.Hilo) -> None:
    with pytest.raises(TypeError, match="query is of type list"):
        scorer.score(["a"], ["b"])
    with pytest.raises(TypeError, match="text 1 is of type int"):
        scorer.score("a", ["b", 1])
    with pytest.raises(TypeError, match="token ids"):
        scorer.score("a", [[1, 2]])
    with pytest.raises(hilo.TextTooLong, match="text 1 and the query have 131073 bytes"):
        scorer.score("a" * 131_000, ["b", "c" * 73])
    with pytest.raises(hilo.TooManyTokens, match="text 2 ") as caught:
        scorer.score("a", ["b", "c", "d " * 100], truncate="refuse")
    assert caught.value.index == 2


def test_other_models_score_no_pairs(embedder: hilo.Hilo) -> None:
    for texts in (["a"], "a", []):
        with pytest.raises(hilo.InvalidArgument, match="no cross-encoder"):
            embedder.score("query", texts)
        with pytest.raises(hilo.InvalidArgument, match="no cross-encoder"):
            asyncio.run(embedder.score_async("query", texts))


def test_info_says_what_the_model_is(scorer: hilo.Hilo, embedder: hilo.Hilo) -> None:
    assert scorer.dims == 1
    assert scorer.info["cross_encoder"] is True
    assert scorer.info["normalized"] is False
    expected = {"cross_encoder": False, "normalized": True, "pooling": "mean", "vocabulary": 48,
                "tokens_max": 38, "prompts": [], "prompt_texts": []}
    assert {name: embedder.info[name] for name in expected} == expected
