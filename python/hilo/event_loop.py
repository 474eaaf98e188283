"""Finished calls told to asyncio: by two descriptors in the event loop, without a thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hilo import _hilo


class Watch:
    """One event loop's eye on one client, as long as calls of that loop are under way.

    The channel's descriptor says that results have come: any of the client's calls may be meant,
    so `pump` hands them out. The eventfd says that a call of this loop is over, whoever took its
    last result, or that the engine refused some of it for now.
    """

    def __init__(self, native: _hilo.Client, loop: asyncio.AbstractEventLoop) -> None:
        self._native = native
        self._loop = loop
        self._waiting: list[tuple[_hilo.Call, asyncio.Future[None]]] = []
        self._pause: asyncio.TimerHandle | None = None
        self.users = 0
        self.wake_descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Another loop's watch may have the channel in its own epoll at the same time.
        loop.add_reader(native.descriptor, native.pump)
        loop.add_reader(self.wake_descriptor, self._collect)

    def finished(self, call: _hilo.Call) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((call, future))
        return future

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._native.descriptor)
        self._loop.remove_reader(self.wake_descriptor)
        os.close(self.wake_descriptor)

    def _collect(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self.wake_descriptor)
        waiting, self._waiting = self._waiting, []
        for call, future in waiting:
            if future.done():  # Its task was cancelled.
                continue
            if not call.over:
                self._waiting.append((call, future))
                continue
            try:
                call.advance(0)
                future.set_result(None)
            except Exception as error:
                future.set_exception(error)
        self._go_on_after_a_pause()

    def _go_on_after_a_pause(self) -> None:
        """The engine refused texts for now; when it may take them, no descriptor says so."""
        pause_ms = self._native.pause_ms()
        if pause_ms is None:
            return
        over_at = self._loop.time() + pause_ms / 1000
        if self._pause is not None:
            if self._pause.when() <= over_at:
                return
            self._pause.cancel()
        self._pause = self._loop.call_at(over_at, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._native.pump()
        self._go_on_after_a_pause()


class Watches:
    """The watches of one client, one for each event loop that awaits something of it."""

    def __init__(self) -> None:
        self._of_loop: dict[asyncio.AbstractEventLoop, Watch] = {}

    @contextmanager
    def of_running_loop(self, native: _hilo.Client) -> Iterator[Watch]:
        loop = asyncio.get_running_loop()
        watch = self._of_loop.get(loop)
        if watch is None:
            watch = self._of_loop[loop] = Watch(native, loop)
        watch.users += 1
        try:
            yield watch
        finally:
            watch.users -= 1
            if watch.users == 0:
                del self._of_loop[loop]
                watch.close()
