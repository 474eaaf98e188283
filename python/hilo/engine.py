"""A private engine: started by a program for itself, and gone with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import weakref
from importlib import metadata
from typing import IO, Literal

from hilo import _hilo
from hilo.client import Client
from hilo.errors import Error, StartFailed

# An engine that is asked to end does so at once, unless something is very wrong with it.
_SECONDS_TO_EXIT = 5.0


class Hilo(Client):
    """A client with an engine of its own.

    model_dir  a Hugging Face model directory (config.json, model.safetensors, tokenizer)
    precision  "fp32" (exact), "bf16" (nearly), "int8" (smallest), or "auto", which takes bf16
               where the processor multiplies it faster than fp32
    threads    cores to use; None means all of them
    backend    "cpu"; "cuda", a GPU; "tensorrt", a GPU with what was prepared; "auto", a GPU where
               there is one that the model fits, else the CPU; "echo" and "null" need no model and
               exercise the path alone
    prepared   the directory that `hilo model prepare` made of the model, for "tensorrt"

    Raises StartFailed with the engine's own sentence if it does not start. The engine ends with
    `close()`, the end of a `with` block, or the program's own end, however it comes.

    >>> with Hilo("all-MiniLM-L6-v2") as model:
    ...     model.encode("resize photos").shape
    (384,)
    """

    def __init__(
        self,
        model_dir: str | os.PathLike[str] | None = None,
        precision: str = "fp32",
        threads: int | None = None,
        backend: Literal["cpu", "cuda", "tensorrt", "auto", "echo", "null"] = "cpu",
        prepared: str | os.PathLike[str] | None = None,
    ) -> None:
        arguments = ["--backend", backend, "--precision", precision]
        if model_dir is not None:
            arguments += ["--model", os.fspath(model_dir)]
        elif backend not in ("echo", "null"):
            raise ValueError('model_dir is missing: only the backends "echo" and "null" need none')
        if prepared is not None:
            arguments += ["--prepared", os.fspath(prepared)]
        if threads is not None:
            arguments += ["--threads", str(threads)]
        with tempfile.TemporaryFile() as words:
            self._process, channel = _start(arguments, words)
            # Also at the interpreter's exit, and when the object is garbage.
            self._stop = weakref.finalize(self, _stop, self._process, os.getpid())
            try:
                super().__init__(_hilo.connect_descriptor(channel, _hilo.Lane.ANY))
                self.encode("")  # The first answer comes when the model is loaded.
            except BaseException as error:
                self._stop()
                if not isinstance(error, Error):
                    raise
                reason = _last_words(words) or error
                raise StartFailed(f"the engine did not start: {reason}") from None

    @property
    def pid(self) -> int:
        """Process id of the engine."""
        return self._process.pid

    def close(self) -> None:
        """Ends the session and stops the engine. Views stay readable."""
        super().close()
        self._stop()


def engine_program() -> str:
    """Where the program `hilo` is: $HILO_BIN, else the one installed with this package, else PATH.

    Raises StartFailed if there is none.
    """
    named = os.environ.get("HILO_BIN")
    if named:
        return named
    try:
        files = metadata.files("hilo-engine") or []
    except metadata.PackageNotFoundError:  # Imported from a source tree.
        files = []
    for file in files:
        if file.name == "hilo" and file.parent.name == "bin":
            return os.path.normpath(file.locate())
    found = shutil.which("hilo")
    if found is None:
        raise StartFailed("the program hilo is not installed: pip install hilo-engine, "
                          "or name it in the environment variable HILO_BIN")
    return found


def _start(arguments: list[str], words: IO[bytes]) -> tuple[subprocess.Popen[bytes], int]:
    """The engine, whose standard error goes to `words`, and our end of the socket to it."""
    program = engine_program()
    ours, engines = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, engines:
        command = [program, "serve", "--private-fd", str(engines.fileno()), *arguments]
        try:
            # A session of its own, so that Ctrl-C in the terminal is for the program alone.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words,
                pass_fds=[engines.fileno()], start_new_session=True)
        except OSError as error:
            raise StartFailed(f"cannot start {program}: {error.strerror}") from None
        return process, ours.detach()


def _last_words(words: IO[bytes]) -> str:
    """The last line that the engine wrote to standard error, besides a pointer to its help."""
    words.seek(0)
    lines = words.read().decode(errors="replace").strip().splitlines()
    telling = [line for line in lines if line != "Run with --help for more information."]
    return telling[-1].removeprefix("hilo: ") if telling else ""


def _stop(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:  # A fork is not the one to stop it.
        return
    process.terminate()
    try:
        process.wait(_SECONDS_TO_EXIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
