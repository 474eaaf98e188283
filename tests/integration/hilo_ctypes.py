"""libhilo through ctypes: as thin as can be, so that a test sees what a C program would see.

HILO_LIBRARY names the library, else the release build's.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("HILO_LIBRARY", str(ROOT / "build/release/lib/libhilo.so"))

HIGH, LOW, ANY = 0, 1, 2
OK, EMPTY, FULL = 0, 1, 2
LANE_DENIED, CANCELLED, SHUTTING_DOWN, ENGINE_GONE, NOT_FOUND, TIMED_OUT = 6, 7, 9, 12, 13, 14


class Info(ctypes.Structure):
    _fields_ = [
        ("lanes", c_int),
        ("dims", c_uint32),
        ("tokens_max", c_uint32),
        ("tasks_max", c_uint32),
        ("text_bytes_max", c_uint32),
        ("json", c_char_p),
    ]


class Result(ctypes.Structure):
    _fields_ = [
        ("task", c_uint64),
        ("status", c_int),
        ("retry_after_ms", c_uint32),
        ("vector", POINTER(c_float)),
        ("tokens", c_uint32),
        ("truncated", c_uint32),
        ("engine_ns", c_uint64),
    ]


library = ctypes.CDLL(LIBRARY)
library.hilo_last_error.restype = c_char_p
library.hilo_close.argtypes = [c_void_p]
library.hilo_connect.argtypes = [c_char_p, c_int, POINTER(c_void_p)]
library.hilo_connect_fd.argtypes = [c_int, c_int, POINTER(c_void_p)]
library.hilo_info.argtypes = [c_void_p, POINTER(Info)]
library.hilo_submit.argtypes = [c_void_p, c_int, c_char_p, c_size_t, POINTER(c_uint64)]
library.hilo_take.argtypes = [c_void_p, POINTER(Result), c_size_t, POINTER(c_size_t)]
library.hilo_wait.argtypes = [c_void_p, c_int]
library.hilo_release.argtypes = [c_void_p, c_uint64]


class HiloError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}: {library.hilo_last_error().decode()}")
        self.status = status


class Client:
    """One channel. Made by from_environment(), connect() or over()."""

    def __init__(self, status: int, handle: c_void_p) -> None:
        if status != OK:
            raise HiloError(status)
        self._handle = handle
        self.info = Info()
        library.hilo_info(handle, byref(self.info))

    @classmethod
    def from_environment(cls) -> Client:
        handle = c_void_p()
        return cls(library.hilo_open(byref(handle)), handle)

    @classmethod
    def connect(cls, path: str | Path | None, lane: int = ANY) -> Client:
        handle = c_void_p()
        name = None if path is None else os.fsencode(path)
        return cls(library.hilo_connect(name, lane, byref(handle)), handle)

    @classmethod
    def over(cls, descriptor: int, lane: int = ANY) -> Client:
        handle = c_void_p()
        return cls(library.hilo_connect_fd(descriptor, lane, byref(handle)), handle)

    def submit(self, text: str, lane: int = HIGH) -> int:
        data = text.encode(errors="surrogateescape")  # "\udcff" is the byte 0xff.
        task = c_uint64()
        status = library.hilo_submit(self._handle, lane, data, len(data), byref(task))
        if status != OK:
            raise HiloError(status)
        return task.value

    def wait(self, timeout_ms: int) -> int:
        return library.hilo_wait(self._handle, timeout_ms)

    def take(self) -> Result | None:
        result, taken = Result(), c_size_t()
        status = library.hilo_take(self._handle, byref(result), 1, byref(taken))
        if status not in (OK, EMPTY):
            raise HiloError(status)
        return result if taken.value else None

    def await_result(self, timeout_ms: int = 20_000) -> Result:
        while (result := self.take()) is None:
            status = self.wait(timeout_ms)
            if status != OK:
                raise HiloError(status)
        return result

    def release(self, task: int) -> None:
        library.hilo_release(self._handle, task)

    def embed(self, text: str, lane: int = HIGH) -> list[float]:
        """The vector of one text, while no other is open."""
        self.submit(text, lane)
        result = self.await_result()
        if result.status != OK:
            raise HiloError(result.status)
        vector = result.vector[: self.info.dims]
        self.release(result.task)
        return vector

    def close(self) -> None:
        library.hilo_close(self._handle)


def echo_vector(text: str, dims: int) -> list[float]:
    """What the echo backend answers, told a second time (src/backend/echo.cpp)."""
    mask = (1 << 64) - 1
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) & mask
    vector = []
    for _ in range(dims):
        state = (state + 0x9E3779B97F4A7C15) & mask
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        mixed ^= mixed >> 31
        vector.append((mixed >> 40) / (1 << 23) - 1.0)
    return vector
