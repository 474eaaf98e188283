"""The servers of `./dev bench http`: hilo, with a model or without, and infinity. Each has two
paths, for HIGH and for LOW; infinity's are the same."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from arrangements import (answers, end_server, end_with_parent, free_port, serve_infinity,
                          wait_for_server, with_children)

# The crowd of LOW connections is there to stay.
PATIENT = [f"--http-{what}-seconds=3600" for what in ("header", "body", "idle", "write")]


@dataclass
class Server:
    name: str
    process: subprocess.Popen
    port: int
    high_path: str
    low_path: str
    socket: Path | None = None  # hilo's

    def end(self) -> None:
        end_server(self.process)

    def front_end_seconds(self) -> float:
        """Processor time that hilo-http has had, all threads."""
        pid = next(pid for pid in with_children(self.process.pid)
                   if b"hilo-http" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])
        return sum(int(path.read_text().split()[0])
                   for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def serve_hilo(program: Path, name: str, folder: Path, *options: str | Path) -> Server:
    port, path = free_port(), folder / f"{name.replace(' ', '-')}.sock"
    process = subprocess.Popen(
        [program, "serve", "--socket", path, "--http", str(port), "--http-any-model", *PATIENT,
         *options],
        preexec_fn=end_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_server(process, partial(answers, f"http://127.0.0.1:{port}"))
    return Server(name, process, port, "/high/v1/embeddings", "/low/v1/embeddings", path)


def serve_rival(program: Path | None, model: Path) -> Server:
    process, port = serve_infinity(program, model)
    return Server("infinity", process, port, "/embeddings", "/embeddings")


class LowMeter:
    """Tokens a second that hilo's LOW lane computes, whoever sent them, as the engine tells."""

    def __init__(self, program: Path, server: Server) -> None:
        self._ask = [program, "top", "--once", "--json", "--socket", str(server.socket)]

    def read(self) -> tuple[float, int]:
        told = json.loads(subprocess.run(self._ask, capture_output=True, check=True).stdout)
        return told["now_ns"] / 1e9, told["lanes"]["low"]["tokens"]

    @staticmethod
    def rate(before: tuple[float, int], after: tuple[float, int]) -> float:
        return (after[1] - before[1]) / (after[0] - before[0])
