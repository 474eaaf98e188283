"""The echo backend, once more in Python, to tell whose answer a test got."""

from __future__ import annotations

import numpy as np


def echo_vector(text: str) -> np.ndarray:
    """What the echo backend answers, from its definition in src/backend/echo.h."""
    word = 0xCBF29CE484222325
    for token in text.encode()[:1024]:
        word = (word ^ token) * 0x100000001B3 % 2**64
    values = []
    for _ in range(64):
        word = (word + 0x9E3779B97F4A7C15) % 2**64
        mixed = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        mixed ^= mixed >> 31
        values.append((mixed >> 40) / 2**23 - 1)
    return np.array(values, np.float32)
