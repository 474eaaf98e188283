"""encode(copy=False): how long the engine's memory can be looked at, and how much of it."""

from __future__ import annotations

import gc

import hilo
import numpy as np
import pytest
from echo import echo_vector

VIEWS_MAX = 128


def test_views_are_what_copies_are(echo: hilo.Hilo) -> None:
    texts = [f"text {i}" for i in range(VIEWS_MAX)]
    views = echo.encode(texts, copy=False)
    np.testing.assert_array_equal(views, [echo_vector(text) for text in texts])


def test_view_cannot_be_written(echo: hilo.Hilo) -> None:
    view = echo.encode("a", copy=False)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_views_stay_while_others_come_and_go(echo: hilo.Hilo) -> None:
    kept = echo.encode(["kept"], copy=False)[0]
    for i in range(2000):
        echo.encode(f"other {i}")
    np.testing.assert_array_equal(kept, echo_vector("kept"))


def test_slices_keep_the_memory_too(echo: hilo.Hilo) -> None:
    part = echo.encode("kept", copy=False)[3:5]
    gc.collect()
    for i in range(500):
        echo.encode(f"other {i}")
    np.testing.assert_array_equal(part, echo_vector("kept")[3:5])


def test_too_many_views_are_refused_and_dropped_ones_do_not_count(echo: hilo.Hilo) -> None:
    views = echo.encode(["a"] * VIEWS_MAX, copy=False)
    with pytest.raises(hilo.TooManyViews, match="drop some"):
        echo.encode("b", copy=False)
    echo.encode(["b"] * 1000)  # Copies go on.
    views.pop()
    np.testing.assert_array_equal(echo.encode("b", copy=False), echo_vector("b"))


def test_dropped_views_come_back_thousands_of_times(echo: hilo.Hilo) -> None:
    for i in range(3000):
        np.testing.assert_array_equal(echo.encode([str(i)], copy=False)[0], echo_vector(str(i)))


def test_views_outlive_their_client_and_engine() -> None:
    model = hilo.Hilo(backend="echo")
    views = model.encode(["a", "b"], copy=False)
    model.close()
    del model
    gc.collect()
    np.testing.assert_array_equal(views, [echo_vector("a"), echo_vector("b")])
    del views
    gc.collect()


def test_failed_call_gives_its_views_back(echo: hilo.Hilo) -> None:
    for _ in range(10):
        with pytest.raises(RuntimeError):
            echo.encode(["a"] * VIEWS_MAX, copy=False, show_progress=_raise)
    assert len(echo.encode(["a"] * VIEWS_MAX, copy=False)) == VIEWS_MAX


def _raise(_: hilo.Progress) -> None:
    raise RuntimeError
