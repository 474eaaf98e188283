"""hilo: text embeddings with two lanes, HIGH where a user waits and LOW where an index is built.

    from hilo import Hilo

    with Hilo("path/to/all-MiniLM-L6-v2") as model:      # starts a private engine
        vectors = model.encode(["resize photos", "play chess"])   # float32, [2, dims]

`Hilo` starts an engine of its own, `connect` goes to one that runs (`hilo serve`), and
`Client.from_environment` is for a program that `hilo run` started. All three encode alike.
"""

from hilo._hilo import version as _version
from hilo.client import Client, Lane, Totals, connect
from hilo.engine import Hilo
from hilo.errors import (
    Cancelled,
    EngineGone,
    Error,
    Forked,
    InvalidArgument,
    InvalidText,
    LaneDenied,
    NotFound,
    Refused,
    ShuttingDown,
    StartFailed,
    TextTooLong,
    TimedOut,
    TooManyTokens,
    TooManyViews,
    UnknownId,
)
from hilo.progress import Progress
from hilo.tokenizer import Tokenizer

__version__ = _version()

__all__ = [
    "Cancelled",
    "Client",
    "EngineGone",
    "Error",
    "Forked",
    "Hilo",
    "InvalidArgument",
    "InvalidText",
    "Lane",
    "LaneDenied",
    "NotFound",
    "Progress",
    "Refused",
    "ShuttingDown",
    "StartFailed",
    "TextTooLong",
    "TimedOut",
    "Tokenizer",
    "TooManyTokens",
    "TooManyViews",
    "Totals",
    "UnknownId",
    "connect",
]
