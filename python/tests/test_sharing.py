"""One client in several threads, event loops and forks."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import hilo
import numpy as np
import pytest
from echo import echo_vector


def test_threads_get_their_own_vectors(echo: hilo.Hilo) -> None:
    def work(thread: int) -> None:
        for i in range(150):
            texts = [f"{thread} {i} {k}" for k in range(1 + (i * thread) % 40)]
            np.testing.assert_array_equal(echo.encode(texts), [echo_vector(t) for t in texts])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))


def test_question_passes_a_long_list_of_another_thread(echo: hilo.Hilo) -> None:
    texts = ["x" * 200] * 200_000
    bulk = threading.Thread(target=echo.encode, args=[texts])
    bulk.start()
    while echo.totals.texts < 1000:
        time.sleep(0.001)
    for i in range(20):
        np.testing.assert_array_equal(echo.encode(str(i)), echo_vector(str(i)))
    assert bulk.is_alive(), "the questions waited for the whole list"
    bulk.join()


def test_two_long_lists_share_the_channel(echo: hilo.Hilo) -> None:
    first = threading.Thread(target=echo.encode, args=[["x" * 200] * 300_000])
    first.start()
    while echo.totals.texts < 1000:
        time.sleep(0.001)
    echo.encode(["y"] * 10_000)
    assert first.is_alive(), "the second list waited for the first"
    first.join()


def test_views_dropped_in_other_threads(echo: hilo.Hilo) -> None:
    def work(thread: int) -> None:
        for i in range(300):
            views = echo.encode([f"{thread} {i}"] * 8, copy=False)
            np.testing.assert_array_equal(views[7], echo_vector(f"{thread} {i}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_close_ends_the_calls_of_other_threads() -> None:
    model = hilo.Hilo(backend="echo")
    raised: list[Exception] = []

    def work() -> None:
        try:
            while True:
                model.encode(["a"] * 1000)
        except hilo.Error as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    model.close()
    thread.join()
    assert "closed" in str(raised[0])


def test_closed_client_says_so(echo: hilo.Hilo) -> None:
    echo.close()
    echo.close()
    with pytest.raises(hilo.Error, match="the client is closed"):
        echo.encode("a")


# ---- event loops


def test_event_loop_awaits_many_at_once(echo: hilo.Hilo) -> None:
    async def main() -> None:
        texts = [str(i) for i in range(500)]
        vectors = await asyncio.gather(*(echo.encode_async(text) for text in texts))
        np.testing.assert_array_equal(vectors, [echo_vector(text) for text in texts])
        bulk = await echo.encode_async(texts * 10)
        np.testing.assert_array_equal(bulk[-500:], vectors)
        view = await echo.encode_async("view", copy=False)
        np.testing.assert_array_equal(view, echo_vector("view"))

    asyncio.run(main())


def test_event_loop_goes_on_meanwhile(echo: hilo.Hilo) -> None:
    async def main() -> int:
        ticks = 0
        bulk = asyncio.ensure_future(echo.encode_async(["x" * 500] * 40_000))
        while not bulk.done():
            ticks += 1
            await asyncio.sleep(0)
        await bulk
        return ticks

    assert asyncio.run(main()) > 20


def test_event_loops_and_threads_together(echo: hilo.Hilo) -> None:
    async def main(name: str) -> None:
        for i in range(100):
            text = f"{name} {i}"
            np.testing.assert_array_equal(await echo.encode_async(text), echo_vector(text))

    def work(thread: int) -> None:
        if thread % 2:
            asyncio.run(main(str(thread)))
        else:
            for i in range(100):
                np.testing.assert_array_equal(echo.encode(f"{i}"), echo_vector(f"{i}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_cancelled_awaiting_leaves_the_client_usable(echo: hilo.Hilo) -> None:
    async def main() -> None:
        for _ in range(20):
            bulk = asyncio.ensure_future(echo.encode_async(["x" * 1000] * 5000))
            await asyncio.sleep(0.002)
            bulk.cancel()
            with pytest.raises(asyncio.CancelledError):
                await bulk
        np.testing.assert_array_equal(await echo.encode_async("a"), echo_vector("a"))

    asyncio.run(main())


def test_event_loop_hears_of_errors(echo: hilo.Hilo) -> None:
    async def main() -> None:
        with pytest.raises(hilo.TextTooLong):
            await echo.encode_async("x" * 200_000)
        with pytest.raises(hilo.TimedOut):
            await echo.encode_async(["x" * 1000] * 500_000, timeout=0.05)
        bulk = asyncio.ensure_future(echo.encode_async(["x" * 1000] * 500_000))
        await asyncio.sleep(0.05)
        echo.close()
        with pytest.raises(hilo.Cancelled):
            await bulk

    asyncio.run(main())


def test_awaiting_leaves_no_descriptor(echo: hilo.Hilo) -> None:
    asyncio.run(_await_one(echo))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        asyncio.run(_await_one(echo))
    assert len(os.listdir("/proc/self/fd")) == before


async def _await_one(client: hilo.Client) -> None:
    await client.encode_async("a")


# ---- forks


def test_fork_is_told(echo: hilo.Hilo) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            echo.encode("a")
            os.write(writer, b"no error")
        except hilo.Forked as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    assert b"fork" in os.read(reader, 1000)
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(echo.encode("a"), echo_vector("a"))


def test_fork_that_drops_everything_does_not_stop_the_parents_engine() -> None:
    model = hilo.Hilo(backend="echo")
    views = model.encode(["a"] * 10, copy=False)
    child = os.fork()
    if child == 0:
        views.clear()
        model.close()
        del model
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(views[3], echo_vector("a"))
    np.testing.assert_array_equal(model.encode("b"), echo_vector("b"))
    model.close()
