"""What encode() takes and gives, on an engine whose answers are known."""

from __future__ import annotations

import asyncio

import hilo
import numpy as np
import pytest
from echo import echo_vector


def test_list_gives_one_row_a_text(echo: hilo.Hilo) -> None:
    texts = [f"text {i}" for i in range(1000)]
    vectors = echo.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (1000, echo.dims)
    np.testing.assert_array_equal(vectors, [echo_vector(text) for text in texts])


def test_single_text_gives_one_vector(echo: hilo.Hilo) -> None:
    np.testing.assert_array_equal(echo.encode("resize photos"), echo_vector("resize photos"))


def test_no_text_gives_no_row(echo: hilo.Hilo) -> None:
    assert echo.encode([]).shape == (0, echo.dims)
    assert echo.encode([], copy=False) == []


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "Zürich 東京 🙂", "\U0010ffff", "x" * 131072])
def test_any_character_and_any_length_up_to_the_limit(echo: hilo.Hilo, text: str) -> None:
    np.testing.assert_array_equal(echo.encode(text), echo_vector(text))


def test_texts_together_are_larger_than_the_ring_they_pass_through(echo: hilo.Hilo) -> None:
    texts = [chr(97 + i % 26) * 120_000 for i in range(60)]
    expected = {text[0]: echo_vector(text) for text in texts}
    np.testing.assert_array_equal(echo.encode(texts), [expected[text[0]] for text in texts])


@pytest.mark.parametrize("texts", [
    ("a", "b"),
    np.array(["a", "b"]),
    np.array(["a", "b"], dtype=object),
    {"a": 1, "b": 2},
    (text for text in "ab"),
])
def test_any_iterable_of_str(echo: hilo.Hilo, texts: object) -> None:
    np.testing.assert_array_equal(echo.encode(texts), [echo_vector("a"), echo_vector("b")])


@pytest.mark.parametrize(("texts", "sentence"), [
    (["a", 7], "text 1 is of type int"),
    (["a", "b", None], "text 2 is of type NoneType"),
    ([b"a"], "text 0 is of type bytes"),
    (b"a", "texts is of type bytes"),
    (None, "texts is of type NoneType"),
    (np.array([["a"]]), "an array of 2 dimensions"),
])
def test_what_is_no_text_is_named(echo: hilo.Hilo, texts: object, sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence):
        echo.encode(texts)


def test_too_long_text_is_named(echo: hilo.Hilo) -> None:
    with pytest.raises(hilo.TextTooLong, match="text 1 has 131073 bytes") as caught:
        echo.encode(["a", "x" * 131073])
    assert caught.value.index == 1
    assert isinstance(caught.value, ValueError)


def test_length_is_that_of_utf8(echo: hilo.Hilo) -> None:
    with pytest.raises(hilo.TextTooLong):
        echo.encode("é" * 65_537)


def test_lone_surrogate_is_named(echo: hilo.Hilo) -> None:
    with pytest.raises(hilo.InvalidText, match="text 2 holds a lone surrogate") as caught:
        echo.encode(["a", "b", "\ud800"])
    assert caught.value.index == 2


def test_refused_list_leaves_the_client_as_it_was(echo: hilo.Hilo) -> None:
    before = echo.totals
    with pytest.raises(TypeError):
        echo.encode(["a"] * 100 + [None])
    assert echo.totals == before
    echo.encode("a")


def test_unknown_prompt_is_refused(echo: hilo.Hilo) -> None:
    with pytest.raises(hilo.InvalidArgument, match="prompt"):
        echo.encode("a", prompt="no such prompt")


def test_dimensions_are_the_first_ones(echo: hilo.Hilo) -> None:
    expected = [echo_vector("a")[:7], echo_vector("b")[:7]]  # Echo's vectors have any length.
    np.testing.assert_array_equal(echo.encode(["a", "b"], dimensions=7), expected)
    np.testing.assert_array_equal(echo.encode("a", dimensions=7), expected[0])
    np.testing.assert_array_equal(asyncio.run(echo.encode_async("b", dimensions=7)), expected[1])
    assert echo.encode([], dimensions=7).shape == (0, 7)


@pytest.mark.parametrize(("options", "error"), [
    ({"dimensions": 0}, ValueError),
    ({"dimensions": 65}, ValueError),
    ({"dimensions": 2.5}, TypeError),
    ({"dimensions": 7, "copy": False}, ValueError),
])
def test_dimensions_without_a_meaning_are_refused(
    echo: hilo.Hilo, options: dict[str, object], error: type[Exception]
) -> None:
    before = echo.totals
    with pytest.raises(error):
        echo.encode("a", **options)
    with pytest.raises(error):
        asyncio.run(echo.encode_async("a", **options))
    assert echo.totals == before


@pytest.mark.parametrize("lane", ["auto", "high", "low"])
def test_every_lane_gives_the_same(echo: hilo.Hilo, lane: str) -> None:
    np.testing.assert_array_equal(echo.encode("a", lane=lane), echo_vector("a"))


def test_lane_without_a_meaning_is_refused(echo: hilo.Hilo) -> None:
    with pytest.raises(ValueError, match="'urgent'"):
        echo.encode("a", lane="urgent")


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_timeout_without_a_meaning_is_refused(echo: hilo.Hilo, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        echo.encode("a", timeout=timeout)


def test_values_of_the_engine(echo: hilo.Hilo) -> None:
    assert (echo.dims, echo.tokens_max, echo.lanes) == (64, 1024, "any")
    assert echo.info["backend"] == "echo"
    assert echo.prompts == []


def test_totals_count_texts_tokens_and_cuts(echo: hilo.Hilo) -> None:
    before = echo.totals
    echo.encode(["abc", "x" * 2000])
    after = echo.totals
    assert after.texts - before.texts == 2
    assert after.tokens - before.tokens == 3 + 1024
    assert after.truncated - before.truncated == 1


def test_progress_reaches_the_total(echo: hilo.Hilo) -> None:
    seen: list[hilo.Progress] = []
    echo.encode(["abc"] * 500, show_progress=seen.append)
    assert (seen[-1].texts, seen[-1].total, seen[-1].tokens) == (500, 500, 1500)


def test_error_in_a_progress_function_ends_the_call_alone(echo: hilo.Hilo) -> None:
    def fail(_: hilo.Progress) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        echo.encode(["abc"] * 500, show_progress=fail)
    np.testing.assert_array_equal(echo.encode("a"), echo_vector("a"))


def test_many_texts(echo: hilo.Hilo) -> None:
    texts = [str(i) for i in range(100_000)]
    vectors = echo.encode(texts)
    for i in range(0, len(texts), 997):
        np.testing.assert_array_equal(vectors[i], echo_vector(texts[i]))
