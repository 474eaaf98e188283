"""The exceptions of hilo. Each is a hilo.Error, and its text says what was wrong and what to do."""

from __future__ import annotations

from hilo._hilo import Status


class Error(Exception):
    """Base of all exceptions of hilo.

    `index` is the position of the text that it is about in the list given, or None.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class EngineGone(Error, ConnectionError):
    """The engine has exited. Open another client when it is back."""


class NotFound(Error, ConnectionError):
    """No engine there: not started by `hilo run`, no such socket, or nobody listens on it."""


class StartFailed(Error):
    """The private engine of `hilo.Hilo` did not start. The text ends with its own last words."""


class TextTooLong(Error, ValueError):
    """The text `index` is over the limit in bytes (not in tokens: see TooManyTokens)."""


class TooManyTokens(Error, ValueError):
    """The text `index` has more tokens than the model takes, and was not to be truncated."""


class UnknownId(Error, ValueError):
    """The ids `index` hold one that is not in the model's vocabulary."""


class InvalidText(Error, ValueError):
    """The text `index` cannot be written as UTF-8."""


class InvalidArgument(Error, ValueError):
    """The engine or the library refused an argument, such as the name of a prompt."""


class LaneDenied(Error, PermissionError):
    """This client may not use that lane."""


class TooManyViews(Error):
    """More vectors would be lent with `copy=False` than can be lent at a time."""


class TimedOut(Error, TimeoutError):
    """The time given, or that of a connection, has passed."""


class Cancelled(Error):
    """The task was cancelled, or the client closed by another thread."""


class ShuttingDown(Error):
    """The engine finishes what it has and takes no more."""


class Refused(Error):
    """The engine has no place for another client, or more work in the lane HIGH than it takes in.

    Try again after `retry_after` seconds, or None if the engine did not say. Work of the lane LOW
    that is refused is submitted again by itself.
    """

    retry_after: float | None = None


class Forked(Error):
    """This process is a fork of the one that opened the client. Open another one here."""


_CLASS_OF_STATUS: dict[Status, type[Error]] = {
    Status.FULL: TooManyViews,
    Status.TEXT_TOO_LONG: TextTooLong,
    Status.TOO_MANY_TOKENS: TooManyTokens,
    Status.UNKNOWN_ID: UnknownId,
    Status.INVALID_UTF8: InvalidText,
    Status.INVALID_ARGUMENT: InvalidArgument,
    Status.LANE_DENIED: LaneDenied,
    Status.CANCELLED: Cancelled,
    Status.EXPIRED: TimedOut,
    Status.SHUTTING_DOWN: ShuttingDown,
    Status.REFUSED: Refused,
    Status.ENGINE_GONE: EngineGone,
    Status.NOT_FOUND: NotFound,
    Status.TIMED_OUT: TimedOut,
    Status.FORKED: Forked,
}


def error_of(status: Status, message: str, index: int | None, retry_after_ms: int) -> Exception:
    """The exception of a status of the C interface; the extension module calls this."""
    if status == Status.NO_MEMORY:
        return MemoryError(message)
    error = _CLASS_OF_STATUS.get(status, Error)(message, index)
    if isinstance(error, Refused) and retry_after_ms > 0:
        error.retry_after = retry_after_ms / 1000
    return error
