"""What encode_tokens() gives: the vectors of all tokens."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hilo
import numpy as np
import pytest
from echo import echo_vector

GOLDEN = Path(__file__).parents[2] / "tests/golden"


def tokens_of(text: str) -> np.ndarray:
    """The echo engine's tokens are bytes, and the vector of each is that of its text."""
    rows = [echo_vector(letter) for letter in text]
    return np.array(rows, np.float32).reshape(len(rows), -1)


@pytest.mark.parametrize("lane", ["high", "low"])
@pytest.mark.parametrize("length", [1, 2, 255, 256, 257, 512, 513, 1024])
def test_every_token_has_a_vector(echo: hilo.Hilo, lane: str, length: int) -> None:
    text = "".join(chr(97 + i * i % 26) for i in range(length))
    vectors = echo.encode_tokens(text, lane=lane)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, tokens_of(text))


def test_a_list_gives_an_array_a_text(echo: hilo.Hilo) -> None:
    texts = ["a", "bcd" * 100, "", "ef"]
    vectors = echo.encode_tokens(texts)
    assert [len(rows) for rows in vectors] == [1, 300, 0, 2]
    for rows, text in zip(vectors, texts):
        if text:
            np.testing.assert_array_equal(rows, tokens_of(text))
    assert echo.encode_tokens([]) == []
    np.testing.assert_array_equal(echo.encode_tokens([[97, 98]])[0], tokens_of("ab"))
    vectors[0][0, 0] = 7  # It is the caller's.


def test_what_is_too_long(echo: hilo.Hilo) -> None:
    text = "x" * 1000 + "y" * 100
    np.testing.assert_array_equal(echo.encode_tokens(text, truncate="start")[-100:],
                                  tokens_of("y" * 100))
    assert len(echo.encode_tokens(text)) == 1024
    with pytest.raises(hilo.TooManyTokens):
        echo.encode_tokens(text, truncate="refuse")
    np.testing.assert_array_equal(echo.encode_tokens("a"), tokens_of("a"))


def test_calls_of_all_kinds_take_turns(echo: hilo.Hilo) -> None:
    """Each of them gets through, and gets its own."""
    texts = [f"text {i}" * (1 + i % 50) for i in range(400)]
    pooled = echo.encode(texts)
    with ThreadPoolExecutor(8) as threads:
        bulk = [threads.submit(echo.encode, texts) for _ in range(4)]
        every = [threads.submit(echo.encode_tokens, texts[i:i + 40]) for i in range(0, 400, 40)]
        small = [threads.submit(echo.encode, texts[7]) for _ in range(50)]
        for call in bulk:
            np.testing.assert_array_equal(call.result(), pooled)
        for call in small:
            np.testing.assert_array_equal(call.result(), pooled[7])
        for i, call in enumerate(every):
            for rows, text in zip(call.result(), texts[40 * i:]):
                np.testing.assert_array_equal(rows, tokens_of(text[:1024]))


@pytest.mark.parametrize("place", range(4))
def test_no_call_waits_for_the_end_of_another(echo: hilo.Hilo, place: int) -> None:
    """A short list is over first, in whatever order the calls came."""
    async def embed() -> None:
        calls = [echo.encode_async(["x"] * 20_000), echo.encode_async(["y"] * 20_000),
                 echo.encode_tokens_async(["z"] * 200)]
        calls.insert(place, echo.encode_tokens_async(["a"] * 3))
        tasks = [asyncio.ensure_future(call) for call in calls]
        np.testing.assert_array_equal(await tasks.pop(place), [tokens_of("a")] * 3)
        assert not any(task.done() for task in tasks)

    asyncio.run(embed())


def test_an_event_loop_goes_on(echo: hilo.Hilo) -> None:
    async def embed() -> None:
        tokens, one, vector = await asyncio.gather(
            echo.encode_tokens_async(["abc" * 200, "d"]), echo.encode_tokens_async("ef"),
            echo.encode_async("g"))
        np.testing.assert_array_equal(tokens[0], tokens_of("abc" * 200))
        np.testing.assert_array_equal(one, tokens_of("ef"))
        np.testing.assert_array_equal(vector, echo_vector("g"))

    asyncio.run(embed())


def test_views_and_tokens_exclude_each_other(echo: hilo.Hilo) -> None:
    view = echo.encode("a", copy=False)
    with pytest.raises(hilo.TooManyViews, match="drop them"):
        echo.encode_tokens("b")
    np.testing.assert_array_equal(view, echo_vector("a"))
    del view
    np.testing.assert_array_equal(echo.encode_tokens("b"), tokens_of("b"))


def test_a_call_that_is_given_up_leaves_the_client_usable(minilm: hilo.Hilo) -> None:
    with pytest.raises(hilo.TimedOut):
        minilm.encode_tokens(["word " * 250] * 2000, lane="low", timeout=0.05)
    assert minilm.encode("a").shape == (384,)
    assert minilm.encode_tokens("a").shape == (3, 384)


def test_they_are_those_of_transformers(minilm: hilo.Hilo) -> None:
    all_ids = json.loads((GOLDEN / "embeddings_minilm.ids.json").read_text())
    ids = [next(row for row in all_ids if len(row) == count) for count in (2, 3, 5, 9, 14, 20)]
    golden = np.fromfile(GOLDEN / "tokens_minilm.f32", "<f4").reshape(-1, 384)
    vectors = minilm.encode_tokens(ids)
    assert [len(rows) for rows in vectors] == [len(row) for row in ids]
    np.testing.assert_allclose(np.concatenate(vectors), golden, rtol=0, atol=1e-5)


def test_their_mean_is_the_vector(minilm: hilo.Hilo) -> None:
    for text in ("resize photos", "", "größer 图片 🙂", "word " * 600):
        mean = minilm.encode_tokens(text).mean(axis=0)
        np.testing.assert_allclose(mean, minilm.encode(text, normalize=False), atol=1e-6)
